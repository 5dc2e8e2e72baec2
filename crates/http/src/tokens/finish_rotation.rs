//! `POST /v1/tokens/{id}/regenerate/finish`

use axum::extract::State;
use claviger_api::tokens::ChangedToken;
use claviger_domain::TokenId;

use super::wire;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::idempotency::NoBody;
use crate::json::{Json, OptionalJson};
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::PathId;

/// Finish a rotation
///
/// Ends the overlap of a regenerated token before its time. When this returns, no verifier accepts the old secret, and the receipt says
/// so. Repeating the call is harmless: a token that is in no overlap stays as it is.
#[utoipa::path(
    post,
    path = "/v1/tokens/{id}/regenerate/finish",
    tag = "tokens",
    security(("token" = ["tokens:write"])),
    params(("id" = String, Path, description = "The token's handle.", example = "tok_01k9zv5m3r000")),
    responses(
        (status = 200, description = "The record, which has one secret now, and the proof.", body = ChangedToken),
        (status = 404, description = "`token_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn finish_rotation(
    permit: Permit<scope::TokensWrite>,
    State(app): State<App>,
    PathId(id): PathId<TokenId>,
    OptionalJson(NoBody {}): OptionalJson<NoBody>,
) -> Result<Json<ChangedToken>, Problem> {
    let changed = app.service().end_overlap(&permit.context, id).await?;
    Ok(Json(wire::changed(&changed, permit.context.now())))
}
