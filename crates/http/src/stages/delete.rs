//! `DELETE /v1/stages/{id}`

use axum::extract::State;
use claviger_domain::StageId;
use http::StatusCode;

use crate::app::App;
use crate::guard::{Permit, scope};
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::PathId;

/// Delete a stage
///
/// Takes it out of the order; the stages after it move one place back. It takes a token that reaches the whole organization.
#[utoipa::path(
    delete,
    path = "/v1/stages/{id}",
    tag = "environments",
    security(("token" = ["environments:write"])),
    params(("id" = String, Path, description = "The stage's handle.", example = "stg_01k9zv5m3r000")),
    responses(
        (status = 204, description = "It is gone."),
        (status = 404, description = "`stage_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn delete_stage(
    permit: Permit<scope::EnvironmentsWrite>,
    State(app): State<App>,
    PathId(id): PathId<StageId>,
) -> Result<StatusCode, Problem> {
    app.service().delete_stage(&permit.context, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
