//! `GET /v1/stages/{id}`

use axum::extract::State;
use claviger_api::stages::Stage;
use claviger_domain::StageId;

use super::wire;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::PathId;

/// Show a stage
///
/// With its environment and its place in the order.
#[utoipa::path(
    get,
    path = "/v1/stages/{id}",
    tag = "environments",
    security(("token" = ["environments:read"])),
    params(("id" = String, Path, description = "The stage's handle.", example = "stg_01k9zv5m3r000")),
    responses(
        (status = 200, description = "The stage.", body = Stage),
        (status = 404, description = "`stage_not_found`: there is none, or none that you may know of.", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn show_stage(
    permit: Permit<scope::EnvironmentsRead>,
    State(app): State<App>,
    PathId(id): PathId<StageId>,
) -> Result<Json<Stage>, Problem> {
    let stage = app.service().show_stage(&permit.context, id).await?;
    Ok(Json(wire::stage(&stage)))
}
