//! `GET /v1/calendar/{feed}`

use axum::extract::{RawPathParams, State};
use axum::response::{IntoResponse, Response};
use claviger_service::Error;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use super::ics;
use crate::app::App;
use crate::guard::Visit;
use crate::limits;
use crate::openapi::PublicRead;
use crate::problem::Problem;

/// How the address of a feed ends.
const ENDING: &str = ".ics";

/// Read a calendar
///
/// The ends of tokens as a calendar (RFC 5545), for a calendar program: the address is the credential. At most 5,000 events; an end stays
/// for 30 days.
#[utoipa::path(
    get,
    path = "/v1/calendar/{feed}",
    tag = "calendar",
    security(()),
    params(("feed" = String, Path, description = "What `POST /v1/calendar-feeds` showed: a secret and `.ics`.", example = "clvk_….ics")),
    responses(
        (status = 200, description = "The calendar.", body = String, content_type = "text/calendar"),
        (status = 404, description = "`calendar_feed_not_found`: there is none at this address, or none any more.", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_failures`: too much was presented from your address that is not accepted.", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        PublicRead,
    ),
)]
pub(crate) async fn read_calendar(
    Visit { origin, .. }: Visit,
    State(app): State<App>,
    parameters: RawPathParams,
) -> Result<Response, Problem> {
    // An address that is none is a credential that is not accepted, and counts as one.
    let unknown = || {
        let counted = app.edge().clients.strangers.failed(origin.address, origin.now);
        match counted {
            Ok(()) => Problem::not_found("calendar feed"),
            Err(wait) => limits::too_many_failures(wait),
        }
    };
    let (_, file) = parameters.iter().next().ok_or_else(unknown)?;
    let secret = file.strip_suffix(ENDING).ok_or_else(unknown)?;
    let calendar = match app.service().read_calendar(&origin, secret).await {
        Err(Error::NotFound { .. }) => return Err(unknown()),
        read => read?,
    };
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("text/calendar; charset=utf-8"),
        ),
        (CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
    ];
    Ok((headers, ics::text(&calendar)).into_response())
}

/// Where the calendar with this secret is read.
pub(super) fn path(secret: &str) -> String {
    format!("/v1/calendar/{secret}{ENDING}")
}
