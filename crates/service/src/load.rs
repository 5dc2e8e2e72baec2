//! Start: the verifier learns of every token before anyone may ask.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use claviger_domain::ScopeSet;
use claviger_domain::id::IdSequence;
use claviger_domain::owner::Role;
use claviger_domain::token::TokenType;
use claviger_store::{StoreError, Tx, tokens as rows, users};
use claviger_verify::{Change, Entry, Full, Owner, Verifier};

use crate::error::{Error, Result};
use crate::tokens::owner_power;
use crate::{Inner, Parts, Service};

/// The node's number in the ids it makes; there is one node so far.
const NODE: u8 = 0;

impl Service {
    /// Makes the operations and fills the verifier from the store. Cost: one scan of all tokens, about a second a million.
    ///
    /// # Errors
    /// `pepper_missing` when the store holds live tokens under a pepper that is not among the keys: they would all be refused; those of the store.
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
        let greatest = parts
            .store
            .read(async move |tx: &mut Tx| load(tx, &verifier).await)
            .await?;
        Ok(Self(Arc::new(Inner {
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
            uses: std::sync::Mutex::default(),
        })))
    }
}

/// Tells the verifier of every owner and token; gives the greatest id in the store.
///
/// Rows are read here and put into the index by a thread beside it: each takes about half of the time.
async fn load(tx: &mut Tx, verifier: &Arc<Verifier>) -> Result<i64> {
    for user in users::all(tx).await? {
        let power = Role::from_stored(&user.role).map_or(ScopeSet::EMPTY, Role::power);
        let active = user.deactivated_at.is_none();
        let owner = Owner {
            id: user.id.into(),
            org: user.org,
            power,
            active,
        };
        verifier.apply(Change::Owner(owner)).map_err(no_room)?;
    }
    let total = u32::try_from(rows::total(tx).await?).unwrap_or(u32::MAX);
    verifier.reserve(total).map_err(no_room)?;

    let (batches, received) = sync_channel::<Vec<Entry>>(BATCHES);
    let target = verifier.clone();
    let indexing = std::thread::Builder::new().name("claviger-load".to_owned());
    let indexing = indexing
        .spawn(move || {
            received
                .into_iter()
                .try_for_each(|batch| target.load(batch).map(drop))
        })
        .map_err(StoreError::internal)?;
    let mut batch = Vec::with_capacity(BATCH);
    let mut reader = Reader::default();
    let shown = rows::for_each(tx, |row| {
        batch.push(reader.entry(row)?);
        if batch.len() < BATCH {
            return Ok(());
        }
        let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
        // When the other side has stopped, its reason is told below.
        batches
            .send(full)
            .map_err(|_| StoreError::internal("the index takes no more"))
    });
    let shown = shown.await;
    // The last of them; a side that has stopped is told below.
    let _ = batches.send(batch);
    drop(batches);
    let indexed = indexing
        .join()
        .map_err(|_| StoreError::internal("the loading thread panicked"))?;
    indexed.map_err(no_room)?;
    shown?;
    Ok(rows::greatest_id(tx).await?)
}

/// Rows of one message to the indexing thread.
const BATCH: usize = 4_096;
/// Messages that wait for it.
const BATCHES: usize = 4;

/// Turns rows into entries.
#[derive(Default)]
struct Reader {
    /// The scopes that were read last: most tokens are given what others were.
    latest: (String, ScopeSet),
}

impl Reader {
    fn entry(&mut self, row: &rows::IndexRow<'_>) -> Result<Entry, StoreError> {
        let broken = |_| StoreError::Internal(format!("token row {} has a broken type", row.id));
        let token_type: TokenType = row.token_type.parse().map_err(broken)?;
        if self.latest.0 != row.scopes {
            self.latest = (row.scopes.to_owned(), ScopeSet::from_stored(row.scopes));
        }
        Ok(Entry {
            digest: row.digest,
            id: row.id,
            org: row.org,
            owner: row.owner,
            owner_power: owner_power(token_type),
            token_type,
            scopes: self.latest.1,
            expires_at: row.expires_at,
            revoked: row.revoked,
            last_used: row.last_used_at,
        })
    }
}

/// A token that finds no room would be refused for ever: better no start than that.
fn no_room(full: Full) -> StoreError {
    StoreError::Internal(full.to_string())
}
