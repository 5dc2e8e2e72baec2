//! `GET /v1/environments/{id}`

use axum::extract::State;
use claviger_api::environments::Environment;
use claviger_domain::EnvironmentId;

use super::wire;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::PathId;

/// Show an environment
///
/// And whether it is production.
#[utoipa::path(
    get,
    path = "/v1/environments/{id}",
    tag = "environments",
    security(("token" = ["environments:read"])),
    params(("id" = String, Path, description = "The environment's handle.", example = "env_01k9zv5m3r000")),
    responses(
        (status = 200, description = "The environment.", body = Environment),
        (status = 404, description = "`environment_not_found`: there is none, or none that you may know of.", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn show_environment(
    permit: Permit<scope::EnvironmentsRead>,
    State(app): State<App>,
    PathId(id): PathId<EnvironmentId>,
) -> Result<Json<Environment>, Problem> {
    let environment = app.service().show_environment(&permit.context, id).await?;
    Ok(Json(wire::environment(&environment)))
}
