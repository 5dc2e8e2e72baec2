//! List and show: what there is, with the last uses that are not in the store yet.

use claviger_domain::owner::Principal;
use claviger_domain::policy::Policy;
use claviger_domain::token::{LastUse, Token, TokenState, TokenType};
use claviger_domain::{Scope, Timestamp, TokenId};
use claviger_store::{Tx, tokens as rows};

use super::from_row;
use crate::error::{Error, Result};
use crate::jobs::Sighting;
use crate::{Context, Service, cursor, policy};

/// Which tokens to list. All conditions must hold.
#[derive(Debug, Clone, Default)]
pub struct TokenFilter {
    /// Only tokens in this state now.
    pub state: Option<TokenState>,
    /// Only this type.
    pub token_type: Option<TokenType>,
    /// Only tokens that act as this principal.
    pub owner: Option<Principal>,
    /// Only tokens of this team or service.
    pub holder: Option<i64>,
    /// Only names (in any spelling) or hints that begin so.
    pub text: Option<String>,
    /// Only names that begin so.
    pub name_prefix: Option<String>,
    /// Only tokens issued before this instant.
    pub created_before: Option<Timestamp>,
    /// Only tokens that end before this instant.
    pub expires_before: Option<Timestamp>,
    /// Only tokens that end after this instant, or never.
    pub expires_after: Option<Timestamp>,
    /// Only tokens last accepted before this instant, or never.
    pub last_used_before: Option<Timestamp>,
    /// Only tokens last accepted after this instant.
    pub last_used_after: Option<Timestamp>,
    /// Only tokens that the policy flags because nobody uses them, or only the others.
    pub unused: Option<bool>,
}

/// By what a list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortKey {
    /// When the token was issued.
    #[default]
    CreatedAt,
    /// Its name's normal form.
    Name,
    /// When it ends; never is last.
    ExpiresAt,
    /// When it was last accepted; never is first.
    LastUsedAt,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub key: SortKey,
    /// The greatest first.
    pub descending: bool,
}

/// A page of tokens.
#[derive(Debug, Clone)]
pub struct Listing {
    /// The records.
    pub tokens: Vec<Token>,
    /// The policy that says which of them nobody uses.
    pub policy: Policy,
    /// The cursor of the next page.
    pub next_cursor: Option<String>,
}

impl Service {
    /// A page of the tokens that the caller may see.
    ///
    /// # Errors
    /// `Invalid` for a cursor of another list; those of the store.
    pub async fn list_tokens(
        &self,
        ctx: &Context,
        filter: &TokenFilter,
        order: Order,
        limit: u32,
        after: Option<&str>,
    ) -> Result<Listing> {
        if order.key == SortKey::LastUsedAt
            || filter.last_used_before.is_some()
            || filter.last_used_after.is_some()
            || filter.unused.is_some()
        {
            self.flush_uses().await?;
        }
        let described = format!("{filter:?}{order:?}{}", ctx.org());
        let place = match after {
            Some(text) => Some(cursor::read(&self.0.keys, &described, text)?),
            None => None,
        };
        let after = match &place {
            Some(text) => Some(
                rows::Place::parse(text).ok_or_else(|| Error::internal("a sealed cursor does not parse"))?,
            ),
            None => None,
        };
        let mut query = self.query(ctx, Scope::TokensRead, filter, order, limit + 1, after);
        let (unused, now) = (filter.unused, ctx.now());
        let read = self.0.store.read(async move |tx: &mut Tx| {
            let policy = policy::of(tx, query.org).await?;
            query.unused = unused.map(|are_unused| (are_unused, policy::flagged(&policy, now)));
            Ok::<_, Error>((rows::list(tx, &query).await?, policy))
        });
        let (mut found, policy) = read.await?;

        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next_cursor = found.last().filter(|_| more).map(|row| {
            let place = rows::Place::of(row, sort_of(order.key));
            cursor::write(&self.0.keys, &described, &place.to_string())
        });
        let mut tokens = found.iter().map(from_row).collect::<Result<Vec<_>>>()?;
        self.add_pending_uses(&mut tokens);
        Ok(Listing {
            tokens,
            policy,
            next_cursor,
        })
    }

    /// One token that the caller may see, and the policy that says whether nobody uses it.
    ///
    /// # Errors
    /// `token` not found.
    pub async fn show_token(&self, ctx: &Context, id: TokenId) -> Result<(Token, Policy)> {
        let service = self.clone();
        let ctx = ctx.clone();
        let read = self.0.store.read(async move |tx: &mut Tx| {
            let token = service.visible(tx, &ctx, id).await?;
            Ok::<_, Error>((token, policy::of(tx, ctx.org()).await?))
        });
        let (token, policy) = read.await?;
        Ok((self.with_pending_use(token), policy))
    }

    /// The store's form of a filter, over the tokens to which the caller may do `scope`.
    pub(super) fn query(
        &self,
        ctx: &Context,
        scope: Scope,
        filter: &TokenFilter,
        order: Order,
        limit: u32,
        after: Option<rows::Place>,
    ) -> rows::TokenFilter {
        rows::TokenFilter {
            org: ctx.org(),
            now: ctx.now(),
            state: filter.state.map(|state| state.as_str()),
            token_type: filter.token_type.map(TokenType::as_str),
            visible: ctx.tokens_within(scope),
            owner: filter.owner,
            holder: filter.holder,
            key_or_hint_prefix: filter.text.as_deref().map(|text| {
                (
                    claviger_domain::name::NameKey::of(text).into_string(),
                    text.to_owned(),
                )
            }),
            key_prefix: filter
                .name_prefix
                .as_deref()
                .map(|text| claviger_domain::name::NameKey::of(text).into_string()),
            created_before: filter.created_before,
            expires_before: filter.expires_before,
            expires_after: filter.expires_after,
            last_used_before: filter.last_used_before,
            last_used_after: filter.last_used_after,
            // The policy says it: whoever asks for it fills it in.
            unused: None,
            except: None,
            sort: sort_of(order.key),
            descending: order.descending,
            after,
            limit,
        }
    }

    /// The record with the last use that the store does not know yet.
    pub(crate) fn with_pending_use(&self, mut token: Token) -> Token {
        self.add_pending_uses(std::slice::from_mut(&mut token));
        token
    }

    fn add_pending_uses(&self, tokens: &mut [Token]) {
        self.drain_uses();
        let pending = Self::lock(&self.0.uses);
        for token in tokens {
            if self.0.verifier.overlap_ended(token.id) {
                token.previous = None;
            }
            let Some(pending) = pending.get(&token.id) else {
                continue;
            };
            add_use(&mut token.last_use, pending.last);
            if let (Some(old), Some(used)) = (&mut token.previous, pending.previous) {
                add_use(&mut old.last_use, used);
            }
        }
    }
}

/// Puts a use in the place of an earlier one, or of the same one if it tells the address.
fn add_use(known: &mut Option<LastUse>, seen: Sighting) {
    let is_news = |known: &LastUse| known.at < seen.at || seen.address.is_some() && known.at == seen.at;
    if known.as_ref().is_none_or(is_news) {
        *known = Some(LastUse {
            at: seen.at,
            address: seen.address.map(|address| address.to_string()),
            presented_in: seen.address.map(|_| seen.presented_in),
        });
    }
}

const fn sort_of(key: SortKey) -> rows::Sort {
    match key {
        SortKey::CreatedAt => rows::Sort::Id,
        SortKey::Name => rows::Sort::Name,
        SortKey::ExpiresAt => rows::Sort::ExpiresAt,
        SortKey::LastUsedAt => rows::Sort::LastUsedAt,
    }
}
