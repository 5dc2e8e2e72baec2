//! `DELETE /v1/users/{id}/sessions`

use axum::extract::State;
use claviger_api::sessions::EndedSessions;
use claviger_domain::UserId;

use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::PathId;

/// End a person's sessions
///
/// Signs a person out everywhere: your own (a token needs `tokens:write` for it, as for your tokens), and with `users:write` anybody. Their
/// tokens stay. Repeating the call is harmless.
#[utoipa::path(
    delete,
    path = "/v1/users/{id}/sessions",
    tag = "sessions",
    security(("token" = [])),
    params(("id" = String, Path, description = "The person's handle.", example = "usr_01k9zv5m3r000")),
    responses(
        (status = 200, description = "How many were ended.", body = EndedSessions),
        (status = 404, description = "`user_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn end_user_sessions(
    permit: Permit<scope::AnyToken>,
    State(app): State<App>,
    PathId(id): PathId<UserId>,
) -> Result<Json<EndedSessions>, Problem> {
    let ended = app.service().end_sessions_of(&permit.context, id).await?;
    Ok(Json(EndedSessions { ended }))
}
