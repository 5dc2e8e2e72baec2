//! `POST /v1/sessions/self/confirm`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_api::sessions::{ConfirmSession, Session};
use http::header::SET_COOKIE;

use super::{cookie, wire};
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::GuardedBody;
use crate::problem::Problem;

/// Confirm your password
///
/// Shows the password once more, for what needs a sign-in within the last 5 minutes. The session goes on with a new cookie, until the end it
/// had. Send other requests after the answer: they would bring the old cookie.
#[utoipa::path(
    post,
    path = "/v1/sessions/self/confirm",
    tag = "sessions",
    security(("token" = [])),
    request_body = ConfirmSession,
    responses(
        (
            status = 200,
            description = "Your sign-in is recent.",
            body = Session,
            headers(("Set-Cookie" = String, description = "The session under a new secret; the old one is void.")),
        ),
        (status = 404, description = "`session_not_found`: the call presents a token", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
        // After what all operations answer, which it replaces.
        (status = 403, description = "`password_wrong`, `cross_site_request`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn confirm_session(
    permit: Permit<scope::AnyToken>,
    State(app): State<App>,
    Json(body): Json<ConfirmSession>,
) -> Result<Response, Problem> {
    let signed_in = app
        .service()
        .confirm_session(&permit.context, &body.password)
        .await?;
    let shown = Json(wire::session(&signed_in.session, permit.context.caller.session()));
    let cookie = cookie::set(&signed_in, permit.context.now())?;
    Ok(([(SET_COOKIE, cookie)], shown).into_response())
}
