//! `GET /v1/tokens/self`

use axum::extract::State;
use claviger_api::tokens::Token;

use super::wire;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;

/// Show the calling token
///
/// The record of the token that you present. It needs no scope.
#[utoipa::path(
    get,
    path = "/v1/tokens/self",
    tag = "tokens",
    security(("token" = [])),
    responses((status = 200, description = "The record.", body = Token), Guarded),
)]
pub(crate) async fn show_own_token(
    permit: Permit<scope::AnyToken>,
    State(app): State<App>,
) -> Result<Json<Token>, Problem> {
    let now = permit.context.now();
    let (token, policy) = app.service().own_token(&permit.context).await?;
    Ok(Json(wire::token(&token, policy.unused(&token, now), now)))
}
