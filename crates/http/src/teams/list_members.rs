//! `GET /v1/teams/{id}/members`

use axum::extract::State;
use claviger_api::page::Page;
use claviger_api::teams::{ListMembers, Member};
use claviger_domain::TeamId;

use super::wire;
use crate::app::App;
use crate::fields::limit;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::{PathId, Query};

/// List a team's members
///
/// Everybody who belongs to the team, a page at a time, in the order of their addresses.
#[utoipa::path(
    get,
    path = "/v1/teams/{id}/members",
    tag = "teams",
    security(("token" = ["teams:read"])),
    params(("id" = String, Path, description = "The team's handle.", example = "team_01k9zv5m3r000"), ListMembers),
    responses(
        (status = 200, description = "A page.", body = Page<Member>),
        (status = 404, description = "`team_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn list_members(
    permit: Permit<scope::TeamsRead>,
    State(app): State<App>,
    PathId(id): PathId<TeamId>,
    Query(query): Query<ListMembers>,
) -> Result<Json<Page<Member>>, Problem> {
    let limit = limit(query.limit).map_err(claviger_service::Error::from)?;
    let (found, next_cursor) = app
        .service()
        .list_members(&permit.context, id, limit, query.cursor.as_deref())
        .await?;
    let data = found.iter().map(wire::member).collect();
    Ok(Json(Page { data, next_cursor }))
}
