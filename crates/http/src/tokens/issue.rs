//! `POST /v1/tokens`

use axum::extract::State;
use axum::response::Response;
use claviger_api::tokens::{IssueToken, IssuedToken, TokenType};
use claviger_domain::name::{Description, Name};
use claviger_domain::token::parse_scopes;
use claviger_domain::{FieldError, ScopeSet};
use claviger_service::Reply;
use claviger_service::tokens::{Issued, NewToken};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};

use super::{terms, wire};
use crate::app::App;
use crate::fields::{Fields, optional};
use crate::guard::{Permit, scope};
use crate::idempotency::{Idempotent, answer};
use crate::openapi::{GuardedBody, IdempotencyHeader};
use crate::problem::Problem;
use crate::roles::wire::parsed_assignments;

/// Issue a token
///
/// Makes a new token and shows its secret, this once. It never reaches further than the calling token and never outlives it. With an
/// `Idempotency-Key`, the same call shows the same secret again until the secret is first used, at most ten minutes.
#[utoipa::path(
    post,
    path = "/v1/tokens",
    tag = "tokens",
    security(("token" = ["tokens:write"])),
    params(IdempotencyHeader),
    request_body = IssueToken,
    responses(
        (
            status = 201,
            description = "The token and its secret. Every verifier knows it already.",
            body = IssuedToken,
            headers(("Location" = String, description = "Where its record is.")),
        ),
        (status = 404, description = "`team_not_found`, `service_not_found`: there is none that the caller may know of", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`token_name_taken`, `idempotency_in_flight`, `secret_already_shown`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency_key_reused`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
    ),
)]
pub(crate) async fn issue_token(
    permit: Permit<scope::TokensWrite>,
    State(app): State<App>,
    request: Idempotent<IssueToken>,
) -> Result<Response, Problem> {
    let new = parsed(&request.body)?;
    let once = request.once(wire::issued);
    let reply = app.service().issue_token(&permit.context, new, once).await?;
    let location = location(&reply);
    let mut response = answer(StatusCode::CREATED, reply, wire::issued);
    response
        .headers_mut()
        .extend(location.map(|location| (LOCATION, location)));
    Ok(response)
}

/// Where the record is; also of an answer that was kept, which is only bytes.
fn location(reply: &Reply<Issued>) -> Option<HeaderValue> {
    #[derive(serde::Deserialize)]
    struct Kept {
        token: Handle,
    }

    #[derive(serde::Deserialize)]
    struct Handle {
        id: String,
    }

    let id = match reply {
        Reply::Fresh(issued) => issued.token.id.to_string(),
        Reply::Repeated(body) => serde_json::from_slice::<Kept>(body).ok()?.token.id,
    };
    HeaderValue::try_from(format!("/v1/tokens/{id}")).ok()
}

fn parsed(body: &IssueToken) -> Result<NewToken, Problem> {
    let mut fields = Fields::default();
    let name = fields.take(Name::parse("name", &body.name));
    let description = fields.take(optional(
        "description",
        body.description.as_deref(),
        Description::parse,
    ));
    let scopes = fields.take_all(scopes(body));
    let roles = fields.take_all(parsed_assignments(&body.roles));
    let expiry = fields.take(wire::expiry(
        body.expires_in_days,
        body.expires_at.as_deref(),
        body.never_expires,
    ));
    let token_type = body.token_type.unwrap_or(TokenType::Personal);
    let recipient = wire::recipient(token_type, body.team.as_deref(), body.service.as_deref());
    let recipient = fields.take(recipient);
    let restrictions = body.restrictions.as_ref().map(wire::parsed_restrictions);
    let restrictions = fields.take_all(restrictions.transpose());
    let terms = fields.take_all(terms::of_new(body));
    let given = (recipient, scopes, restrictions, roles, terms);
    let (
        Some(name),
        Some(description),
        Some(expiry),
        (Some(recipient), Some(scopes), Some(restrictions), Some(roles), Some(terms)),
    ) = (name, description, expiry, given)
    else {
        return Err(fields.refused());
    };
    Ok(NewToken {
        recipient,
        name,
        description: description.unwrap_or_default(),
        scopes,
        restrictions: restrictions.unwrap_or_default(),
        roles,
        terms,
        expiry,
    })
}

/// A token without roles needs a scope: it could do nothing.
fn scopes(body: &IssueToken) -> Result<ScopeSet, Vec<FieldError>> {
    if body.scopes.is_empty() && !body.roles.is_empty() {
        return Ok(ScopeSet::EMPTY);
    }
    parse_scopes("scopes", &body.scopes)
}
