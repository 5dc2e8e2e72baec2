//! `DELETE /v1/sessions/self`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::SET_COOKIE;
use http::{HeaderName, HeaderValue, StatusCode};

use super::cookie;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::openapi::Guarded;
use crate::problem::Problem;

/// The browser forgets what it kept of us (W3C Clear Site Data; ASVS 5.0 §14.3.1).
const FORGET: (HeaderName, HeaderValue) = (
    HeaderName::from_static("clear-site-data"),
    HeaderValue::from_static(r#""cookies", "storage", "cache""#),
);

/// Sign out
///
/// Ends the session that you are signed in with; the browser forgets what it kept of this server.
#[utoipa::path(
    delete,
    path = "/v1/sessions/self",
    tag = "sessions",
    security(("token" = [])),
    responses(
        (
            status = 204,
            description = "It is over.",
            headers(
                ("Set-Cookie" = String, description = "Takes the cookie from the browser."),
                ("Clear-Site-Data" = String, description = "And whatever else it kept."),
            ),
        ),
        (status = 404, description = "`session_not_found`: the call presents a token", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn sign_out(
    permit: Permit<scope::AnyToken>,
    State(app): State<App>,
) -> Result<Response, Problem> {
    app.service().sign_out(&permit.context).await?;
    let headers = [(SET_COOKIE, cookie::clear()?), FORGET];
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}
