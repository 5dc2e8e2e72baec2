//! `POST /v1/calendar-feeds`

use axum::extract::State;
use claviger_api::calendar_feeds::{CreateCalendarFeed, CreatedCalendarFeed};
use claviger_domain::name::Label;
use http::StatusCode;

use super::{read, wire};
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::GuardedBody;
use crate::problem::Problem;

/// Create a calendar feed
///
/// Makes an address that a calendar program reads without a header, and shows it, this once. It shows the ends of the tokens that the
/// calling token may see, as they are whenever it is read. Revoking or deleting the calling token ends it; that token's own end does not.
#[utoipa::path(
    post,
    path = "/v1/calendar-feeds",
    tag = "calendar",
    security(("token" = ["tokens:read"])),
    request_body = CreateCalendarFeed,
    responses(
        (status = 201, description = "The feed and its address.", body = CreatedCalendarFeed),
        (status = 409, description = "`calendar_feed_limit_reached`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
    ),
)]
pub(crate) async fn create_calendar_feed(
    permit: Permit<scope::TokensRead>,
    State(app): State<App>,
    Json(body): Json<CreateCalendarFeed>,
) -> Result<(StatusCode, Json<CreatedCalendarFeed>), Problem> {
    let name = Label::parse("name", &body.name).map_err(claviger_service::Error::from)?;
    let made = app.service().create_calendar_feed(&permit.context, name).await?;
    let shown = CreatedCalendarFeed {
        feed: wire::feed(&made.feed),
        path: read::path(made.secret.expose()),
    };
    Ok((StatusCode::CREATED, Json(shown)))
}
