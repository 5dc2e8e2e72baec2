//! `GET /v1/teams`

use axum::extract::State;
use claviger_api::page::Page;
use claviger_api::teams::{ListTeams, Team};

use super::wire;
use crate::app::App;
use crate::fields::limit;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::Query;

/// List teams
///
/// The teams that you may see, a page at a time, in the order of their names.
#[utoipa::path(
    get,
    path = "/v1/teams",
    tag = "teams",
    security(("token" = ["teams:read"])),
    params(ListTeams),
    responses((status = 200, description = "A page.", body = Page<Team>), Guarded),
)]
pub(crate) async fn list_teams(
    permit: Permit<scope::TeamsRead>,
    State(app): State<App>,
    Query(query): Query<ListTeams>,
) -> Result<Json<Page<Team>>, Problem> {
    let limit = limit(query.limit).map_err(claviger_service::Error::from)?;
    let (found, next_cursor) = app
        .service()
        .list_teams(
            &permit.context,
            query.q.as_deref(),
            limit,
            query.cursor.as_deref(),
        )
        .await?;
    let data = found.iter().map(wire::team).collect();
    Ok(Json(Page { data, next_cursor }))
}
