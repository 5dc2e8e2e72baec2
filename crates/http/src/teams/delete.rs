//! `DELETE /v1/teams/{id}`

use axum::extract::State;
use claviger_api::teams::DeletedTeam;
use claviger_domain::TeamId;

use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::PathId;
use crate::tokens::wire::receipt;

/// Delete a team
///
/// Dissolves a team that owns nothing any more. Its memberships end with it: when this returns, nobody does anything by them. It takes a
/// token that reaches the whole organization.
#[utoipa::path(
    delete,
    path = "/v1/teams/{id}",
    tag = "teams",
    security(("token" = ["teams:write"])),
    params(("id" = String, Path, description = "The team's handle.", example = "team_01k9zv5m3r000")),
    responses(
        (status = 200, description = "It is gone, and the proof.", body = DeletedTeam),
        (status = 404, description = "`team_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`team_not_empty`: something belongs to it.", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn delete_team(
    permit: Permit<scope::TeamsWrite>,
    State(app): State<App>,
    PathId(id): PathId<TeamId>,
) -> Result<Json<DeletedTeam>, Problem> {
    let proof = app.service().delete_team(&permit.context, id).await?;
    Ok(Json(DeletedTeam {
        receipt: receipt(&proof),
    }))
}
