//! `DELETE /v1/environments/{id}`

use axum::extract::State;
use claviger_domain::EnvironmentId;
use http::StatusCode;

use crate::app::App;
use crate::guard::{Permit, scope};
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::PathId;

/// Delete an environment
///
/// Drops one that no stage is in. It takes a token that reaches the whole organization.
#[utoipa::path(
    delete,
    path = "/v1/environments/{id}",
    tag = "environments",
    security(("token" = ["environments:write"])),
    params(("id" = String, Path, description = "The environment's handle.", example = "env_01k9zv5m3r000")),
    responses(
        (status = 204, description = "It is gone."),
        (status = 404, description = "`environment_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`environment_in_use`: a stage is in it.", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn delete_environment(
    permit: Permit<scope::EnvironmentsWrite>,
    State(app): State<App>,
    PathId(id): PathId<EnvironmentId>,
) -> Result<StatusCode, Problem> {
    app.service().delete_environment(&permit.context, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
