//! `GET /v1/sessions/self`

use axum::extract::State;
use claviger_api::sessions::Session;

use super::wire;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;

/// Show the calling session
///
/// The session that you are signed in with.
#[utoipa::path(
    get,
    path = "/v1/sessions/self",
    tag = "sessions",
    security(("token" = [])),
    responses(
        (status = 200, description = "The session.", body = Session),
        (status = 404, description = "`session_not_found`: the call presents a token", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn show_own_session(
    permit: Permit<scope::AnyToken>,
    State(app): State<App>,
) -> Result<Json<Session>, Problem> {
    let session = app.service().own_session(&permit.context).await?;
    Ok(Json(wire::session(&session, permit.context.caller.session())))
}
