//! The revocation journal: what its lines say, and how an old store is brought up to it before anybody may ask.
//!
//! Every change that ends or narrows something leaves a line outside the database, synced before it is acknowledged ([`Service::change`]
//! and its siblings). A store that is older than its journal was restored or copied; at its start all that has ended since ends again.
//! Where that cannot be known exactly, more ends: a token that got a new secret since the backup has none that works, and is revoked.
//! Invariant: nothing that was acknowledged as ended is accepted after a restore (security.md T26).

mod said;

use std::collections::HashMap;
use std::path::Path;

use claviger_domain::audit::{Action, Actor};
use claviger_domain::{OrgId, Timestamp};
use claviger_store::journal::{Journal, JournalError, JournalId, JournalLine};
use claviger_store::{StoreError, Tx, changes, organizations, settings, tokens};
pub(crate) use said::Said;
use said::{Line, apply, end, end_unlisted, line, numbers, said_of_all, said_of_tokens};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::audit::{By, Record};
use crate::changes::Kind;
use crate::error::{Error, Result};
use crate::{Origin, Service};

/// The setting that names the store's journal.
const SETTING: &str = "journal";
/// Changes that are read from the feed at once.
const STEP: u32 = 1_000;
/// Tokens that a line about all of them names.
const IDS_OF_A_LINE: usize = 10_000;
/// The setting that says when the store was last brought up to its journal.
const RESTORED: &str = "restored_at";

/// What to do with a store whose journal is missing or cannot be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutJournal {
    /// Refuse to start.
    Refuse,
    /// Revoke every token, and begin another journal. For an operator who has lost it.
    RevokeAll,
    /// Begin another journal, and revoke nothing. For an operator who knows that the store is no older copy.
    TrustStore,
}

/// The store and its journal, side by side.
struct Found {
    /// The journal that the store names.
    named: Option<JournalId>,
    /// The last place of the store's feed.
    head: u64,
    /// What the journal has after that place.
    newer: Vec<JournalLine>,
    /// The last that it has up to there.
    shared: Option<JournalLine>,
}

impl Service {
    /// Leaves a line about the change at `epoch`, which is synced before the change is acknowledged.
    pub(crate) fn journal(tx: &mut Tx, epoch: u64, at: Timestamp, said: Said) -> Result<()> {
        tx.journal(line(epoch, at, said)?);
        Ok(())
    }

    /// Finds the journal, brings the store up to it, and has it written from now on. To be called before the verifier is filled.
    ///
    /// # Errors
    /// `journal_missing`, `journal_foreign`, `journal_damaged` under [`WithoutJournal::Refuse`]; those of the store.
    pub(crate) async fn open_journal(&self, path: &Path, without: WithoutJournal) -> Result<()> {
        let now = self.0.clock.now();
        let mut found = self.found().await?;
        let head = found.head;
        let opened = Journal::open(path, |line| {
            if line.epoch > head {
                found.newer.push(line);
            } else {
                found.shared = Some(line);
            }
        });
        let (journal, is_new) = match (usable(opened, &found, path), without) {
            (Ok(Some(journal)), _) => (journal, false),
            (Ok(None), _) => (self.new_journal(path, head, now)?, true),
            (Err(refusal), WithoutJournal::Refuse) => return Err(refusal),
            (Err(_), WithoutJournal::RevokeAll | WithoutJournal::TrustStore) => {
                set_aside(path)?;
                (self.new_journal(path, head, now)?, true)
            }
        };
        if is_new && without == WithoutJournal::RevokeAll {
            return self.revoke_everything(journal, now).await;
        }
        let (id, last) = (journal.id(), journal.last());
        self.0.store.attach_journal(journal).await?;
        if self.has_parted(found.shared.as_ref()).await? {
            let newer = self.since_parting(path).await?;
            self.catch_up(newer, head, last.max(head), now).await?;
        } else if last > head {
            self.catch_up(found.newer, head, last, now).await?;
        } else {
            self.refill(last).await?;
        }
        self.name_journal(id).await
    }

    async fn found(&self) -> Result<Found> {
        let read = self.0.store.read(async |tx: &mut Tx| {
            let named = settings::get(tx, SETTING).await?;
            Ok::<_, Error>((named, changes::head(tx).await?))
        });
        let (named, head) = read.await?;
        Ok(Found {
            named: named.as_deref().and_then(JournalId::parse),
            head,
            newer: Vec::new(),
            shared: None,
        })
    }

    /// True when the store went another way than its journal: what the journal says of this place was not done there. So it is when a
    /// database that was replaced by a backup is put back in the place of the one that grew from the backup.
    async fn has_parted(&self, shared: Option<&JournalLine>) -> Result<bool> {
        let Some(shared) = shared else {
            return Ok(false);
        };
        let (epoch, said_at) = (shared.epoch, Line::parse(shared)?.at());
        let read = self
            .0
            .store
            .read(async move |tx: &mut Tx| changes::made_at(tx, epoch).await);
        Ok(read.await? != Some(said_at))
    }

    /// The lines from the first one on that is about a change which was not made in this store. Cost: the whole feed in memory.
    async fn since_parting(&self, path: &Path) -> Result<Vec<JournalLine>> {
        let read = self.0.store.read(async |tx: &mut Tx| {
            let mut made = HashMap::new();
            let mut after = 0;
            loop {
                let rows = changes::since(tx, after, STEP).await?;
                let Some(last) = rows.last() else {
                    return Ok::<_, StoreError>(made);
                };
                after = last.seq;
                made.extend(rows.iter().map(|row| (row.seq, row.at)));
            }
        });
        let made = read.await?;
        let mut lines = Vec::new();
        Journal::open(path, |line| lines.push(line)).map_err(Error::internal)?;
        let mut parting = lines.len();
        for (place, line) in lines.iter().enumerate() {
            if made.get(&line.epoch) != Some(&Line::parse(line)?.at()) {
                parting = place;
                break;
            }
        }
        Ok(lines.split_off(parting))
    }

    /// Its name is no secret; instant, pepper and place make it the only one.
    fn new_journal(&self, path: &Path, head: u64, now: Timestamp) -> Result<Journal> {
        let pepper = self.0.keys.peppers().current.pepper_id();
        let name = Sha256::new_with_prefix(format!("journal {now} {pepper} {head}"));
        let whole: [u8; 32] = name.finalize().into();
        let mut id = [0; 16];
        id.copy_from_slice(&whole[..16]);
        Journal::create(path, JournalId::from_bytes(id)).map_err(Error::internal)
    }

    async fn name_journal(&self, id: JournalId) -> Result<()> {
        let write = self.0.store.write(async move |tx: &mut Tx| {
            let id = id.to_string();
            if settings::get(tx, SETTING).await?.as_deref() != Some(&id) {
                settings::put(tx, SETTING, &id).await?;
            }
            Ok::<_, Error>(())
        });
        write.await
    }

    /// The store is older than its journal: whatever has ended since ends again, in one transaction.
    async fn catch_up(&self, newer: Vec<JournalLine>, head: u64, last: u64, now: Timestamp) -> Result<()> {
        tracing::warn!(
            store = head,
            journal = last,
            lines = newer.len(),
            "the store is older than its revocation journal, as after a restore: what has ended since ends again"
        );
        let service = self.clone();
        let caught_up = self.0.store.write(async move |tx: &mut Tx| {
            for line in &newer {
                apply(tx, &Line::parse(line)?).await?;
            }
            end_unlisted(tx, now).await?;
            changes::append_at(tx, last + 1, "restore", now).await?;
            Self::journal(tx, last + 1, now, Said::Restored)?;
            settings::put(tx, RESTORED, &now.micros().to_string()).await?;
            let detail = json!({ "from": head, "to": last, "lines": newer.len() });
            service.record_restore(tx, now, detail).await
        });
        caught_up.await
    }

    /// The store is as new as its journal, or newer by what a crash kept from it.
    async fn refill(&self, last: u64) -> Result<()> {
        let mut after = last;
        loop {
            let refilled = self.0.store.write(async move |tx: &mut Tx| {
                let rows = changes::since(tx, after, STEP).await?;
                let Some(newest) = rows.last() else {
                    return Ok(None);
                };
                for row in &rows {
                    if let Some(said) = said_of_tokens(tx, row).await? {
                        Self::journal(tx, row.seq, row.at, said)?;
                    }
                }
                for said in said_of_all(tx, &rows).await? {
                    Self::journal(tx, newest.seq, newest.at, said)?;
                }
                let is_full = rows.len() == STEP as usize;
                if is_full {
                    Self::journal(tx, newest.seq, newest.at, Said::Level)?;
                }
                Ok::<_, Error>(is_full.then_some(newest.seq))
            });
            match refilled.await? {
                Some(seq) => after = seq,
                None => return Ok(()),
            }
        }
    }

    /// Nobody can tell what has ended: everything ends.
    async fn revoke_everything(&self, journal: Journal, now: Timestamp) -> Result<()> {
        let id = journal.id();
        self.0.store.attach_journal(journal).await?;
        let service = self.clone();
        let ended = self.0.store.write(async move |tx: &mut Tx| {
            let mut ids = Vec::new();
            tokens::for_each(tx, |row| {
                if !row.revoked {
                    ids.push(row.id);
                }
                Ok::<_, StoreError>(())
            })
            .await?;
            end(tx, &ids, now).await?;
            end_unlisted(tx, now).await?;
            let epoch = changes::append(tx, Kind::Revoke.as_str(), now, &ids).await?;
            for some in ids.chunks(IDS_OF_A_LINE) {
                Self::journal(tx, epoch, now, Said::Ended(numbers(some)))?;
            }
            let detail = json!({ "without_journal": true, "revoked": ids.len() });
            service.record_restore(tx, now, detail).await
        });
        ended.await?;
        self.name_journal(id).await
    }

    async fn record_restore(&self, tx: &mut Tx, now: Timestamp, detail: serde_json::Value) -> Result<()> {
        let origin = Origin::own(now);
        for org in organizations::ids(tx).await? {
            let by = By {
                org,
                actor: Actor::System,
                origin: &origin,
            };
            let record = Record {
                action: Action::StoreRestored,
                subject: OrgId::to_string(&org),
                detail: detail.clone(),
            };
            self.record(tx, &by, vec![record]).await?;
        }
        Ok(())
    }
}

/// When the store was last brought up to its journal, if ever: last uses from before were lost with the store that knew them.
pub(crate) async fn restored_at(tx: &mut Tx) -> Result<Option<Timestamp>> {
    let text = settings::get(tx, RESTORED).await?;
    Ok(text
        .and_then(|text| text.parse().ok())
        .map(Timestamp::from_micros))
}

/// The journal to go on with, or why there is none to rely on; `None` when this store never had one.
fn usable(
    opened: Result<Option<Journal>, JournalError>,
    found: &Found,
    path: &Path,
) -> Result<Option<Journal>> {
    let shown = path.display();
    let remedy = "bring it back, or give every token up with `claviger restore --accept-without-journal`";
    let damaged =
        |error: &dyn std::fmt::Display| Error::conflict("journal_damaged", format!("{error}; {remedy}"));
    let journal = match opened {
        Ok(Some(journal)) => journal,
        Ok(None) if found.named.is_none() => return Ok(None),
        Ok(None) => {
            let detail = format!(
                "the revocation journal `{shown}` is missing, so nobody can tell whether this is an old copy of the store; {remedy}"
            );
            return Err(Error::conflict("journal_missing", detail));
        }
        Err(error) => return Err(damaged(&error)),
    };
    if found.named.is_some_and(|named| named != journal.id()) {
        let detail = format!("the revocation journal `{shown}` is another store's; {remedy}");
        return Err(Error::conflict("journal_foreign", detail));
    }
    // Nobody knows how far the lines went that cannot be read, so a store that seems to be as new may be older.
    if journal.is_damaged() {
        return Err(damaged(&journal.damage()));
    }
    Ok(Some(journal))
}

/// Keeps what is left of a journal under another name.
fn set_aside(path: &Path) -> Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".unusable");
    match std::fs::rename(path, aside) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::internal(error)),
        _ => Ok(()),
    }
}
