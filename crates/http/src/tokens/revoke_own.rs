//! `POST /v1/tokens/self/revoke`

use axum::extract::State;
use claviger_api::tokens::{RevokeToken, Revoked};

use super::revoke::note;
use super::wire;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::{Json, OptionalJson};
use crate::openapi::GuardedBody;
use crate::problem::Problem;

/// Revoke the calling token
///
/// Ends the token that you present. It needs no scope: holding a token is enough to kill it.
#[utoipa::path(
    post,
    path = "/v1/tokens/self/revoke",
    tag = "tokens",
    security(("token" = [])),
    request_body(content = Option<RevokeToken>, description = "May be left out."),
    responses((status = 200, description = "It is dead, and this is the proof.", body = Revoked), GuardedBody),
)]
pub(crate) async fn revoke_own_token(
    permit: Permit<scope::AnyToken>,
    State(app): State<App>,
    OptionalJson(body): OptionalJson<RevokeToken>,
) -> Result<Json<Revoked>, Problem> {
    let note = note(body.note.as_deref())?;
    let revoked = app.service().revoke_own_token(&permit.context, note).await?;
    Ok(Json(wire::revoked(&revoked)))
}
