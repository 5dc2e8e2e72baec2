//! Start: the verifier learns of every token before anyone may ask.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use claviger_domain::id::IdSequence;
use claviger_domain::token::TokenType;
use claviger_domain::{OrgId, OwnerId, Timestamp, TokenId};
use claviger_store::{StoreError, Tx, policies, tokens as rows};
use claviger_token::Digest;
use claviger_verify::{Change, Entry, Full, PreviousSecret, Verifier};

use crate::error::{Error, Result};
use crate::people::{Attempts, Hasher};
use crate::reminders::{Outbox, begin_marks};
use crate::tokens::{Compiler, Given, of_present_secret, previous_secret};
use crate::{Inner, Parts, Service, owners, policy};

/// The node's number in the ids it makes; there is one node so far.
const NODE: u8 = 0;

impl Service {
    /// Makes the operations and fills the verifier from the store. Cost: one scan of all tokens, about a second a million.
    ///
    /// # Errors
    /// `pepper_missing` when the store holds live tokens under a pepper that is not among the keys: they would all be refused;
    /// `journal_missing`, `journal_foreign`, `journal_damaged`; those of the store.
    pub async fn open(parts: Parts) -> Result<Self> {
        let now = parts.clock.now();
        let verifier = parts.verifier.clone();
        let known: Vec<_> = {
            let keys = parts.keys.peppers();
            std::iter::once(keys.current.pepper_id())
                .chain(keys.previous.map(|key| key.pepper_id()))
                .collect()
        };
        let counts = parts
            .store
            .read(async move |tx: &mut Tx| rows::pepper_counts(tx, now).await)
            .await?;
        let missing: Vec<String> = counts
            .iter()
            .filter(|count| count.live > 0 && !known.contains(&count.pepper))
            .map(|count| format!("{} ({} live tokens)", count.pepper, count.live))
            .collect();
        if !missing.is_empty() {
            let detail = format!(
                "the database holds tokens under peppers that are not among the keys: {}; bring the key file back",
                missing.join(", ")
            );
            return Err(Error::conflict("pepper_missing", detail));
        }
        let greatest = parts.store.read(rows::greatest_id).await?;
        let service = Self(Arc::new(Inner {
            ids: IdSequence::new(NODE, greatest),
            store: parts.store,
            verifier: parts.verifier,
            feed: parts.feed,
            clock: parts.clock,
            random: parts.random,
            keys: parts.keys,
            key_store: parts.key_store,
            prefix: parts.prefix,
            metrics: parts.metrics,
            setup_code: std::sync::Mutex::default(),
            pepper_change: tokio::sync::Mutex::default(),
            in_flight: std::sync::Mutex::default(),
            hasher: Hasher::default(),
            attempts: Attempts::default(),
            failed_sign_ins: std::sync::Mutex::default(),
            uses: std::sync::Mutex::default(),
            ended_overlaps: std::sync::Mutex::default(),
            outbound: parts.outbound,
            outbox: Outbox::default(),
            spendings: std::sync::Mutex::default(),
        }));
        // What has ended ends before the verifier learns of anything.
        if let Some((path, without)) = parts.journal {
            service.open_journal(&path, without).await?;
        }
        let feed = service.0.feed.clone();
        let load = async move |tx: &mut Tx| {
            feed.directory().fill(tx).await?;
            load(tx, &verifier).await
        };
        service.0.store.read(load).await?;
        let mark = async move |tx: &mut Tx| begin_marks(tx, now).await;
        service.0.store.write(mark).await?;
        Ok(service)
    }
}

/// Tells the verifier of every owner and token.
///
/// Rows are read here and put into the index by a thread beside it: each takes about half of the time.
async fn load(tx: &mut Tx, verifier: &Arc<Verifier>) -> Result<(), StoreError> {
    for owner in owners::all(tx).await? {
        let applied = verifier.apply(Change::Owner(owner));
        applied.map_err(no_room)?;
    }
    for (org, policy) in policies::all(tx).await? {
        let applied = verifier.apply(policy::query_tokens(org, &policy));
        applied.map_err(no_room)?;
    }
    let total = u32::try_from(rows::total(tx).await?).unwrap_or(u32::MAX);
    verifier.reserve(total).map_err(no_room)?;

    let mut compiler = Compiler::new(tx).await?;
    let (batches, received) = sync_channel(BATCHES);
    let indexing = std::thread::Builder::new().name("claviger-load".to_owned());
    let target = verifier.clone();
    let indexing = indexing
        .spawn(move || index(&target, received))
        .map_err(StoreError::internal)?;
    let mut batch = Batch::default();
    let shown = rows::for_each(tx, |row| {
        let (given, learned) = compiler.number(row)?;
        batch.learned.extend(learned);
        batch.entries.push(Unfinished {
            entry: bare(row)?,
            given,
        });
        if batch.entries.len() < BATCH {
            return Ok(());
        }
        // When the other side has stopped, its reason is told below.
        batches
            .send(std::mem::take(&mut batch))
            .map_err(|_| StoreError::internal("the index takes no more"))
    });
    let shown = shown.await;
    let sent = batches.send(batch);
    drop(batches);
    let indexed = indexing
        .join()
        .map_err(|_| StoreError::internal("the loading thread panicked"))?;
    indexed.map_err(no_room)?;
    shown?;
    sent.map_err(StoreError::internal)?;
    for (digest, spent) in rows::spendings(tx).await? {
        verifier.restore_spent(&digest, spent);
    }
    Ok(())
}

/// Rows of one message to the indexing thread.
const BATCH: usize = 4_096;
/// Messages that wait for it.
const BATCHES: usize = 4;

/// Rows on their way to the index. What they were given goes by number, so that the two threads share no count of references.
#[derive(Default)]
struct Batch {
    /// What was given that follows those of earlier batches.
    learned: Vec<Given>,
    entries: Vec<Unfinished>,
}

/// An entry that still has a number for what it was given.
struct Unfinished {
    entry: Bare,
    given: usize,
}

fn index(verifier: &Verifier, batches: Receiver<Batch>) -> Result<(), Full> {
    let mut learned: Vec<Given> = Vec::new();
    let nothing = Given::default();
    for batch in batches {
        learned.extend(batch.learned);
        let finished = batch.entries.into_iter().map(|Unfinished { entry, given }| {
            let Given { authority, terms } = learned.get(given).unwrap_or(&nothing).clone();
            Entry {
                digest: entry.digest,
                id: entry.id,
                org: entry.org,
                owner: entry.owner,
                // Every person is known by now; a token of none may do nothing.
                owner_authority: nothing.authority.clone(),
                token_type: entry.token_type,
                authority,
                terms,
                expires_at: entry.expires_at,
                revoked: entry.revoked,
                last_used: entry.last_used,
                awaits_first_use: entry.awaits_first_use,
                previous: entry.previous,
            }
        });
        verifier.load(finished)?;
    }
    Ok(())
}

/// A token that finds no room would be refused for ever: better no start than that.
fn no_room(full: Full) -> StoreError {
    StoreError::Internal(full.to_string())
}

/// All of an entry but what it was given.
struct Bare {
    digest: Digest,
    id: TokenId,
    org: OrgId,
    owner: OwnerId,
    token_type: TokenType,
    expires_at: Option<Timestamp>,
    revoked: bool,
    last_used: Option<Timestamp>,
    awaits_first_use: bool,
    previous: Option<PreviousSecret>,
}

fn bare(row: &rows::IndexRow<'_>) -> Result<Bare, StoreError> {
    let broken = |_| StoreError::Internal(format!("token row {} has a broken type", row.id));
    Ok(Bare {
        digest: row.digest,
        id: row.id,
        org: row.org,
        owner: row.owner,
        token_type: row.token_type.parse().map_err(broken)?,
        expires_at: row.expires_at,
        revoked: row.revoked,
        last_used: of_present_secret(row.last_used_at, row.awaits_first_use),
        awaits_first_use: row.awaits_first_use,
        previous: previous_secret(row),
    })
}
