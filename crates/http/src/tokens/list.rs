//! `GET /v1/tokens`

use axum::extract::State;
use claviger_api::page::Page;
use claviger_api::tokens::{ListTokens, Token, TokenState};
use claviger_domain::FieldError;
use claviger_domain::token::TokenState as DomainState;
use claviger_service::tokens::{Order, SortKey, TokenFilter};

use super::wire;
use crate::app::App;
use crate::fields::{Fields, instant, limit, optional, owner};
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::Query;

/// List tokens
///
/// The records of the tokens that you may see, a page at a time, never their secrets. Dead tokens stay listed until they are deleted.
#[utoipa::path(
    get,
    path = "/v1/tokens",
    tag = "tokens",
    security(("token" = ["tokens:read"])),
    params(ListTokens),
    responses((status = 200, description = "A page.", body = Page<Token>), Guarded),
)]
pub(crate) async fn list_tokens(
    permit: Permit<scope::TokensRead>,
    State(app): State<App>,
    Query(query): Query<ListTokens>,
) -> Result<Json<Page<Token>>, Problem> {
    let (filter, order, limit) = parsed(&query)?;
    let after = query.cursor.as_deref();
    let listing = app
        .service()
        .list_tokens(&permit.context, &filter, order, limit, after)
        .await?;
    let now = permit.context.now();
    Ok(Json(Page {
        data: listing
            .tokens
            .iter()
            .map(|token| wire::token(token, listing.policy.unused(token, now), now))
            .collect(),
        next_cursor: listing.next_cursor,
    }))
}

fn parsed(query: &ListTokens) -> Result<(TokenFilter, Order, u32), Problem> {
    let mut fields = Fields::default();
    let mut time =
        |field, text: &Option<String>| fields.take(optional(field, text.as_deref(), instant)).flatten();
    let filter = TokenFilter {
        state: query.state.map(state),
        token_type: query.token_type.map(wire::parsed_type),
        text: query.q.clone(),
        expires_before: time("expires_before", &query.expires_before),
        expires_after: time("expires_after", &query.expires_after),
        last_used_before: time("last_used_before", &query.last_used_before),
        last_used_after: time("last_used_after", &query.last_used_after),
        unused: query.unused,
        owner: fields
            .take(optional("owner", query.owner.as_deref(), owner))
            .flatten(),
        holder: fields
            .take(wire::holder(query.team.as_deref(), query.service.as_deref()))
            .flatten(),
        ..TokenFilter::default()
    };
    let order = fields.take(order(query.sort.as_deref().unwrap_or("-created_at")));
    let limit = fields.take(limit(query.limit));
    match (order, limit, fields.is_empty()) {
        (Some(order), Some(limit), true) => Ok((filter, order, limit)),
        _ => Err(fields.refused()),
    }
}

fn state(state: TokenState) -> DomainState {
    match state {
        TokenState::Live => DomainState::Live,
        TokenState::Expired => DomainState::Expired,
        TokenState::Revoked => DomainState::Revoked,
    }
}

fn order(text: &str) -> Result<Order, FieldError> {
    let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
    let key = match name {
        "created_at" => SortKey::CreatedAt,
        "name" => SortKey::Name,
        "expires_at" => SortKey::ExpiresAt,
        "last_used_at" => SortKey::LastUsedAt,
        _ => {
            let detail = "expected `created_at`, `name`, `expires_at` or `last_used_at`, with `-` before it for the reverse";
            return Err(FieldError::new("sort", "sort_unknown", detail));
        }
    };
    Ok(Order { key, descending })
}
