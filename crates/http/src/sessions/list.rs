//! `GET /v1/sessions`

use axum::extract::State;
use claviger_api::page::Page;
use claviger_api::sessions::{ListSessions, Session};

use super::wire;
use crate::app::App;
use crate::fields::{Fields, id, limit, optional};
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::Query;

/// List sessions
///
/// Where you are signed in, the newest first; a token needs `tokens:read` for it, as for your tokens. Another person's with `users:read` or
/// `users:write`. What is over is not listed.
#[utoipa::path(
    get,
    path = "/v1/sessions",
    tag = "sessions",
    security(("token" = [])),
    params(ListSessions),
    responses(
        (status = 200, description = "A page.", body = Page<Session>),
        (status = 404, description = "`user_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn list_sessions(
    permit: Permit<scope::AnyToken>,
    State(app): State<App>,
    Query(query): Query<ListSessions>,
) -> Result<Json<Page<Session>>, Problem> {
    let mut fields = Fields::default();
    let user = fields.take(optional("user", query.user.as_deref(), id));
    let limit = fields.take(limit(query.limit));
    let (Some(user), Some(limit)) = (user, limit) else {
        return Err(fields.refused());
    };
    let (found, next_cursor) = app
        .service()
        .list_sessions(&permit.context, user, limit, query.cursor.as_deref())
        .await?;
    let current = permit.context.caller.session();
    let data = found
        .iter()
        .map(|session| wire::session(session, current))
        .collect();
    Ok(Json(Page { data, next_cursor }))
}
