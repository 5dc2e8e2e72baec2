//! `GET /v1/tokens/{id}`

use axum::extract::State;
use claviger_api::tokens::Token;
use claviger_domain::TokenId;

use super::wire;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::PathId;

/// Show a token
///
/// Its record as it stands now, never its secret.
#[utoipa::path(
    get,
    path = "/v1/tokens/{id}",
    tag = "tokens",
    security(("token" = ["tokens:read"])),
    params(("id" = String, Path, description = "The token's handle.", example = "tok_01k9zv5m3r000")),
    responses(
        (status = 200, description = "The record.", body = Token),
        (status = 404, description = "`token_not_found`: there is none, or none that you may know of.", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn show_token(
    permit: Permit<scope::TokensRead>,
    State(app): State<App>,
    PathId(id): PathId<TokenId>,
) -> Result<Json<Token>, Problem> {
    let now = permit.context.now();
    let (token, policy) = app.service().show_token(&permit.context, id).await?;
    Ok(Json(wire::token(&token, policy.unused(&token, now), now)))
}
