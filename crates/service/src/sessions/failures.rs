//! Failed sign-ins on their way to the audit trail (ASVS 5.0 §16.3.1): one event for each person every ten seconds at most, however
//! many guesses there were.
//!
//! They are gathered in memory and written by the background jobs, so that a failed sign-in costs no write and takes the same time
//! whether the person exists. An address that nobody has belongs to no organization, and so to no trail: it is counted in the
//! metrics, and its request has its line in the log. Invariant: at most [`MAX_PEOPLE`] wait.

use std::collections::BTreeMap;

use claviger_domain::audit::{Action, Actor};
use claviger_domain::{OrgId, UserId};
use claviger_store::Tx;
use serde_json::json;

use crate::audit::{By, Record};
use crate::error::{Error, Result};
use crate::{Origin, Service};

/// People whose failed sign-ins wait to be written. Those of further people are counted in the metrics alone.
const MAX_PEOPLE: usize = 1_000;

/// How a sign-in failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The password was wrong.
    Wrong,
    /// There were too many wrong ones, and it was not looked at.
    Throttled,
}

/// The failed sign-ins as some person, since the last were written.
#[derive(Debug, Clone)]
struct Failed {
    org: OrgId,
    wrong: u32,
    throttled: u32,
    /// The last of them.
    origin: Origin,
}

/// Those of all people.
#[derive(Debug, Default)]
pub(crate) struct FailedSignIns(BTreeMap<UserId, Failed>);

// === impl Failure ===

impl Failure {
    /// How it failed; `None` when it did not, or for a reason that says nothing about whoever tried.
    pub(super) fn of(checked: &Result<bool>) -> Option<Self> {
        match checked {
            Ok(false) => Some(Self::Wrong),
            Err(Error::TooManyAttempts { .. }) => Some(Self::Throttled),
            Ok(true) | Err(_) => None,
        }
    }
}

// === impl Failed ===

impl Failed {
    fn add(&mut self, later: &Self) {
        self.wrong = self.wrong.saturating_add(later.wrong);
        self.throttled = self.throttled.saturating_add(later.throttled);
        self.origin = later.origin.clone();
    }
}

// === impl FailedSignIns ===

impl FailedSignIns {
    fn add(&mut self, user: UserId, failed: Failed) {
        if let Some(known) = self.0.get_mut(&user) {
            known.add(&failed);
        } else if self.0.len() < MAX_PEOPLE {
            self.0.insert(user, failed);
        }
    }
}

impl Service {
    /// Notes a failed sign-in; `who` is the person whose address was given, if there is one.
    pub(super) fn note_failed_sign_in(
        &self,
        who: Option<(OrgId, UserId)>,
        origin: &Origin,
        failure: Failure,
    ) {
        self.0.metrics.failed_sign_ins.inc();
        let Some((org, user)) = who else { return };
        let failed = Failed {
            org,
            wrong: u32::from(failure == Failure::Wrong),
            throttled: u32::from(failure == Failure::Throttled),
            origin: origin.clone(),
        };
        Self::lock(&self.0.failed_sign_ins).add(user, failed);
    }

    /// Writes what was noted into the audit trail. What cannot be written waits for the next turn.
    pub(crate) async fn record_failed_sign_ins(&self) -> Result<()> {
        let noted = std::mem::take(&mut *Self::lock(&self.0.failed_sign_ins));
        if noted.0.is_empty() {
            return Ok(());
        }
        let service = self.clone();
        let written = noted.0.clone();
        let write = self.0.store.write(async move |tx: &mut Tx| {
            for (user, failed) in written {
                let by = By {
                    org: failed.org,
                    actor: Actor::System,
                    origin: &failed.origin,
                };
                let record = Record {
                    action: Action::UserSignInFailed,
                    subject: user.to_string(),
                    detail: json!({ "wrong": failed.wrong, "throttled": failed.throttled }),
                };
                service.record(tx, &by, vec![record]).await?;
            }
            Ok::<_, Error>(())
        });
        let outcome = write.await;
        if outcome.is_err() {
            let mut waiting = Self::lock(&self.0.failed_sign_ins);
            for (user, mut failed) in noted.0 {
                if let Some(later) = waiting.0.get(&user) {
                    failed.add(later);
                    waiting.0.insert(user, failed);
                } else {
                    waiting.add(user, failed);
                }
            }
        }
        outcome
    }
}
