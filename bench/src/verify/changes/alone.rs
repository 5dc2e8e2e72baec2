//! The store alone: one client, one commit for each change. What group commit is measured against.
//!
//! Each change is what issuing a token writes: the record, a place in the feed, an audit event and its head. No HTTP, no rules.

use std::time::{Duration, Instant};

use anyhow::Result;
use claviger_domain::audit::Event;
use claviger_domain::{OrgId, Timestamp};
use claviger_store::audit::{self, AuditRow};
use claviger_store::{Location, StoreError, Tx, changes, heads, tokens};

use crate::seed::{self, Kind};
use crate::seeded;

/// A store that nobody else uses. Opened for each round, so that it does nothing in between.
pub(super) struct Alone {
    location: Location,
    /// Whether the organization and the first user are there.
    ready: bool,
    done: u32,
}

impl Alone {
    pub(super) fn new(location: Location) -> Self {
        Self {
            location,
            ready: false,
            done: 0,
        }
    }

    /// Changes a second, over at least `time`.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) fn rate(&mut self, time: Duration) -> Result<f64> {
        if !self.ready {
            seed::fill(self.location.clone(), 0, 1, Kind::Plain)?;
            self.ready = true;
        }
        let first = self.done;
        let (done, took) = seed::in_store(self.location.clone(), async |store| {
            let begin = Instant::now();
            let mut number = first;
            while begin.elapsed() < time {
                store
                    .write(async move |tx: &mut Tx| change(tx, number).await)
                    .await?;
                number += 1;
            }
            Ok((number, begin.elapsed()))
        })?;
        self.done = done;
        Ok(f64::from(done - first) / took.as_secs_f64())
    }
}

async fn change(tx: &mut Tx, number: u32) -> Result<(), StoreError> {
    let token = seed::row(number, u32::MAX, &seeded::pepper())?;
    let seq = u64::from(number) + 1;
    let subject = token.id.to_string();
    tokens::insert(tx, &token).await?;
    changes::append(tx, "issue", token.created_at, &[token.id]).await?;
    audit::append_many(tx, &[event(seq, token.org, token.created_at, subject)]).await?;
    heads::put(tx, "audit", seq, &[0; 32], &[0; 32]).await
}

fn event(seq: u64, org: OrgId, at: Timestamp, subject: String) -> AuditRow {
    let detail = "{\"expires_at\":\"2126-01-01T00:00:00Z\",\"hint\":\"x7Qp\",\"name\":\"pipeline 0 00000000\",\
                  \"scopes\":[\"deployments:write\"],\"type\":\"global\"}";
    AuditRow {
        event: Event {
            seq,
            at,
            org,
            actor: "usr_01k9zv5m3r000".to_owned(),
            via: Some("tok_01k9zv5m3r000".to_owned()),
            action: "token.issued".to_owned(),
            subject,
            detail: detail.to_owned(),
            request_id: "req_01k9zv5m3r000".to_owned(),
            address: Some("127.0.0.1".to_owned()),
        },
        hash: vec![0; 32],
    }
}
