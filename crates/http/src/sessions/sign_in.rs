//! `POST /v1/sessions`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_api::sessions::{Session, SignIn};
use claviger_domain::name::Email;
use http::StatusCode;
use http::header::SET_COOKIE;

use super::{cookie, wire};
use crate::app::App;
use crate::fields::Fields;
use crate::guard::Arrival;
use crate::json::Json;
use crate::openapi::PublicBody;
use crate::problem::Problem;

/// Sign in
///
/// Begins a session for whoever has the account's password. Its secret is in the cookie alone: from then on the browser acts as the person,
/// for 12 hours at most, and 30 minutes without a request. A session that the browser had before ends; so does your oldest when you have 50.
#[utoipa::path(
    post,
    path = "/v1/sessions",
    tag = "sessions",
    security(()),
    request_body = SignIn,
    responses(
        (
            status = 201,
            description = "You are signed in.",
            body = Session,
            headers(("Set-Cookie" = String, description = "The session: `Secure`, `HttpOnly`, `SameSite=Strict`, for this host alone.")),
        ),
        (status = 401, description = "`sign_in_failed`: no such account, another password, or an account that may not act; nobody is told which", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 403, description = "`cross_site_request`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts`: five wrong ones within a quarter of an hour for an account, twenty from an address", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        PublicBody,
    ),
)]
pub(crate) async fn sign_in(
    Arrival { origin, session }: Arrival,
    State(app): State<App>,
    Json(body): Json<SignIn>,
) -> Result<Response, Problem> {
    let mut fields = Fields::default();
    let Some(email) = fields.take(Email::parse("email", &body.email)) else {
        return Err(fields.refused());
    };
    let signed_in = app
        .service()
        .sign_in(&origin, &email, &body.password, session.as_deref())
        .await?;
    let current = Some(signed_in.session.id);
    let shown = Json(wire::session(&signed_in.session, current));
    let cookie = cookie::set(&signed_in, origin.now)?;
    Ok((StatusCode::CREATED, [(SET_COOKIE, cookie)], shown).into_response())
}
