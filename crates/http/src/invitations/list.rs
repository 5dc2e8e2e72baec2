//! `GET /v1/invitations`

use axum::extract::State;
use claviger_api::invitations::{Invitation, ListInvitations};
use claviger_api::page::Page;

use super::wire;
use crate::app::App;
use crate::fields::{Fields, limit};
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::Query;

/// List invitations
///
/// A page at a time, the newest first. With `users:read` or `users:write` you see all of them, otherwise those that you made.
#[utoipa::path(
    get,
    path = "/v1/invitations",
    tag = "invitations",
    security(("token" = [])),
    params(ListInvitations),
    responses((status = 200, description = "A page.", body = Page<Invitation>), Guarded),
)]
pub(crate) async fn list_invitations(
    permit: Permit<scope::AnyToken>,
    State(app): State<App>,
    Query(query): Query<ListInvitations>,
) -> Result<Json<Page<Invitation>>, Problem> {
    let mut fields = Fields::default();
    let Some(limit) = fields.take(limit(query.limit)) else {
        return Err(fields.refused());
    };
    let only_open = query.open.unwrap_or(false);
    let (found, next_cursor) = app
        .service()
        .list_invitations(&permit.context, only_open, limit, query.cursor.as_deref())
        .await?;
    let now = permit.context.now();
    let data = found.iter().map(|found| wire::invitation(found, now)).collect();
    Ok(Json(Page { data, next_cursor }))
}
