//! Revoke many: by ids, or all that match a filter; first as a rehearsal, if the caller likes.
//!
//! The work is done in chunks, each one transaction with an audit event per token, so that other writers are not kept waiting.
//! A crash in between leaves whole chunks done; the same call again does the rest.

use std::collections::HashSet;
use std::time::Duration;

use claviger_domain::name::Label;
use claviger_domain::receipt::Receipt;
use claviger_domain::token::{LastUse, Revocation, RevokeReason, Token, TokenState, TokenType};
use claviger_domain::{OwnerId, Scope, TokenId};
use claviger_store::{Tx, tokens as rows};

use super::from_row;
use super::list::{Order, SortKey, TokenFilter};
use super::revoke::{record_of, revocations, row_of};

use crate::changes::{Kind, Visibility};
use crate::error::{Error, Result};
use crate::{Context, Service};

/// The most ids of one call.
pub const MAX_BULK_IDS: usize = 1_000;
/// Tokens that one transaction revokes.
const CHUNK: u32 = 5_000;
/// Tokens that an answer shows.
const SHOWN: u32 = 100;
/// "Used lately" means within this time.
const LATELY: Duration = Duration::from_secs(60 * 60);

/// What to revoke.
#[derive(Debug, Clone)]
pub enum BulkSelection {
    /// These tokens; at most [`MAX_BULK_IDS`].
    Ids(Vec<TokenId>),
    /// Every live token that matches; never the calling one.
    Filter(Box<TokenFilter>),
}

/// What was revoked, or would be.
#[derive(Debug, Clone)]
pub struct BulkOutcome {
    /// Tokens that were live.
    pub revoked: u64,
    /// Tokens among the ids that had ended already.
    pub already_ended: u64,
    /// Ids of no token that the caller may manage.
    pub not_found: Vec<TokenId>,
    /// How many of the live ones were used within the last hour.
    pub used_last_hour: u64,
    /// The most recently used of them, at most 100.
    pub tokens: Vec<Doomed>,
    /// The proof; `None` on a rehearsal.
    pub receipt: Option<Receipt>,
}

/// One of the tokens that are revoked.
#[derive(Debug, Clone)]
pub struct Doomed {
    /// The handle.
    pub id: TokenId,
    /// Its name.
    pub name: String,
    /// The principal it acts as.
    pub owner: OwnerId,
    /// What kind of principal that is.
    pub token_type: TokenType,
    /// When and whence it was last accepted.
    pub last_use: Option<LastUse>,
}

impl Service {
    /// Revokes many tokens. The receipt covers all of them. Cost: about 10 µs a token, in transactions of 5,000.
    ///
    /// # Errors
    /// `Invalid` for more than [`MAX_BULK_IDS`] ids; those of the store: then some chunks may be done, and the same call does the rest.
    pub async fn revoke_tokens(
        &self,
        ctx: &Context,
        selection: BulkSelection,
        note: Option<Label>,
        dry_run: bool,
    ) -> Result<BulkOutcome> {
        self.flush_uses().await?;
        let outcome = match selection {
            BulkSelection::Ids(ids) => self.revoke_ids(ctx, ids, note, dry_run).await?,
            BulkSelection::Filter(filter) => self.revoke_matching(ctx, *filter, note, dry_run).await?,
        };
        if !dry_run {
            self.0.metrics.revoked.inc_by(outcome.revoked);
        }
        Ok(outcome)
    }

    async fn revoke_ids(
        &self,
        ctx: &Context,
        ids: Vec<TokenId>,
        note: Option<Label>,
        dry_run: bool,
    ) -> Result<BulkOutcome> {
        if ids.len() > MAX_BULK_IDS {
            return Err(Error::field(
                "ids",
                "too_many_ids",
                format!("at most {MAX_BULK_IDS} ids in one call; use a filter for more"),
            ));
        }
        let wanted = ids.clone();
        let found = self
            .0
            .store
            .read(async move |tx: &mut Tx| rows::by_ids(tx, &wanted).await)
            .await?;
        let org = ctx.org();
        let known = found
            .into_iter()
            .filter(|row| row.org == org)
            .map(|row| from_row(&row))
            .filter(|token| !matches!(token, Ok(token) if !ctx.manages_token(token)))
            .collect::<Result<Vec<_>>>()?;
        let seen: HashSet<TokenId> = known.iter().map(|token| token.id).collect();
        let (live, ended): (Vec<Token>, Vec<Token>) =
            known.into_iter().partition(|token| token.is_live(ctx.now()));

        let mut outcome = BulkOutcome {
            revoked: live.len() as u64,
            already_ended: ended.len() as u64,
            not_found: ids.into_iter().filter(|id| !seen.contains(id)).collect(),
            used_last_hour: live.iter().filter(|token| used_lately(token, ctx)).count() as u64,
            tokens: most_recently_used(&live),
            receipt: None,
        };
        if !dry_run {
            let chunk = self
                .revoke_chunk(ctx, Chunk::Ids(live.iter().map(|token| token.id).collect()), note)
                .await?;
            outcome.revoked = chunk.revoked;
            outcome.receipt = Some(chunk.receipt);
        }
        Ok(outcome)
    }

    async fn revoke_matching(
        &self,
        ctx: &Context,
        mut filter: TokenFilter,
        note: Option<Label>,
        dry_run: bool,
    ) -> Result<BulkOutcome> {
        filter.state = Some(TokenState::Live);
        let newest_use = Order {
            key: SortKey::LastUsedAt,
            descending: true,
        };
        let mut query = self.query(ctx, Scope::TokensWrite, &filter, newest_use, SHOWN, None);
        query.except = ctx.caller.token();

        let lately = rows::TokenFilter {
            last_used_after: Some(latest(query.last_used_after, ctx)),
            ..query.clone()
        };
        let all = query.clone();
        let read = self.0.store.read(async move |tx: &mut Tx| {
            // Whoever revokes them counts them.
            let revoked = match dry_run {
                true => rows::count(tx, &all).await?,
                false => 0,
            };
            let used = rows::count(tx, &lately).await?;
            Ok::<_, Error>((revoked, used, rows::list(tx, &all).await?))
        });
        let (revoked, used_last_hour, shown) = read.await?;
        let shown = shown
            .into_iter()
            .map(|row| from_row(&row))
            .collect::<Result<Vec<_>>>()?;
        let mut outcome = BulkOutcome {
            revoked,
            already_ended: 0,
            not_found: Vec::new(),
            used_last_hour,
            tokens: most_recently_used(&shown),
            receipt: None,
        };
        if dry_run {
            return Ok(outcome);
        }
        // In the order of ids, each chunk from where the last one ended: a scan that began anew would meet what it revoked before.
        query.limit = CHUNK;
        query.sort = rows::Sort::Id;
        query.descending = false;
        loop {
            let chunk = self
                .revoke_chunk(ctx, Chunk::Matching(Box::new(query.clone())), note.clone())
                .await?;
            outcome.revoked += chunk.revoked;
            let slowest_ms = outcome
                .receipt
                .map_or(0, |receipt| receipt.slowest_ms)
                .max(chunk.receipt.slowest_ms);
            outcome.receipt = Some(Receipt {
                slowest_ms,
                ..chunk.receipt
            });
            match chunk.last {
                Some(last) if chunk.found == CHUNK => query.after = Some(rows::Place::after_id(last)),
                _ => return Ok(outcome),
            }
        }
    }

    /// Revokes one chunk in one transaction.
    async fn revoke_chunk(&self, ctx: &Context, chunk: Chunk, note: Option<Label>) -> Result<ChunkOutcome> {
        let service = self.clone();
        let ctx = ctx.clone();
        let visibility = Visibility::default();
        let seen = visibility.clone();
        let done = self.0.store.write(async move |tx: &mut Tx| {
            let ids = match chunk {
                Chunk::Ids(ids) => ids,
                Chunk::Matching(query) => rows::ids(tx, &query).await?,
            };
            let (revoked, epoch) = service.revoke_all(tx, &ctx, &ids, note, &visibility).await?;
            Ok::<_, Error>((
                revoked,
                epoch,
                u32::try_from(ids.len()).unwrap_or(u32::MAX),
                ids.last().copied(),
            ))
        });
        let (revoked, epoch, found, last) = done.await?;
        Ok(ChunkOutcome {
            revoked,
            found,
            last,
            receipt: seen.receipt(epoch),
        })
    }

    /// Revokes these tokens in one transaction, for another operation of this room.
    pub(crate) async fn revoke_listed(
        &self,
        ctx: &Context,
        ids: Vec<TokenId>,
        note: Option<Label>,
    ) -> Result<Receipt> {
        let done = self.revoke_chunk(ctx, Chunk::Ids(ids), note).await?;
        self.0.metrics.revoked.inc_by(done.revoked);
        Ok(done.receipt)
    }

    async fn revoke_all(
        &self,
        tx: &mut Tx,
        ctx: &Context,
        ids: &[TokenId],
        note: Option<Label>,
        visibility: &Visibility,
    ) -> Result<(u64, u64)> {
        let revocation = Revocation {
            at: ctx.now(),
            by: ctx.actor().to_string(),
            reason: RevokeReason::Requested,
            note,
        };
        let ended = rows::revoke(tx, ids, &row_of(&revocation)).await?;
        if ended.is_empty() {
            return Ok((0, self.epoch(tx).await?));
        }
        let ids: Vec<TokenId> = ended.iter().map(|row| row.id).collect();
        let records = ids.iter().map(|id| record_of(*id, &revocation)).collect();
        let applied = ended
            .into_iter()
            .flat_map(|row| revocations(row.digest, row.previous))
            .collect();
        let epoch = self
            .change(tx, Kind::Revoke, &ids, ctx.now(), visibility, applied)
            .await?;
        self.record(tx, &ctx.by(), records).await?;
        Ok((ids.len() as u64, epoch))
    }
}

/// The tokens of one transaction.
enum Chunk {
    Ids(Vec<TokenId>),
    Matching(Box<rows::TokenFilter>),
}

struct ChunkOutcome {
    revoked: u64,
    /// Tokens that the chunk was about, and the last of them.
    found: u32,
    last: Option<TokenId>,
    receipt: Receipt,
}

fn used_lately(token: &Token, ctx: &Context) -> bool {
    token
        .last_use
        .as_ref()
        .is_some_and(|used| ctx.now().since(used.at) <= LATELY)
}

/// The later of a filter's own bound and an hour ago.
fn latest(bound: Option<claviger_domain::Timestamp>, ctx: &Context) -> claviger_domain::Timestamp {
    let hour_ago = ctx.now() - LATELY;
    bound.map_or(hour_ago, |bound| bound.max(hour_ago))
}

fn most_recently_used(tokens: &[Token]) -> Vec<Doomed> {
    let mut doomed: Vec<&Token> = tokens.iter().collect();
    doomed.sort_by_key(|token| std::cmp::Reverse(token.last_use.as_ref().map(|used| used.at)));
    doomed.truncate(SHOWN as usize);
    let shown = |token: &Token| Doomed {
        id: token.id,
        name: token.name.as_str().to_owned(),
        owner: token.owner,
        token_type: token.token_type(),
        last_use: token.last_use.clone(),
    };
    doomed.into_iter().map(shown).collect()
}
