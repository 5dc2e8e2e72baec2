//! What changes about a token without anyone deciding it: its last use, and the pepper of its digest.

use claviger_domain::{Timestamp, TokenId};
use claviger_token::{Digest, PepperId};

use super::pepper;
use crate::{StoreError, Tx};

/// A last use to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UseRow {
    /// The token.
    pub id: TokenId,
    /// When, to the second.
    pub at: Timestamp,
    /// Whence; `None` leaves what is stored.
    pub address: Option<String>,
    /// How it was presented, as text; `None` leaves what is stored.
    pub presented_in: Option<&'static str>,
}

/// How many tokens depend on a pepper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PepperCount {
    /// The pepper.
    pub pepper: PepperId,
    /// All records.
    pub all: u64,
    /// Live ones.
    pub live: u64,
}

/// Writes last uses; an older one than is stored changes nothing.
///
/// # Errors
/// Those of the store.
pub async fn touch_last_used(tx: &mut Tx, uses: &[UseRow]) -> Result<(), StoreError> {
    let sql = "UPDATE token SET last_used_at = $2, last_used_address = COALESCE($3, last_used_address), \
               last_used_in = COALESCE($4, last_used_in) \
               WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $2)";
    let sets = uses.iter().map(|used| {
        let address = used.address.clone();
        vec![
            used.id.into(),
            used.at.into(),
            address.into(),
            used.presented_in.into(),
        ]
    });
    tx.execute_many(sql, sets).await.map(|_| ())
}

/// Stores a digest under another pepper; false when the token has another digest by now.
///
/// # Errors
/// Those of the store.
pub async fn redigest(
    tx: &mut Tx,
    id: TokenId,
    from: &Digest,
    to: &Digest,
    pepper: PepperId,
) -> Result<bool, StoreError> {
    let sql = "UPDATE token SET digest = $3, pepper_id = $4 WHERE id = $1 AND digest = $2";
    let params = [
        id.into(),
        from.as_bytes().into(),
        to.as_bytes().into(),
        pepper.get().into(),
    ];
    Ok(tx.execute(sql, &params).await? == 1)
}

/// At most `limit` live tokens whose digest was made under the pepper.
///
/// # Errors
/// Those of the store.
pub async fn with_pepper(
    tx: &mut Tx,
    pepper: PepperId,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<TokenId>, StoreError> {
    let sql = "SELECT id FROM token WHERE pepper_id = $1 AND revoked_at IS NULL \
               AND (expires_at IS NULL OR expires_at > $2) ORDER BY id LIMIT $3";
    let rows = tx
        .query(sql, &[pepper.get().into(), now.into(), limit.into()])
        .await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// How many tokens depend on each pepper at `now`. Cost: one scan of an index and, for the live ones, of the records.
///
/// # Errors
/// Those of the store.
pub async fn pepper_counts(tx: &mut Tx, now: Timestamp) -> Result<Vec<PepperCount>, StoreError> {
    let sql = "SELECT pepper_id, COUNT(*), COUNT(CASE WHEN revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1) \
               THEN 1 END) FROM token GROUP BY pepper_id ORDER BY pepper_id";
    let rows = tx.query(sql, &[now.into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(PepperCount {
                pepper: pepper(row, 0)?,
                all: row.get(1)?,
                live: row.get(2)?,
            })
        })
        .collect()
}
