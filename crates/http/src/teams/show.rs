//! `GET /v1/teams/{id}`

use axum::extract::State;
use claviger_api::teams::Team;
use claviger_domain::TeamId;

use super::wire;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::PathId;

/// Show a team
///
/// With the number of its members and services.
#[utoipa::path(
    get,
    path = "/v1/teams/{id}",
    tag = "teams",
    security(("token" = ["teams:read"])),
    params(("id" = String, Path, description = "The team's handle.", example = "team_01k9zv5m3r000")),
    responses(
        (status = 200, description = "The team.", body = Team),
        (status = 404, description = "`team_not_found`: there is none, or none that you may know of.", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn show_team(
    permit: Permit<scope::TeamsRead>,
    State(app): State<App>,
    PathId(id): PathId<TeamId>,
) -> Result<Json<Team>, Problem> {
    let team = app.service().show_team(&permit.context, id).await?;
    Ok(Json(wire::team(&team)))
}
