//! Answers that are given again to the same Idempotency-Key. Sealed before they come here.

use claviger_domain::{Timestamp, TokenId};

use crate::{StoreError, Tx};

/// A kept answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRow {
    /// What is kept of key and caller: 32 bytes.
    pub key_hash: Vec<u8>,
    /// What the request was: 32 bytes.
    pub request_hash: Vec<u8>,
    /// The token whose secret the answer shows.
    pub token_id: Option<TokenId>,
    /// The answer; gone when it may not be given again.
    pub sealed: Option<Vec<u8>>,
    /// When it was first given.
    pub created_at: Timestamp,
    /// When the key is forgotten.
    pub expires_at: Timestamp,
}

/// The record of a key.
///
/// # Errors
/// Those of the store.
pub async fn get(tx: &mut Tx, key_hash: &[u8]) -> Result<Option<IdempotencyRow>, StoreError> {
    let sql = "SELECT key_hash, request_hash, token_id, sealed, created_at, expires_at FROM idempotency WHERE key_hash = $1";
    let row = tx.query_opt(sql, &[key_hash.into()]).await?;
    row.map(|row| {
        Ok(IdempotencyRow {
            key_hash: row.get(0)?,
            request_hash: row.get(1)?,
            token_id: row.get(2)?,
            sealed: row.get(3)?,
            created_at: row.get(4)?,
            expires_at: row.get(5)?,
        })
    })
    .transpose()
}

/// Keeps the record of a key, in the place of one whose time is over.
///
/// # Errors
/// Those of the store.
pub async fn put(tx: &mut Tx, row: &IdempotencyRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO idempotency (key_hash, request_hash, token_id, sealed, created_at, expires_at) \
               VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (key_hash) DO UPDATE SET request_hash = excluded.request_hash, token_id = excluded.token_id, \
               sealed = excluded.sealed, created_at = excluded.created_at, expires_at = excluded.expires_at";
    let params = [
        row.key_hash.as_slice().into(),
        row.request_hash.as_slice().into(),
        row.token_id.into(),
        row.sealed.clone().into(),
        row.created_at.into(),
        row.expires_at.into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// Drops the records whose time is over at `now`; gives how many.
///
/// # Errors
/// Those of the store.
pub async fn purge(tx: &mut Tx, now: Timestamp) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM idempotency WHERE expires_at <= $1", &[now.into()])
        .await
}

/// Drops the answers that show a secret which was given before `before`, or a token's present one that was used; the keys stay.
///
/// # Errors
/// Those of the store.
pub async fn clear_secrets(tx: &mut Tx, before: Timestamp) -> Result<u64, StoreError> {
    let sql = "UPDATE idempotency SET sealed = NULL WHERE token_id IS NOT NULL AND sealed IS NOT NULL AND (created_at <= $1 \
               OR EXISTS (SELECT 1 FROM token WHERE token.id = idempotency.token_id AND NOT token.awaits_first_use \
               AND token.last_used_at IS NOT NULL AND COALESCE(token.regenerated_at, token.created_at) = idempotency.created_at))";
    tx.execute(sql, &[before.into()]).await
}

/// Drops the answers that show a secret of the token, but for the one that was given at `kept`; the keys stay.
///
/// # Errors
/// Those of the store.
pub async fn clear_replaced(tx: &mut Tx, token: TokenId, kept: Option<Timestamp>) -> Result<(), StoreError> {
    let done = match kept {
        Some(kept) => {
            let sql = "UPDATE idempotency SET sealed = NULL WHERE token_id = $1 AND created_at <> $2";
            tx.execute(sql, &[token.into(), kept.into()]).await
        }
        None => {
            let sql = "UPDATE idempotency SET sealed = NULL WHERE token_id = $1";
            tx.execute(sql, &[token.into()]).await
        }
    };
    done.map(|_| ())
}
