//! Operations: who may do what, in one transaction, with an audit event.
//!
//! One module per area. An operation takes its [`Context`] (who asks, through which request, when) and domain values that are
//! already parsed; it checks the rule, writes state, feed and audit event in one transaction, and lets the verifier learn of the
//! change after the commit and before the answer. Doors (`http` and its siblings) call it; it knows no door and no SQL.

pub mod audit;
pub mod calendar;
mod catalogue;
mod changes;
mod clock;
mod context;
mod cursor;
pub mod deployments;
mod directory;
pub mod environments;
mod error;
pub mod explain;
pub mod idempotency;
mod jobs;
mod journal;
pub mod keys;
mod load;
mod metrics;
pub mod outbound;
mod owners;
pub mod people;
pub mod peppers;
mod policy;
mod reminders;
pub mod roles;
mod seal;
pub mod services;
pub mod sessions;
mod setup;
pub mod stages;
pub mod teams;
pub mod tokens;
pub mod webhooks;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use claviger_domain::TokenId;
use claviger_domain::id::IdSequence;
use claviger_domain::terms::Spent;
use claviger_store::Store;
use claviger_token::{Prefix, RandomSource};
use claviger_verify::Verifier;

pub use changes::Feed;
pub use clock::Clock;
pub use context::{Context, Origin};
pub use directory::{Directory, NamedPlace};
pub use error::{Error, Result, Unproven};
pub use idempotency::{IdempotencyKey, Once, Reply};
pub use journal::WithoutJournal;
pub use metrics::Metrics;
pub use reminders::Tried;
pub use setup::SETUP_CODE_LIFETIME;

use jobs::PendingUse;
use keys::{KeyRing, KeyStore};
use outbound::Outbound;
use reminders::Outbox;
use setup::SetupCode;

/// What a [`Service`] is made of. `server` makes the parts; tests make them with a clock and a random source of their own.
pub struct Parts {
    /// The store, open and migrated.
    pub store: Store,
    /// The verifier, empty; [`Service::open`] fills it.
    pub verifier: Arc<Verifier>,
    /// The feed of changes, which the store was opened with ([`Feed::catch_up`]) and which leads to the verifier.
    pub feed: Arc<Feed>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The random source: the operating system's, or a seeded one in tests.
    pub random: Arc<dyn RandomSource>,
    /// The keys of the process.
    pub keys: KeyRing,
    /// Where the keys are kept.
    pub key_store: Arc<dyn KeyStore>,
    /// The installation's prefix.
    pub prefix: Prefix,
    /// Counters and histograms.
    pub metrics: Metrics,
    /// The way to webhooks and mail.
    pub outbound: Arc<dyn Outbound>,
    /// Where the revocation journal is, and what to do without it; `None` = no restore is safe.
    pub journal: Option<(PathBuf, WithoutJournal)>,
}

/// All operations. Cheap to clone.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    store: Store,
    verifier: Arc<Verifier>,
    feed: Arc<Feed>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn RandomSource>,
    ids: IdSequence,
    keys: KeyRing,
    key_store: Arc<dyn KeyStore>,
    prefix: Prefix,
    metrics: Metrics,
    setup_code: Mutex<Option<SetupCode>>,
    /// Held while the live peppers change: two rotations at once would lose a key.
    pepper_change: tokio::sync::Mutex<()>,
    /// Idempotency keys whose first request is still being answered.
    in_flight: Mutex<HashSet<[u8; 32]>>,
    /// Runs password hashes.
    hasher: people::Hasher,
    /// Wrong passwords of late.
    attempts: people::Attempts,
    /// Failed sign-ins that are not in the audit trail yet.
    failed_sign_ins: Mutex<sessions::FailedSignIns>,
    /// Last uses that are not in the store yet, in the order in which the store keeps tokens: a batch of neighbours changes a few pages,
    /// one of strangers a page each.
    uses: Mutex<BTreeMap<TokenId, PendingUse>>,
    outbound: Arc<dyn Outbound>,
    outbox: Outbox,
    /// What was spent of quotas and is not in the store yet.
    spendings: Mutex<BTreeMap<TokenId, Spent>>,
    /// Tokens whose overlap ended at the first use of the new secret, which the store does not know yet.
    ended_overlaps: Mutex<BTreeSet<TokenId>>,
}

impl Service {
    /// The verifier that every door asks.
    pub fn verifier(&self) -> &Arc<Verifier> {
        &self.0.verifier
    }

    /// The clock of this process.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// The random source of this process.
    pub fn random(&self) -> &Arc<dyn RandomSource> {
        &self.0.random
    }

    /// The store, for its state and its figures.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The installation's prefix.
    pub fn prefix(&self) -> &Prefix {
        &self.0.prefix
    }

    fn lock<'a, T>(mutex: &'a Mutex<T>) -> MutexGuard<'a, T> {
        // The guarded maps are valid after every statement, so a panic elsewhere spoils nothing.
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
