//! Reading the whole trail again: does every link hold, and is the end still there?

use claviger_store::{StoreError, Tx, audit as rows};

use super::{GENESIS, head_message, link};
use crate::error::{Error, Result};
use crate::{Context, Service};

/// Events that one read takes.
const STEP: u32 = 5_000;

/// Whether the chain holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Events that were read.
    pub events: u64,
    /// Place of the last event.
    pub head_seq: u64,
    /// Its link.
    pub head_hash: Vec<u8>,
    /// The first fault.
    pub fault: Option<Fault>,
}

/// Where the chain breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The event at which it was seen.
    pub seq: u64,
    /// What was seen.
    pub code: FaultCode,
}

/// How a chain can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultCode {
    /// An event or its link is not what was written.
    EventChanged,
    /// A place in the chain is empty.
    EventMissing,
    /// Events at the end are gone.
    TailMissing,
    /// The head is not what this installation wrote.
    HeadChanged,
}

impl FaultCode {
    /// The stable text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EventChanged => "event_changed",
            Self::EventMissing => "event_missing",
            Self::TailMissing => "tail_missing",
            Self::HeadChanged => "head_changed",
        }
    }

    /// The same for a person.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::EventChanged => "this event, or its link, is not what was written",
            Self::EventMissing => "this place in the chain is empty",
            Self::TailMissing => "events up to this place were written and are gone",
            Self::HeadChanged => "the head of the chain was not written by this installation",
        }
    }
}

/// The chain as far as it was read.
struct Walk {
    seq: u64,
    hash: Vec<u8>,
    /// Place and link that the anchor outside the database vouches for.
    anchor: Option<(u64, Vec<u8>)>,
}

impl Walk {
    /// Takes the next event, or says what is wrong with it.
    fn step(&mut self, row: rows::AuditRow) -> Option<FaultCode> {
        let expected = self.seq + 1;
        if row.event.seq != expected {
            return Some(FaultCode::EventMissing);
        }
        let hash = link(&self.hash, &row.event);
        let vouched = self
            .anchor
            .as_ref()
            .is_none_or(|(seq, anchored)| *seq != expected || anchored == &hash);
        if row.hash != hash || !vouched {
            return Some(FaultCode::EventChanged);
        }
        self.seq = expected;
        self.hash = row.hash;
        None
    }

    const fn fault(&self, code: FaultCode) -> Fault {
        Fault {
            seq: self.seq + 1,
            code,
        }
    }
}

impl Service {
    /// Reads the trail from its beginning and compares every link, the head and the anchor. Cost: one read of all events.
    ///
    /// # Errors
    /// Those of the store. A broken chain is a verdict, not an error.
    pub async fn verify_audit(&self, _ctx: &Context) -> Result<Verdict> {
        // The last event is read before the head, and the head before the walk: what arrives meanwhile lies beyond it.
        let service = self.clone();
        let read = self.0.store.read(async move |tx: &mut Tx| {
            let last = rows::last_seq(tx).await?;
            Ok::<_, Error>((last, service.audit_head(tx).await?))
        });
        let (last, head) = read.await?;
        let mut walk = Walk {
            seq: 0,
            hash: GENESIS.to_vec(),
            anchor: self.read_anchor()?,
        };
        let end = head.as_ref().map_or(0, |head| head.seq);
        let fault = match self.walk(&mut walk, end).await? {
            Some(fault) => Some(fault),
            None if last > end => Some(Fault {
                seq: end + 1,
                code: FaultCode::HeadChanged,
            }),
            None => self.check_end(&walk, head.as_ref()),
        };
        Ok(Verdict {
            events: walk.seq,
            head_seq: walk.seq,
            head_hash: walk.hash,
            fault,
        })
    }

    /// Writes the head as it is now outside the database. An older head in the database contradicts it from now on.
    pub(crate) async fn anchor_audit(&self) -> Result<()> {
        let service = self.clone();
        let head = self
            .0
            .store
            .read(async move |tx: &mut Tx| service.audit_head(tx).await)
            .await?;
        let Some(head) = head else { return Ok(()) };
        let line = format!("{} {} {}", head.seq, hex(&head.hash), hex(&head.mac));
        self.0
            .key_store
            .save_anchor(&line)
            .map_err(|error| Error::internal(format!("the audit anchor was not kept: {error}")))
    }

    /// Reads on to place `end`; the first fault ends the walk.
    async fn walk(&self, walk: &mut Walk, end: u64) -> Result<Option<Fault>> {
        loop {
            let found = match self.read_on(walk.seq, STEP).await {
                // One row that does not read spoils its whole step: read singly, it is the fault.
                Err(StoreError::Internal(_)) => match self.read_on(walk.seq, 1).await {
                    Err(StoreError::Internal(_)) => return Ok(Some(walk.fault(FaultCode::EventChanged))),
                    singly => singly?,
                },
                found => found?,
            };
            if found.is_empty() {
                return Ok(None);
            }
            for row in found {
                if let Some(code) = walk.step(row) {
                    return Ok(Some(walk.fault(code)));
                }
                if walk.seq == end {
                    return Ok(None);
                }
            }
        }
    }

    async fn read_on(&self, after: u64, limit: u32) -> Result<Vec<rows::AuditRow>, StoreError> {
        self.0
            .store
            .read(async move |tx: &mut Tx| rows::range(tx, after, limit).await)
            .await
    }

    fn check_end(&self, walk: &Walk, head: Option<&super::Head>) -> Option<Fault> {
        let anchored = walk.anchor.as_ref().map_or(0, |(seq, _)| *seq);
        let Some(head) = head else {
            let written = walk.seq.max(anchored);
            return (written > 0).then_some(Fault {
                seq: written,
                code: FaultCode::HeadChanged,
            });
        };
        if !self
            .0
            .keys
            .head_is_sealed(&head_message(head.seq, &head.hash), &head.mac)
        {
            return Some(Fault {
                seq: head.seq,
                code: FaultCode::HeadChanged,
            });
        }
        let written = head.seq.max(anchored);
        if walk.seq < written {
            return Some(Fault {
                seq: written,
                code: FaultCode::TailMissing,
            });
        }
        (walk.hash != head.hash).then_some(Fault {
            seq: head.seq,
            code: FaultCode::HeadChanged,
        })
    }

    /// The anchor, if there is one that this installation sealed.
    fn read_anchor(&self) -> Result<Option<(u64, Vec<u8>)>> {
        let kept = self
            .0
            .key_store
            .load_anchor()
            .map_err(|error| Error::internal(format!("the audit anchor was not read: {error}")))?;
        let Some(line) = kept else { return Ok(None) };
        let mut words = line.split_ascii_whitespace();
        let parsed = (|| {
            let seq: u64 = words.next()?.parse().ok()?;
            Some((seq, unhex(words.next()?)?, unhex(words.next()?)?))
        })();
        let sealed =
            parsed.filter(|(seq, hash, mac)| self.0.keys.head_is_sealed(&head_message(*seq, hash), mac));
        let (seq, hash, _) = sealed.ok_or_else(|| Error::internal("the audit anchor is damaged"))?;
        Ok(Some((seq, hash)))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
