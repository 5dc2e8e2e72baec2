//! `GET /v1/calendar-feeds`

use axum::extract::State;
use claviger_api::calendar_feeds::{CalendarFeed, ListCalendarFeeds};
use claviger_api::page::Page;

use super::wire;
use crate::app::App;
use crate::fields::limit;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::Query;

/// List calendar feeds
///
/// Your own; with a token that manages all of the organization's tokens, everybody's. Their addresses are not shown again.
#[utoipa::path(
    get,
    path = "/v1/calendar-feeds",
    tag = "calendar",
    security(("token" = ["tokens:read"])),
    params(ListCalendarFeeds),
    responses((status = 200, description = "A page.", body = Page<CalendarFeed>), Guarded),
)]
pub(crate) async fn list_calendar_feeds(
    permit: Permit<scope::TokensRead>,
    State(app): State<App>,
    Query(query): Query<ListCalendarFeeds>,
) -> Result<Json<Page<CalendarFeed>>, Problem> {
    let limit = limit(query.limit).map_err(claviger_service::Error::from)?;
    let (found, next_cursor) = app
        .service()
        .list_calendar_feeds(&permit.context, limit, query.cursor.as_deref())
        .await?;
    let data = found.iter().map(wire::feed).collect();
    Ok(Json(Page { data, next_cursor }))
}
