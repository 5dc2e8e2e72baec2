//! `PATCH /v1/tokens/{id}`

use axum::extract::State;
use claviger_api::tokens::{ChangedToken, UpdateToken};
use claviger_domain::TokenId;
use claviger_domain::name::{Description, Name};
use claviger_domain::token::parse_scopes;
use claviger_service::tokens::TokenChanges;

use super::{terms, wire};
use crate::app::App;
use crate::fields::{Fields, optional};
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::GuardedBody;
use crate::problem::Problem;
use crate::query::PathId;
use crate::roles::wire::parsed_assignments;

/// Update a token
///
/// Changes name, description, scopes, restrictions, limits or expiry of a live token; absent fields stay. The secret stays too. What is widened must lie within
/// the calling token's own reach and life. When this returns, no verifier goes by the old state.
#[utoipa::path(
    patch,
    path = "/v1/tokens/{id}",
    tag = "tokens",
    security(("token" = ["tokens:write"])),
    params(("id" = String, Path, description = "The token's handle.", example = "tok_01k9zv5m3r000")),
    request_body = UpdateToken,
    responses(
        (status = 200, description = "The record after the change, and the proof.", body = ChangedToken),
        (status = 404, description = "`token_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`token_not_live`, `token_name_taken`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
    ),
)]
pub(crate) async fn update_token(
    permit: Permit<scope::TokensWrite>,
    State(app): State<App>,
    PathId(id): PathId<TokenId>,
    Json(body): Json<UpdateToken>,
) -> Result<Json<ChangedToken>, Problem> {
    let changes = parsed(&body)?;
    let changed = app.service().update_token(&permit.context, id, changes).await?;
    Ok(Json(wire::changed(&changed, permit.context.now())))
}

fn parsed(body: &UpdateToken) -> Result<TokenChanges, Problem> {
    let mut fields = Fields::default();
    let name = fields.take(optional("name", body.name.as_deref(), Name::parse));
    let description = fields.take(optional(
        "description",
        body.description.as_deref(),
        Description::parse,
    ));
    let scopes = body.scopes.as_deref().map(|texts| parse_scopes("scopes", texts));
    let scopes = fields.take_all(scopes.transpose());
    let expiry = fields.take(wire::expiry(
        body.expires_in_days,
        body.expires_at.as_deref(),
        body.never_expires,
    ));
    let restrictions = body.restrictions.as_ref().map(wire::parsed_restrictions);
    let restrictions = fields.take_all(restrictions.transpose());
    let roles = body.roles.as_deref().map(parsed_assignments);
    let roles = fields.take_all(roles.transpose());
    let terms = fields.take_all(terms::of_update(body));
    let given = (scopes, restrictions, roles, terms);
    let (
        Some(name),
        Some(description),
        Some(expiry),
        (Some(scopes), Some(restrictions), Some(roles), Some(terms)),
    ) = (name, description, expiry, given)
    else {
        return Err(fields.refused());
    };
    Ok(TokenChanges {
        name,
        description,
        scopes,
        restrictions,
        roles,
        terms,
        expiry,
    })
}
