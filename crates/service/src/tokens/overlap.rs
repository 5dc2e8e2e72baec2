//! The end of an overlap: on request, at the first use of the new secret, by time.
//!
//! On request the verifiers know before the answer. At the first use the verifier ended it before that use was answered, and here
//! the store is told within a second; a crash in between leaves the overlap to its end by time. By time every check knows by
//! itself, and here the old secret is forgotten.

use claviger_domain::audit::{Action, Actor};
use claviger_domain::{Timestamp, TokenId};
use claviger_store::{Tx, idempotency, tokens as rows};
use claviger_token::PepperId;
use claviger_verify::Change;
use serde_json::json;

use super::Changed;
use crate::audit::{By, Record};
use crate::changes::{Kind, Visibility};
use crate::error::{Error, Result};
use crate::{Context, Origin, Service, policy};

/// Overlaps that one transaction ends.
const OVERLAPS_AT_ONCE: u32 = 500;

/// Why an overlap ended before its time, as the audit trail says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Requested,
    FirstUse,
    PepperRetired,
}

impl Cause {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::FirstUse => "first_use",
            Self::PepperRetired => "pepper_retired",
        }
    }
}

impl Service {
    /// Ends a token's overlap now. A token that is in none stays as it is, and the receipt proves that it has one secret.
    ///
    /// # Errors
    /// `token` not found; those of the store: then the old secret may be good still, and the caller is told so.
    pub async fn end_overlap(&self, ctx: &Context, id: TokenId) -> Result<Changed> {
        let service = self.clone();
        let (ctx, now) = (ctx.clone(), ctx.now());
        let visibility = Visibility::default();
        let seen = visibility.clone();
        let ended = self.0.store.write(async move |tx: &mut Tx| {
            let policy = policy::of(tx, ctx.org()).await?;
            let mut token = service.manageable(tx, &ctx, id).await?;
            let ended = service
                .end_in(tx, &ctx.by(), id, Cause::Requested, &visibility)
                .await?;
            token.previous = None;
            let epoch = match ended {
                Some(epoch) => epoch,
                None => service.epoch(tx).await?,
            };
            Ok::<_, Error>((token, policy, epoch))
        });
        let (token, policy, epoch) = ended.await?;
        let token = self.with_pending_use(token);
        Ok(Changed {
            unused: policy.unused(&token, now),
            token,
            receipt: seen.receipt(epoch),
        })
    }

    /// Tells the store of the overlaps that ended at the first use of the new secret. What cannot be told stays for the next call.
    pub(crate) async fn end_used_overlaps(&self) -> Result<()> {
        let mut waiting: Vec<TokenId> = {
            let mut ended = Self::lock(&self.0.ended_overlaps);
            self.0.verifier.drain_first_uses(&mut |id| {
                ended.insert(id);
            });
            ended.iter().copied().collect()
        };
        while !waiting.is_empty() {
            let rest = waiting.split_off(waiting.len().min(OVERLAPS_AT_ONCE as usize));
            self.end_many(waiting.clone(), Cause::FirstUse).await?;
            let mut ended = Self::lock(&self.0.ended_overlaps);
            for id in waiting {
                // One whose digest is just being moved was not recognised: it comes again.
                if !self.0.verifier.overlap_ended(id) {
                    ended.remove(&id);
                }
            }
            waiting = rest;
        }
        Ok(())
    }

    /// Ends the overlaps whose old secret depends on the pepper, which is given up.
    pub(crate) async fn end_overlaps_with_pepper(&self, pepper: PepperId, now: Timestamp) -> Result<()> {
        loop {
            let read = self.0.store.read(async move |tx: &mut Tx| {
                rows::overlaps_with_pepper(tx, pepper, now, OVERLAPS_AT_ONCE).await
            });
            let ids = read.await?;
            if ids.is_empty() {
                return Ok(());
            }
            self.end_many(ids, Cause::PepperRetired).await?;
        }
    }

    /// Forgets the old secrets whose overlap ended by time.
    pub(crate) async fn forget_old_secrets(&self) -> Result<()> {
        let now = self.0.clock.now();
        loop {
            let read = self
                .0
                .store
                .read(async move |tx: &mut Tx| rows::overlaps_over(tx, now, OVERLAPS_AT_ONCE).await);
            let ids = read.await?;
            if ids.is_empty() {
                return Ok(());
            }
            let service = self.clone();
            let forgotten = self.0.store.write(async move |tx: &mut Tx| {
                let mut applied = Vec::with_capacity(ids.len());
                for id in &ids {
                    applied.extend(end_overlap(tx, *id).await?);
                }
                let visibility = Visibility::default();
                service
                    .change(tx, Kind::EndOverlap, &ids, now, &visibility, applied)
                    .await?;
                Ok::<_, Error>(())
            });
            forgotten.await?;
        }
    }

    /// Ends the overlaps of these tokens in one transaction, for no caller's sake.
    async fn end_many(&self, ids: Vec<TokenId>, cause: Cause) -> Result<()> {
        let service = self.clone();
        let origin = Origin::own(self.0.clock.now());
        let ended = self.0.store.write(async move |tx: &mut Tx| {
            let visibility = Visibility::default();
            for row in rows::by_ids(tx, &ids).await? {
                // The overlap may be another one by now, whose new secret was not used yet.
                if cause == Cause::FirstUse && !service.is_used_up(&row) {
                    continue;
                }
                let by = By {
                    org: row.org,
                    actor: Actor::System,
                    origin: &origin,
                };
                service.end_in(tx, &by, row.id, cause, &visibility).await?;
            }
            Ok::<_, Error>(())
        });
        ended.await
    }

    /// True when the first use of the present secret has ended the overlap. Runs where changes are applied, so that none is on its way.
    fn is_used_up(&self, row: &rows::TokenRow) -> bool {
        let until_first_use = row.previous.as_ref().is_some_and(|old| old.until_first_use);
        until_first_use && self.0.verifier.last_used(&row.digest).is_some()
    }

    /// Ends a token's overlap in this transaction; gives the place in the feed, or `None` when there was no overlap.
    async fn end_in(
        &self,
        tx: &mut Tx,
        by: &By<'_>,
        id: TokenId,
        cause: Cause,
        visibility: &Visibility,
    ) -> Result<Option<u64>> {
        let Some(ended) = end_overlap(tx, id).await? else {
            return Ok(None);
        };
        let epoch = self
            .change(
                tx,
                Kind::EndOverlap,
                &[id],
                by.origin.now,
                visibility,
                vec![ended],
            )
            .await?;
        let record = Record {
            action: Action::TokenOverlapEnded,
            subject: id.to_string(),
            detail: json!({ "reason": cause.as_str() }),
        };
        self.record(tx, by, vec![record]).await?;
        Ok(Some(epoch))
    }
}

/// Forgets a token's old secret, and the kept answers that show it; gives what the verifier is to learn.
async fn end_overlap(tx: &mut Tx, id: TokenId) -> Result<Option<Change>> {
    let Some(ended) = rows::end_overlap(tx, id).await? else {
        return Ok(None);
    };
    idempotency::clear_replaced(tx, id, Some(ended.given_at)).await?;
    Ok(Some(Change::EndOverlap {
        id,
        current: ended.current,
        previous: ended.previous,
    }))
}
