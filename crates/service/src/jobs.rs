//! Work in the background: last uses, failed sign-ins, what was spent of quotas, digests that move to the current pepper, what is kept
//! for a time, the audit anchor.
//!
//! Nothing here is on a request's path. What fails is counted, logged and tried again at the next turn.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use claviger_domain::terms::Spent;
use claviger_domain::token::PresentedIn;
use claviger_domain::{Timestamp, TokenId};
use claviger_store::{Tx, idempotency, tokens as rows};
use claviger_verify::{Change, Redigest, SecretRole, Use};

use crate::Service;
use crate::changes::{Kind, Visibility};
use crate::clock::Turns;
use crate::error::{Error, Result};
use crate::idempotency::SECRET_KEPT;

/// How often uses move from the verifier's queue into the table of pending uses.
const DRAIN_EVERY: Duration = Duration::from_secs(1);
/// How often pending uses are written (security.md T29).
const FLUSH_EVERY: u32 = 10;
/// How often what is kept for a time is cleared, and the audit trail anchored.
const CLEAR_EVERY: u32 = 60;
/// Uses that one transaction writes.
const FLUSH_CHUNK: usize = 8_000;
/// Digests that one transaction moves.
const REDIGEST_CHUNK: usize = 1_000;

/// When, whence and how a secret was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sighting {
    /// To the second.
    pub(crate) at: Timestamp,
    /// Whence.
    pub(crate) address: Option<IpAddr>,
    /// Where the request bore the token; says nothing without an address.
    pub(crate) presented_in: PresentedIn,
}

/// The uses of a token that the store does not know yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PendingUse {
    /// The last one by whichever secret.
    pub(crate) last: Sighting,
    /// The last one by the old secret of an overlap.
    pub(crate) previous: Option<Sighting>,
    /// A secret that a regeneration gave was used.
    pub(crate) successor: bool,
}

impl Service {
    /// Runs until `shutdown` is ready, then writes all that is pending. To be spawned once.
    pub async fn run_jobs(self, shutdown: impl Future<Output = ()> + Send) {
        tokio::pin!(shutdown);
        let mut turns = Turns::new(&*self.0.clock, DRAIN_EVERY);
        let mut turn: u32 = 0;
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                () = turns.next() => {}
            }
            turn = turn.wrapping_add(1);
            self.drain_uses();
            self.report("ending overlaps at the first use", self.end_used_overlaps().await);
            self.report(
                "moving digests to the current pepper",
                self.flush_redigests().await,
            );
            if turn.is_multiple_of(FLUSH_EVERY) {
                self.report("writing last uses", self.flush_uses().await);
                self.report("recording failed sign-ins", self.record_failed_sign_ins().await);
                self.report("writing what was spent", self.flush_spendings().await);
            }
            if turn.is_multiple_of(CLEAR_EVERY) {
                self.report("clearing idempotent answers", self.clear_answers().await);
                self.report("revoking what nobody uses", self.revoke_unused().await);
                self.report("forgetting old secrets", self.forget_old_secrets().await);
                self.report("clearing old sessions", self.clear_sessions().await);
                self.report("anchoring the audit trail", self.anchor_audit().await);
            }
        }
        self.report("writing what is pending", self.flush().await);
    }

    /// Writes everything that is pending now: ended overlaps, last uses, failed sign-ins, what was spent of quotas, moved digests, the
    /// audit anchor; clears what was kept long enough.
    ///
    /// # Errors
    /// Those of the store; what was not written stays pending.
    pub async fn flush(&self) -> Result<()> {
        self.end_used_overlaps().await?;
        self.flush_redigests().await?;
        self.flush_uses().await?;
        self.record_failed_sign_ins().await?;
        self.flush_spendings().await?;
        self.clear_answers().await?;
        self.forget_old_secrets().await?;
        self.clear_sessions().await?;
        self.anchor_audit().await
    }

    /// Moves uses from the verifier's queue into the table of pending uses. The latest of each token stays.
    pub(crate) fn drain_uses(&self) {
        let mut pending = Self::lock(&self.0.uses);
        self.0.verifier.drain_uses(&mut |used| {
            let known = pending.entry(used.id).or_insert(PendingUse {
                last: Sighting {
                    address: None,
                    ..Sighting::from(&used)
                },
                previous: None,
                successor: false,
            });
            // The address is told once: a use that is told again without it must not forget it.
            let seen = Sighting::from(&used);
            if seen.is_news(&known.last) {
                known.last = seen;
            }
            match used.secret {
                SecretRole::Sole => {}
                SecretRole::Successor => known.successor = true,
                SecretRole::Previous if known.previous.is_none_or(|before| seen.is_news(&before)) => {
                    known.previous = Some(seen);
                }
                SecretRole::Previous => {}
            }
        });
    }

    /// Forgets which secrets of the token were used, now that they are others. That the token was used stays.
    pub(crate) fn forget_overlap_uses(&self, id: TokenId) {
        if let Some(used) = Self::lock(&self.0.uses).get_mut(&id) {
            (used.previous, used.successor) = (None, false);
        }
    }

    /// Writes the pending uses in batches. A crash before loses at most the last ten seconds of them.
    pub(crate) async fn flush_uses(&self) -> Result<()> {
        self.drain_uses();
        loop {
            let batch: Vec<(TokenId, PendingUse)> = {
                let pending = Self::lock(&self.0.uses);
                let first = pending.iter().take(FLUSH_CHUNK);
                first.map(|(id, used)| (*id, *used)).collect()
            };
            if batch.is_empty() {
                return Ok(());
            }
            let uses: Vec<_> = batch.iter().map(use_row).collect();
            let told = batch.clone();
            let service = self.clone();
            let write = self.0.store.write(async move |tx: &mut Tx| {
                rows::touch_last_used(tx, &uses).await?;
                service.touch_secrets(tx, &told).await
            });
            write.await?;
            self.0.metrics.uses_flushed.inc_by(batch.len() as u64);
            // Only what was written goes: a later use of the same token stays for the next turn.
            let mut pending = Self::lock(&self.0.uses);
            for (id, written) in batch {
                if pending.get(&id) == Some(&written) {
                    pending.remove(&id);
                }
            }
        }
    }

    /// Writes which secrets of rotated tokens were used. It was told of tokens, and another regeneration may have come since: whether it
    /// was this very secret is the verifier's to say.
    async fn touch_secrets(&self, tx: &mut Tx, told: &[(TokenId, PendingUse)]) -> Result<()> {
        let rotated = told
            .iter()
            .filter(|(_, used)| used.successor || used.previous.is_some());
        let rotated: HashMap<TokenId, PendingUse> = rotated.copied().collect();
        if rotated.is_empty() {
            return Ok(());
        }
        let ids: Vec<TokenId> = rotated.keys().copied().collect();
        let (mut first, mut previous) = (Vec::new(), Vec::new());
        for secrets in rows::secrets(tx, &ids).await? {
            let last_used = |digest| self.0.verifier.last_used(digest);
            if secrets.awaits_first_use && last_used(&secrets.present).is_some() {
                first.push((secrets.id, secrets.present));
            }
            let seen = rotated.get(&secrets.id).and_then(|used| used.previous);
            if let (Some(seen), Some(digest)) = (seen, secrets.previous)
                && last_used(&digest).is_some_and(|last| last >= seen.at)
            {
                previous.push(rows::PreviousUseRow {
                    id: secrets.id,
                    digest,
                    at: seen.at,
                    address: seen.address.map(|address| address.to_string()),
                });
            }
        }
        rows::touch_previous(tx, previous).await?;
        Ok(rows::first_used(tx, &first).await?)
    }

    /// Writes what was spent of quotas, in batches. A crash before gives at most the last ten seconds of it back.
    pub(crate) async fn flush_spendings(&self) -> Result<()> {
        {
            let mut pending = Self::lock(&self.0.spendings);
            self.0.verifier.drain_spent(&mut |id, spent| {
                pending.insert(id, spent);
            });
        }
        loop {
            let batch: Vec<(TokenId, Spent)> = {
                let pending = Self::lock(&self.0.spendings);
                pending
                    .iter()
                    .take(FLUSH_CHUNK)
                    .map(|(id, spent)| (*id, *spent))
                    .collect()
            };
            if batch.is_empty() {
                return Ok(());
            }
            let written = batch.clone();
            let write = self
                .0
                .store
                .write(async move |tx: &mut Tx| Ok::<_, Error>(rows::spend(tx, &batch).await?));
            write.await?;
            // Only what was written goes: what was spent meanwhile stays for the next turn.
            let mut pending = Self::lock(&self.0.spendings);
            for (id, spent) in written {
                if pending.get(&id) == Some(&spent) {
                    pending.remove(&id);
                }
            }
        }
    }

    /// Stores the digests that were met under the previous pepper, under the current one.
    pub(crate) async fn flush_redigests(&self) -> Result<()> {
        let mut met: Vec<Redigest> = Vec::new();
        // A busy token is met many times before its digest has moved; a late word of the rotation before is another one.
        let mut seen: HashSet<(TokenId, [u8; 32])> = HashSet::new();
        self.0.verifier.drain_redigests(&mut |redigest| {
            if seen.insert((redigest.id, *redigest.from.as_bytes())) {
                met.push(redigest);
            }
        });
        for chunk in met.chunks(REDIGEST_CHUNK) {
            self.store_redigests(chunk.to_vec()).await?;
        }
        Ok(())
    }

    async fn store_redigests(&self, chunk: Vec<Redigest>) -> Result<()> {
        let pepper = self.0.keys.peppers().current.pepper_id();
        let now = self.0.clock.now();
        let service = self.clone();
        let write = self.0.store.write(async move |tx: &mut Tx| {
            let mut moved = Vec::new();
            let mut applied = Vec::new();
            for redigest in &chunk {
                // Nothing is moved when the token got a new secret meanwhile: its digest is another one, if not the previous.
                let Redigest { id, from, to } = redigest;
                if rows::redigest(tx, *id, from, to, pepper).await?
                    || rows::redigest_previous(tx, *id, from, to, pepper).await?
                {
                    moved.push(redigest.id);
                    applied.push(Change::Rekey {
                        from: redigest.from,
                        to: redigest.to,
                    });
                }
            }
            if !moved.is_empty() {
                service
                    .change(tx, Kind::Redigest, &moved, now, &Visibility::default(), applied)
                    .await?;
            }
            Ok::<_, Error>(())
        });
        write.await
    }

    /// Forgets answers whose time is over, and those that show a secret which was used or is ten minutes old.
    async fn clear_answers(&self) -> Result<()> {
        self.flush_uses().await?;
        let now = self.0.clock.now();
        let write = self.0.store.write(async move |tx: &mut Tx| {
            idempotency::purge(tx, now).await?;
            idempotency::clear_secrets(tx, now - SECRET_KEPT).await?;
            Ok::<_, Error>(())
        });
        write.await
    }

    /// Counts and logs what failed.
    pub(crate) fn report(&self, what: &'static str, outcome: Result<()>) {
        if let Err(error) = outcome {
            self.0.metrics.job_failures.inc();
            tracing::warn!(job = what, error = ?error, "a background job failed and is tried again");
        }
    }
}

fn use_row((id, used): &(TokenId, PendingUse)) -> rows::UseRow {
    let Sighting {
        at,
        address,
        presented_in,
    } = used.last;
    rows::UseRow {
        id: *id,
        at,
        address: address.map(|address| address.to_string()),
        presented_in: address.map(|_| presented_in.as_str()),
    }
}

impl From<&Use> for Sighting {
    fn from(used: &Use) -> Self {
        Self {
            at: used.at,
            address: used.address,
            presented_in: used.presented_in,
        }
    }
}

impl Sighting {
    /// True when it says more than what is known: a later use, or the address of the known one.
    fn is_news(&self, known: &Self) -> bool {
        known.at < self.at || self.address.is_some() && known.at == self.at
    }
}
