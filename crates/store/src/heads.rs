//! Heads: the last place of an ordered series, with what seals it.

use crate::{StoreError, Tx};

/// The head of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadRow {
    /// The last place.
    pub seq: u64,
    /// The hash of what stands there; empty for a series without hashes.
    pub hash: Vec<u8>,
    /// What seals both; empty likewise.
    pub mac: Vec<u8>,
}

/// The head of the series `name`, if it has begun.
///
/// # Errors
/// Those of the store.
pub async fn get(tx: &mut Tx, name: &str) -> Result<Option<HeadRow>, StoreError> {
    let row = tx
        .query_opt("SELECT seq, hash, mac FROM head WHERE name = $1", &[name.into()])
        .await?;
    row.map(|row| {
        Ok(HeadRow {
            seq: row.get(0)?,
            hash: row.get(1)?,
            mac: row.get(2)?,
        })
    })
    .transpose()
}

/// Moves the head of the series `name`.
///
/// # Errors
/// Those of the store.
pub async fn put(tx: &mut Tx, name: &str, seq: u64, hash: &[u8], mac: &[u8]) -> Result<(), StoreError> {
    let sql = "INSERT INTO head (name, seq, hash, mac) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, mac = excluded.mac";
    let seq = i64::try_from(seq).map_err(StoreError::internal)?;
    tx.execute(sql, &[name.into(), seq.into(), hash.into(), mac.into()])
        .await
        .map(|_| ())
}
