//! `DELETE /v1/calendar-feeds/{id}`

use axum::extract::State;
use claviger_domain::CalendarFeedId;
use http::StatusCode;

use crate::app::App;
use crate::guard::{Permit, scope};
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::PathId;

/// Revoke a calendar feed
///
/// Its address shows nothing from now on. Your own; with a token that manages all of the organization's tokens, anybody's.
#[utoipa::path(
    delete,
    path = "/v1/calendar-feeds/{id}",
    tag = "calendar",
    security(("token" = ["tokens:read"])),
    params(("id" = String, Path, description = "The feed's handle.", example = "cal_01k9zv5m3r000")),
    responses(
        (status = 204, description = "It is gone."),
        (status = 404, description = "`calendar_feed_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn revoke_calendar_feed(
    permit: Permit<scope::TokensRead>,
    State(app): State<App>,
    PathId(id): PathId<CalendarFeedId>,
) -> Result<StatusCode, Problem> {
    app.service().revoke_calendar_feed(&permit.context, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
