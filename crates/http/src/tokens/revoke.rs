//! `POST /v1/tokens/{id}/revoke`

use axum::extract::State;
use claviger_api::tokens::{ChangedToken, RevokeToken};
use claviger_domain::TokenId;
use claviger_domain::name::Label;

use super::wire;
use crate::app::App;
use crate::fields::{Fields, optional};
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::json::OptionalJson;
use crate::openapi::GuardedBody;
use crate::problem::Problem;
use crate::query::PathId;

/// Revoke a token
///
/// Ends a token for good. When this returns, no verifier accepts it again, and the receipt says so. Repeating the call is harmless: a
/// token that was revoked before stays as it was.
#[utoipa::path(
    post,
    path = "/v1/tokens/{id}/revoke",
    tag = "tokens",
    security(("token" = ["tokens:write"])),
    params(("id" = String, Path, description = "The token's handle.", example = "tok_01k9zv5m3r000")),
    request_body(content = Option<RevokeToken>, description = "May be left out."),
    responses(
        (status = 200, description = "The dead record, and the proof.", body = ChangedToken),
        (status = 404, description = "`token_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
    ),
)]
pub(crate) async fn revoke_token(
    permit: Permit<scope::TokensWrite>,
    State(app): State<App>,
    PathId(id): PathId<TokenId>,
    OptionalJson(body): OptionalJson<RevokeToken>,
) -> Result<Json<ChangedToken>, Problem> {
    let note = note(body.note.as_deref())?;
    let changed = app.service().revoke_token(&permit.context, id, note).await?;
    Ok(Json(wire::changed(&changed, permit.context.now())))
}

/// A note for those who will wonder.
pub(super) fn note(text: Option<&str>) -> Result<Option<Label>, Problem> {
    let mut fields = Fields::default();
    fields
        .take(optional("note", text, Label::parse))
        .ok_or_else(|| fields.refused())
}
