//! The audit trail: an event in the transaction of every change, bound to the one before it by a hash.
//!
//! Link n is SHA-256(link n−1 ‖ canonical bytes of event n). The head (place and hash of the last event) is kept in the
//! database under a MAC whose key is not there, and anchored outside from time to time: a flipped bit breaks a link, a cut tail
//! contradicts the head, and an old head contradicts the anchor.

mod verify;

use claviger_domain::audit::{Action, Actor, Event};
use claviger_domain::token::PresentedIn;
use claviger_domain::{OrgId, Timestamp};
use claviger_store::audit::AuditRow;
use claviger_store::{Tx, audit as rows, heads};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::{Context, Origin, Service, cursor};

pub use verify::{Fault, FaultCode, Verdict};

const HEAD: &str = "audit";
/// The hash before the first event.
const GENESIS: [u8; 32] = [0; 32];
/// Events of one step of an export.
pub const EXPORT_STEP: u32 = 1_000;

/// An event with its link, as lists and exports show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The event.
    pub event: Event,
    /// Its link in the chain.
    pub hash: Vec<u8>,
}

/// Which events to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only this action.
    pub action: Option<String>,
    /// Only events about this thing.
    pub subject: Option<String>,
    /// Only events by this actor.
    pub actor: Option<String>,
    /// Only events at or after this instant.
    pub since: Option<Timestamp>,
    /// Only events before this instant.
    pub until: Option<Timestamp>,
}

/// What one change adds to the trail.
pub(crate) struct Record {
    pub(crate) action: Action,
    pub(crate) subject: String,
    pub(crate) detail: serde_json::Value,
}

/// Who did it, where.
pub(crate) struct By<'a> {
    pub(crate) org: OrgId,
    pub(crate) actor: Actor,
    pub(crate) origin: &'a Origin,
}

/// The last event's place and link.
pub(crate) struct Head {
    pub(crate) seq: u64,
    pub(crate) hash: [u8; 32],
    pub(crate) mac: Vec<u8>,
}

/// The detail, and that the token was presented in the address if it was: it may be in somebody's log.
fn shown_detail(mut detail: serde_json::Value, origin: &Origin) -> serde_json::Value {
    if origin.presented_in == PresentedIn::Query
        && let Some(fields) = detail.as_object_mut()
    {
        fields.insert("presented_in".to_owned(), origin.presented_in.as_str().into());
    }
    detail
}

impl Context {
    pub(crate) fn by(&self) -> By<'_> {
        By {
            org: self.org(),
            actor: self.actor(),
            origin: &self.origin,
        }
    }
}

impl Service {
    /// Appends the events of one change. Cost: one hash and one row each, one head.
    pub(crate) async fn record(&self, tx: &mut Tx, by: &By<'_>, records: Vec<Record>) -> Result<()> {
        let head = self.audit_head(tx).await?;
        let (mut seq, mut hash) = head.map_or((0, GENESIS), |head| (head.seq, head.hash));
        let via = match by.actor {
            Actor::User(_, token) | Actor::Token(token) | Actor::Holder(token) => Some(token.to_string()),
            Actor::SignedIn(_, session) => Some(session.to_string()),
            Actor::Person(_) | Actor::Operator | Actor::System => None,
        };
        let mut appended = Vec::with_capacity(records.len());
        for record in records {
            seq += 1;
            let event = Event {
                seq,
                at: by.origin.now,
                org: by.org,
                actor: by.actor.to_string(),
                via: via.clone(),
                action: record.action.as_str().to_owned(),
                subject: record.subject,
                detail: shown_detail(record.detail, by.origin).to_string(),
                request_id: by.origin.request_id.clone(),
                address: by.origin.address.map(|address| address.to_string()),
            };
            hash = link(&hash, &event);
            appended.push(AuditRow {
                event,
                hash: hash.to_vec(),
            });
        }
        rows::append_many(tx, &appended).await?;
        heads::put(
            tx,
            HEAD,
            seq,
            &hash,
            &self.0.keys.seal_head(&head_message(seq, &hash)),
        )
        .await?;
        Ok(())
    }

    /// Events of the caller's organization, newest first, and the cursor of the next page.
    ///
    /// # Errors
    /// `Invalid` for a cursor of another list; those of the store.
    pub async fn list_audit(
        &self,
        ctx: &Context,
        filter: &Filter,
        limit: u32,
        after: Option<&str>,
    ) -> Result<(Vec<Entry>, Option<String>)> {
        let described = format!("{filter:?}{}", ctx.org());
        let before = match after {
            Some(text) => Some(
                cursor::read(&self.0.keys, &described, text)?
                    .parse()
                    .map_err(Error::internal)?,
            ),
            None => None,
        };
        let query = rows::AuditFilter {
            org: ctx.org(),
            action: filter.action.clone(),
            subject: filter.subject.clone(),
            actor: filter.actor.clone(),
            since: filter.since,
            until: filter.until,
            before_seq: before,
            after_seq: None,
            newest_first: true,
            limit: limit + 1,
        };
        let mut found = self
            .0
            .store
            .read(async move |tx: &mut Tx| rows::list(tx, &query).await)
            .await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next = found
            .last()
            .filter(|_| more)
            .map(|row| cursor::write(&self.0.keys, &described, &row.event.seq.to_string()));
        Ok((found.into_iter().map(entry).collect(), next))
    }

    /// At most [`EXPORT_STEP`] events of the caller's organization after place `after`, oldest first; the export's step.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn export_audit(
        &self,
        ctx: &Context,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        after: u64,
    ) -> Result<Vec<Entry>> {
        let query = rows::AuditFilter {
            org: ctx.org(),
            action: None,
            subject: None,
            actor: None,
            since,
            until,
            before_seq: None,
            after_seq: Some(after),
            newest_first: false,
            limit: EXPORT_STEP,
        };
        let found = self
            .0
            .store
            .read(async move |tx: &mut Tx| rows::list(tx, &query).await)
            .await?;
        Ok(found.into_iter().map(entry).collect())
    }

    pub(crate) async fn audit_head(&self, tx: &mut Tx) -> Result<Option<Head>> {
        let Some(row) = heads::get(tx, HEAD).await? else {
            return Ok(None);
        };
        let hash = row
            .hash
            .as_slice()
            .try_into()
            .map_err(|_| Error::internal("the audit head's hash is not 32 bytes"))?;
        Ok(Some(Head {
            seq: row.seq,
            hash,
            mac: row.mac,
        }))
    }
}

/// The link of `event` after the link `before`.
pub(crate) fn link(before: &[u8], event: &Event) -> [u8; 32] {
    Sha256::new()
        .chain_update(before)
        .chain_update(event.canonical_bytes())
        .finalize()
        .into()
}

/// What the head's MAC is over.
pub(crate) fn head_message(seq: u64, hash: &[u8]) -> Vec<u8> {
    [b"claviger audit head v1\0".as_slice(), &seq.to_be_bytes(), hash].concat()
}

fn entry(row: AuditRow) -> Entry {
    Entry {
        event: row.event,
        hash: row.hash,
    }
}
