//! `DELETE /v1/teams/{id}/members/{user_id}`

use std::str::FromStr;

use axum::extract::State;
use claviger_api::teams::RemovedMember;
use claviger_domain::id::MalformedId;
use claviger_domain::{TeamId, UserId};

use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::{Identified, PathIds};
use crate::tokens::wire::receipt;

/// A person of whom a membership is missing when there is no such person.
pub(crate) struct MemberId(UserId);

impl FromStr for MemberId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        text.parse().map(Self)
    }
}

impl Identified for MemberId {
    const NOUN: &'static str = "member";
}

/// Remove a team's member
///
/// Ends a membership, also that of a deactivated person. When this returns, the person does nothing by it any more.
#[utoipa::path(
    delete,
    path = "/v1/teams/{id}/members/{user_id}",
    tag = "teams",
    security(("token" = ["teams:write"])),
    params(
        ("id" = String, Path, description = "The team's handle.", example = "team_01k9zv5m3r000"),
        ("user_id" = String, Path, description = "The person's handle.", example = "usr_01k9zv5m3r000"),
    ),
    responses(
        (status = 200, description = "The membership is over, and the proof.", body = RemovedMember),
        (status = 404, description = "`team_not_found`, `member_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn remove_member(
    permit: Permit<scope::TeamsWrite>,
    State(app): State<App>,
    PathIds(team, MemberId(user)): PathIds<TeamId, MemberId>,
) -> Result<Json<RemovedMember>, Problem> {
    let proof = app.service().remove_member(&permit.context, team, user).await?;
    Ok(Json(RemovedMember {
        receipt: receipt(&proof),
    }))
}
