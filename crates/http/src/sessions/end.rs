//! `DELETE /v1/sessions/{id}`

use axum::extract::State;
use claviger_domain::SessionId;
use http::StatusCode;

use crate::app::App;
use crate::guard::{Permit, scope};
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::PathId;

/// End a session
///
/// Its next request is refused. You may end your own (a token needs `tokens:write` for it, as for your tokens), and with `users:write`
/// anybody's. Repeating the call is harmless.
#[utoipa::path(
    delete,
    path = "/v1/sessions/{id}",
    tag = "sessions",
    security(("token" = [])),
    params(("id" = String, Path, description = "The session's handle.", example = "ses_01k9zv5m3r000")),
    responses(
        (status = 204, description = "It is over."),
        (status = 404, description = "`session_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn end_session(
    permit: Permit<scope::AnyToken>,
    State(app): State<App>,
    PathId(id): PathId<SessionId>,
) -> Result<StatusCode, Problem> {
    app.service().end_session(&permit.context, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
