//! `POST /v1/tokens/revoke`

use axum::extract::State;
use claviger_api::tokens::{RevokeFilter, RevokeTokens, RevokedToken, RevokedTokens};
use claviger_domain::{FieldError, TokenId};
use claviger_service::tokens::{BulkOutcome, BulkSelection, Doomed, MAX_BULK_IDS, TokenFilter};

use super::revoke::note;
use super::wire;
use crate::app::App;
use crate::fields::{Fields, instant, optional, owner};
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::GuardedBody;
use crate::problem::Problem;

/// Revoke many tokens
///
/// Ends the named tokens, or every live one that matches a filter; never the calling token by a filter. With `dry_run` it only tells what
/// it would end, and which of them are in use. When this returns, no verifier accepts any of them.
/// Costs 10 of the calling token's limits.
#[utoipa::path(
    post,
    path = "/v1/tokens/revoke",
    tag = "tokens",
    security(("token" = ["tokens:write"])),
    request_body = RevokeTokens,
    responses((status = 200, description = "What was ended, and the proof.", body = RevokedTokens), GuardedBody),
)]
pub(crate) async fn revoke_tokens(
    permit: Permit<scope::TokensWrite>,
    State(app): State<App>,
    Json(body): Json<RevokeTokens>,
) -> Result<Json<RevokedTokens>, Problem> {
    let note = note(body.note.as_deref())?;
    let (selection, mut not_found) = selection(&body)?;
    let outcome = app
        .service()
        .revoke_tokens(&permit.context, selection, note, body.dry_run)
        .await?;
    not_found.extend(outcome.not_found.iter().map(TokenId::to_string));
    Ok(Json(answer(outcome, body.dry_run, not_found)))
}

/// What to revoke, and the given ids that cannot exist.
fn selection(body: &RevokeTokens) -> Result<(BulkSelection, Vec<String>), Problem> {
    let mut fields = Fields::default();
    let selection = match (&body.ids, &body.filter) {
        (Some(ids), None) if ids.len() <= MAX_BULK_IDS => {
            let (known, unknown): (Vec<_>, Vec<_>) = ids
                .iter()
                .map(|id| (id, id.parse::<TokenId>()))
                .partition(|(_, parsed)| parsed.is_ok());
            let known = known.into_iter().filter_map(|(_, parsed)| parsed.ok()).collect();
            let unknown = unknown.into_iter().map(|(id, _)| id.clone()).collect();
            Ok((BulkSelection::Ids(known), unknown))
        }
        (Some(_), None) => Err(FieldError::new(
            "ids",
            "ids_too_many",
            format!("at most {MAX_BULK_IDS} ids in a call"),
        )),
        (None, Some(filter)) => {
            let filter = parsed(filter, &mut fields);
            Ok((BulkSelection::Filter(Box::new(filter)), Vec::new()))
        }
        _ => Err(FieldError::new(
            "ids",
            "selection_ambiguous",
            "give either `ids` or `filter`",
        )),
    };
    match fields.take(selection) {
        Some(selection) if fields.is_empty() => Ok(selection),
        _ => Err(fields.refused()),
    }
}

fn parsed(filter: &RevokeFilter, fields: &mut Fields) -> TokenFilter {
    let mut time =
        |field, text: &Option<String>| fields.take(optional(field, text.as_deref(), instant)).flatten();
    TokenFilter {
        token_type: filter.token_type.map(wire::parsed_type),
        name_prefix: filter.name_prefix.clone(),
        created_before: time("filter.created_before", &filter.created_before),
        last_used_before: time("filter.unused_since", &filter.unused_since),
        owner: fields
            .take(optional("filter.owner", filter.owner.as_deref(), owner))
            .flatten(),
        holder: fields
            .take(wire::holder(filter.team.as_deref(), filter.service.as_deref()))
            .flatten(),
        ..TokenFilter::default()
    }
}

fn answer(outcome: BulkOutcome, dry_run: bool, not_found: Vec<String>) -> RevokedTokens {
    RevokedTokens {
        dry_run,
        revoked: outcome.revoked,
        already_ended: outcome.already_ended,
        not_found,
        used_last_hour: outcome.used_last_hour,
        tokens: outcome.tokens.into_iter().map(doomed).collect(),
        receipt: outcome.receipt.as_ref().map(wire::receipt),
    }
}

fn doomed(token: Doomed) -> RevokedToken {
    let (last_used_at, last_used_address) = token
        .last_use
        .map_or((None, None), |used| (Some(used.at.to_string()), used.address));
    RevokedToken {
        id: token.id.to_string(),
        name: token.name,
        owner: wire::owner(token.token_type, token.owner),
        last_used_at,
        last_used_address,
    }
}
