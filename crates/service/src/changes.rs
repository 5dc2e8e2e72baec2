//! The ordered feed of token changes, and the receipt that proves one.
//!
//! Every change of a token takes the next place in the feed, in the transaction of the change. After the commit, before anyone
//! is answered, it is applied to the verifier (reliability.md §2): there is no cache in front of it, so whoever asks after the
//! answer meets the new state.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use claviger_domain::receipt::Receipt;
use claviger_domain::{Timestamp, TokenId};
use claviger_store::{StoreError, Tx, changes as rows};
use claviger_verify::{Change, Verifier};

use crate::Service;
use crate::directory::Directory;
use crate::error::Result;
use crate::journal::Said;

/// What a change did, as the feed names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Issue,
    Update,
    Regenerate,
    /// The old secret of a token stopped.
    EndOverlap,
    Revoke,
    Delete,
    Redigest,
    /// A person's power changed, and with it that of all their tokens.
    Owner,
    /// A service came to another team, and its tokens with it.
    Move,
    /// A role was written, and whoever has it may do something else.
    Role,
    /// A session, an invitation, a password or a calendar feed ended.
    Access,
    /// The policy was written, and perhaps another one holds for tokens in addresses.
    Policy,
}

/// Changes that are on their way: taken down in a transaction, not yet applied to the verifier.
///
/// Normally each is applied by the hook after its commit. When a commit's outcome is unknown the hooks are dropped; the changes
/// stay here, and [`Feed::catch_up`] applies those that the database turns out to have.
pub struct Feed {
    verifier: Arc<Verifier>,
    directory: Directory,
    on_their_way: Mutex<BTreeMap<u64, Vec<Change>>>,
}

/// How long the verifiers took to learn of a change; known once the transaction is committed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Visibility(Arc<AtomicU64>);

impl Kind {
    const ALL: [Self; 12] = [
        Self::Issue,
        Self::Update,
        Self::Regenerate,
        Self::EndOverlap,
        Self::Revoke,
        Self::Delete,
        Self::Redigest,
        Self::Owner,
        Self::Move,
        Self::Role,
        Self::Policy,
        Self::Access,
    ];

    /// Reads what [`Kind::as_str`] wrote.
    pub(crate) fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Update => "update",
            Self::Regenerate => "regenerate",
            Self::EndOverlap => "end_overlap",
            Self::Revoke => "revoke",
            Self::Delete => "delete",
            Self::Redigest => "redigest",
            Self::Owner => "owner",
            Self::Move => "move",
            Self::Role => "role",
            Self::Policy => "policy",
            Self::Access => "access",
        }
    }

    const fn narrows(self) -> bool {
        matches!(
            self,
            Self::Update
                | Self::Regenerate
                | Self::EndOverlap
                | Self::Revoke
                | Self::Delete
                | Self::Owner
                | Self::Move
                | Self::Role
                | Self::Policy
        )
    }
}

impl Visibility {
    /// The receipt of the change at `epoch`. One node: one verifier, confirmed before the answer.
    pub(crate) fn receipt(&self, epoch: u64) -> Receipt {
        Receipt {
            epoch,
            confirmed: 1,
            fenced: 0,
            slowest_ms: self.0.load(Ordering::Acquire) / 1_000,
        }
    }
}

impl Feed {
    /// A feed that leads to this verifier.
    pub fn new(verifier: Arc<Verifier>) -> Self {
        Self {
            verifier,
            directory: Directory::default(),
            on_their_way: Mutex::default(),
        }
    }

    /// Applies what was committed without our knowing, and forgets what was not. For the store, on each new connection to the
    /// database after one broke, before anything else is written.
    ///
    /// # Errors
    /// Those of the store; then it is to be called again.
    pub async fn catch_up(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let committed = rows::head(tx).await?;
        let on_their_way = std::mem::take(&mut *self.lock());
        for (_, changes) in on_their_way
            .into_iter()
            .take_while(|(epoch, _)| *epoch <= committed)
        {
            changes.into_iter().for_each(|change| self.apply(change));
        }
        self.directory.fill(tx).await
    }

    /// What names mean.
    pub(crate) const fn directory(&self) -> &Directory {
        &self.directory
    }

    /// A later operation of the same batch may take the place of one that was rolled back.
    fn take_down(&self, epoch: u64, changes: Vec<Change>) {
        self.lock().insert(epoch, changes);
    }

    fn arrived(&self, epoch: u64) {
        let changes = self.lock().remove(&epoch).unwrap_or_default();
        changes.into_iter().for_each(|change| self.apply(change));
    }

    /// Only what is new can fail to be applied, for want of room: whatever narrows always finds its place.
    fn apply(&self, change: Change) {
        if let Err(full) = self.verifier.apply(change) {
            tracing::error!(error = %full, "the token index is full: a new token is stored and not accepted");
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Vec<Change>>> {
        self.on_their_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Takes the next place in the feed for a change of `tokens`, and lets the verifier learn of it after the commit.
    pub(crate) async fn change(
        &self,
        tx: &mut Tx,
        kind: Kind,
        tokens: &[TokenId],
        now: Timestamp,
        visibility: &Visibility,
        applied: Vec<Change>,
    ) -> Result<u64> {
        let epoch = rows::append(tx, kind.as_str(), now, tokens).await?;
        if let Some(said) = Said::of_tokens(tx, kind, tokens).await? {
            Self::journal(tx, epoch, now, said)?;
        }

        self.0.feed.take_down(epoch, applied);
        let service = self.clone();
        let visibility = visibility.clone();
        tx.after_commit(Box::new(move || {
            let committed = service.0.clock.monotonic();
            service.0.feed.arrived(epoch);
            let taken = service.0.clock.monotonic().saturating_sub(committed);
            visibility.0.fetch_max(
                u64::try_from(taken.as_micros()).unwrap_or(u64::MAX),
                Ordering::Release,
            );
            if kind.narrows() {
                service
                    .0
                    .metrics
                    .revocation_visibility
                    .observe(taken.as_secs_f64());
            }
        }));
        Ok(epoch)
    }

    /// Takes a place in the feed for the end of what has no lines of its own in the revocation journal, so that an older copy of the
    /// store is known as one: there all of its kind ends.
    pub(crate) async fn access_ended(&self, tx: &mut Tx, now: Timestamp) -> Result<()> {
        let visibility = Visibility::default();
        self.change(tx, Kind::Access, &[], now, &visibility, Vec::new())
            .await
            .map(|_| ())
    }

    /// The place of the newest change.
    pub(crate) async fn epoch(&self, tx: &mut Tx) -> Result<u64> {
        Ok(rows::head(tx).await?)
    }
}
