//! `PUT /v1/teams/{id}/members/{user_id}`

use axum::extract::State;
use claviger_api::teams::{ChangedMember, SetMember};
use claviger_domain::{TeamId, UserId};

use super::wire;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::GuardedBody;
use crate::problem::Problem;
use crate::query::PathIds;
use crate::tokens::wire::receipt;

/// Set a team's member
///
/// Makes a person a member of the team, or changes what they are in it. Nobody hands out a role that brings more than the calling token
/// has in the team. When this returns, the person's tokens do what the role lets them, and no more.
#[utoipa::path(
    put,
    path = "/v1/teams/{id}/members/{user_id}",
    tag = "teams",
    security(("token" = ["teams:write"])),
    params(
        ("id" = String, Path, description = "The team's handle.", example = "team_01k9zv5m3r000"),
        ("user_id" = String, Path, description = "The person's handle.", example = "usr_01k9zv5m3r000"),
    ),
    request_body = SetMember,
    responses(
        (status = 200, description = "The member after the change, and the proof.", body = ChangedMember),
        (status = 404, description = "`team_not_found`; `user_not_found`: there is none, or a deactivated one.", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`member_limit_reached`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
    ),
)]
pub(crate) async fn set_member(
    permit: Permit<scope::TeamsWrite>,
    State(app): State<App>,
    PathIds(team, user): PathIds<TeamId, UserId>,
    Json(body): Json<SetMember>,
) -> Result<Json<ChangedMember>, Problem> {
    let role = wire::parsed_role(body.role);
    let changed = app
        .service()
        .set_member(&permit.context, team, user, role)
        .await?;
    Ok(Json(ChangedMember {
        member: wire::member(&changed.member),
        receipt: receipt(&changed.receipt),
    }))
}
