//! Reminders: who is told of a token's end, and the outbox through which everything leaves.
//!
//! Noticing and telling are two steps. A notice is a row that can be made once, and makes its deliveries in the same transaction, so a
//! crash loses none and repeats none. A delivery is claimed, tried, and marked; a crash between repeats it under the same id. Nothing
//! here is on a request's path, and one slow receiver has at most a few of the tries that go on at once.

mod deliver;
mod mail;
mod notice;

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) use notice::begin_marks;

use claviger_domain::id::IdSequence;
use claviger_domain::webhook::Recipient;
use claviger_domain::{DeliveryId, TokenId};
use claviger_store::{Tx, deliveries, notices};
use prometheus_client::encoding::EncodeLabelSet;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::Service;
use crate::clock::Turns;
use crate::error::{Error, Result};

/// How often what is due is looked for.
const TURN: Duration = Duration::from_secs(1);
/// Turns from one look at the ends of tokens to the next.
const NOTICE_EVERY: u32 = 60;
/// Tries that go on at once.
const TRIES_AT_ONCE: u32 = 32;
/// The time that begun tries are given when the server ends.
const DRAIN: Duration = Duration::from_secs(2);
/// How long an ended delivery is kept, in days.
const DELIVERIES_KEPT_DAYS: u64 = 30;
/// How long a notice is kept after the end that it is about, in days. No scan looks so far back.
const NOTICES_KEPT_DAYS: u64 = 400;
/// Deliveries that one transaction forgets.
const PURGE_CHUNK: u32 = 5_000;

/// What the outbox knows in memory.
pub(crate) struct Outbox {
    /// One for each try that may go on.
    permits: Arc<Semaphore>,
    /// The tries that go on.
    busy: Mutex<HashMap<Recipient, u32>>,
    /// When those for whom something waits were last told anything.
    told: Mutex<Told>,
    /// Tokens that were presented after their end, and of which nothing is noted yet.
    refused: Mutex<BTreeSet<TokenId>>,
    /// Held while the ends of tokens are looked through: two at once would do the same work.
    noticing: tokio::sync::Mutex<()>,
    /// Held while tries are begun: whoever looks for what is due takes all that is free meanwhile.
    beginning: tokio::sync::Mutex<()>,
}

/// The turns in which recipients were last told something. Bounded by what one turn looks at and what goes on.
#[derive(Debug, Default)]
struct Told {
    turn: u64,
    by_recipient: HashMap<Recipient, u64>,
}

/// How a try ended, for the counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Tried {
    /// `webhook` or `mail`.
    pub channel: &'static str,
    /// `delivered`, `retried` or `failed`.
    pub outcome: &'static str,
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(TRIES_AT_ONCE as usize)),
            busy: Mutex::default(),
            told: Mutex::default(),
            refused: Mutex::default(),
            noticing: tokio::sync::Mutex::default(),
            beginning: tokio::sync::Mutex::default(),
        }
    }
}

impl Service {
    /// Notices ends and delivers what is due, until `shutdown` is ready. To be spawned once.
    pub async fn run_outbox(self, shutdown: impl Future<Output = ()> + Send) {
        tokio::pin!(shutdown);
        let mut turns = Turns::new(&*self.0.clock, TURN);
        let mut tries = JoinSet::new();
        let mut turn: u32 = 0;
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                () = turns.next() => {}
            }
            if turn.is_multiple_of(NOTICE_EVERY) {
                self.report("noticing ends of tokens", self.notice_ends().await);
                self.report("forgetting old deliveries", self.purge_outbox().await);
            }
            turn = turn.wrapping_add(1);
            self.report("noticing refused tokens", self.notice_refusals().await);
            match self.begin_due().await {
                Ok(begun) => begun.into_iter().for_each(|try_| {
                    tries.spawn(try_);
                }),
                Err(error) => self.report("delivering", Err(error)),
            }
            while tries.try_join_next().is_some() {}
        }
        // What is cut off is claimed, and tried again under its id.
        let finished = async { while tries.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(DRAIN, finished).await;
    }

    /// Does now what the outbox would do within a minute, and returns when nothing is on its way. What waits for a later time stays.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn settle_outbox(&self) -> Result<()> {
        self.notice_ends().await?;
        self.notice_refusals().await?;
        loop {
            let begun = self.begin_due().await?;
            if begun.is_empty() {
                break;
            }
            let mut tries = JoinSet::new();
            for try_ in begun {
                tries.spawn(try_);
            }
            while tries.join_next().await.is_some() {}
        }
        // Those that the running outbox began.
        let all = self.0.outbox.permits.acquire_many(TRIES_AT_ONCE).await;
        all.map(drop).map_err(Error::internal)
    }

    /// Forgets deliveries and notices that nobody looks for any more.
    async fn purge_outbox(&self) -> Result<()> {
        let now = self.0.clock.now();
        let days = |days: u64| Duration::from_secs(days * 86_400);
        let oldest = DeliveryId::from_i64(IdSequence::first_at(now - days(DELIVERIES_KEPT_DAYS)));
        let forget = self.0.store.write(async move |tx: &mut Tx| {
            deliveries::purge(tx, oldest, PURGE_CHUNK).await?;
            notices::purge(tx, now - days(NOTICES_KEPT_DAYS)).await?;
            Ok::<_, Error>(())
        });
        forget.await
    }
}
