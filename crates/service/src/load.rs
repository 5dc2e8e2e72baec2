//! Start: the verifier learns of every token before anyone may ask.

use claviger_domain::ScopeSet;
use claviger_domain::id::IdSequence;
use claviger_domain::owner::Role;
use claviger_domain::token::TokenType;
use claviger_store::{StoreError, Tx, tokens as rows, users};
use claviger_verify::{Change, Entry, Owner, Verifier};

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
        Ok(Self(std::sync::Arc::new(Inner {
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
async fn load(tx: &mut Tx, verifier: &Verifier) -> Result<i64> {
    for user in users::all(tx).await? {
        let power = Role::from_stored(&user.role).map_or(ScopeSet::EMPTY, Role::power);
        let active = user.deactivated_at.is_none();
        let owner = Owner {
            id: user.id.into(),
            org: user.org,
            power,
            active,
        };
        tell(verifier, Change::Owner(owner))?;
    }
    let total = u32::try_from(rows::total(tx).await?).unwrap_or(u32::MAX);
    verifier
        .reserve(total)
        .map_err(|full| StoreError::Internal(full.to_string()))?;
    rows::for_each(tx, |row| tell(verifier, Change::Upsert(entry(&row)?))).await?;
    Ok(rows::greatest_id(tx).await?)
}

/// A token that finds no room would be refused for ever: better no start than that.
fn tell(verifier: &Verifier, change: Change) -> Result<(), StoreError> {
    let applied = verifier.apply(change);
    applied
        .map(|_| ())
        .map_err(|full| StoreError::Internal(full.to_string()))
}

fn entry(row: &rows::IndexRow) -> Result<Entry, StoreError> {
    let broken = |_| StoreError::Internal(format!("token row {} has a broken type", row.id));
    let token_type: TokenType = row.token_type.parse().map_err(broken)?;
    Ok(Entry {
        digest: row.digest,
        id: row.id,
        org: row.org,
        owner: row.owner,
        owner_power: owner_power(token_type),
        token_type,
        scopes: ScopeSet::from_stored(&row.scopes),
        expires_at: row.expires_at,
        revoked: row.revoked,
        last_used: row.last_used_at,
    })
}
