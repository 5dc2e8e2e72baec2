//! `DELETE /v1/tokens/{id}`

use axum::extract::State;
use claviger_domain::TokenId;
use http::StatusCode;

use crate::app::App;
use crate::guard::{Permit, scope};
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::PathId;

/// Delete a dead token's record
///
/// Drops the record of a revoked or expired token from the lists. What happened to it stays in the audit trail.
#[utoipa::path(
    delete,
    path = "/v1/tokens/{id}",
    tag = "tokens",
    security(("token" = ["tokens:write"])),
    params(("id" = String, Path, description = "The token's handle.", example = "tok_01k9zv5m3r000")),
    responses(
        (status = 204, description = "The record is gone."),
        (status = 404, description = "`token_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`token_live`: revoke it first.", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn delete_token(
    permit: Permit<scope::TokensWrite>,
    State(app): State<App>,
    PathId(id): PathId<TokenId>,
) -> Result<StatusCode, Problem> {
    app.service().delete_token(&permit.context, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
