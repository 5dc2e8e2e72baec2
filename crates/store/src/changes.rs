//! The ordered feed of token changes.

use claviger_domain::{Timestamp, TokenId};

use crate::dialect::numbers;
use crate::{StoreError, Tx};

/// One place in the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRow {
    /// Its number: 1, 2, 3, … without a gap.
    pub seq: u64,
    /// What was done, as `service` names it.
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// The tokens, as a JSON array of numbers.
    pub ids: String,
}

/// Appends a change of `tokens` at the next place; gives the place. Writers are one at a time, so that no place is taken twice.
///
/// # Errors
/// Those of the store.
pub async fn append(tx: &mut Tx, kind: &str, at: Timestamp, tokens: &[TokenId]) -> Result<u64, StoreError> {
    let sql = "INSERT INTO token_change (seq, kind, at, ids) \
               SELECT COALESCE(MAX(seq), 0) + 1, CAST($1 AS TEXT), CAST($2 AS BIGINT), CAST($3 AS TEXT) \
               FROM token_change RETURNING seq";
    let ids = numbers(tokens.iter().map(|id| id.get()));
    let row = tx.query_opt(sql, &[kind.into(), at.into(), ids.into()]).await?;
    row.ok_or_else(|| StoreError::internal("an appended change has no place"))?
        .get(0)
}

/// Takes the place `seq`, which must be beyond the last: what is between was lost with the store that had it.
///
/// # Errors
/// Those of the store.
pub async fn append_at(tx: &mut Tx, seq: u64, kind: &str, at: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO token_change (seq, kind, at, ids) VALUES ($1, $2, $3, '[]')";
    let seq = i64::try_from(seq).map_err(StoreError::internal)?;
    tx.execute(sql, &[seq.into(), kind.into(), at.into()])
        .await
        .map(|_| ())
}

/// The last place that is taken; 0 before the first.
///
/// # Errors
/// Those of the store.
pub async fn head(tx: &mut Tx) -> Result<u64, StoreError> {
    let row = tx.query_opt("SELECT MAX(seq) FROM token_change", &[]).await?;
    let last: Option<u64> = row.map(|row| row.get(0)).transpose()?.flatten();
    Ok(last.unwrap_or(0))
}

/// When the change at the place `seq` was made; `None` when there is none.
///
/// # Errors
/// Those of the store.
pub async fn made_at(tx: &mut Tx, seq: u64) -> Result<Option<Timestamp>, StoreError> {
    let seq = i64::try_from(seq).map_err(StoreError::internal)?;
    let row = tx
        .query_opt("SELECT at FROM token_change WHERE seq = $1", &[seq.into()])
        .await?;
    row.map(|row| row.get(0)).transpose()
}

/// At most `limit` changes after the place `seq`, in order.
///
/// # Errors
/// Those of the store.
pub async fn since(tx: &mut Tx, seq: u64, limit: u32) -> Result<Vec<ChangeRow>, StoreError> {
    let sql = "SELECT seq, kind, at, ids FROM token_change WHERE seq > $1 ORDER BY seq LIMIT $2";
    let seq = i64::try_from(seq).map_err(StoreError::internal)?;
    let rows = tx.query(sql, &[seq.into(), limit.into()]).await?;
    let read = |row: &crate::Row<'_>| {
        Ok(ChangeRow {
            seq: row.get(0)?,
            kind: row.get(1)?,
            at: row.get(2)?,
            ids: row.get(3)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Forgets changes made before `before`, but never the newest.
///
/// # Errors
/// Those of the store.
pub async fn trim(tx: &mut Tx, before: Timestamp) -> Result<u64, StoreError> {
    let sql = "DELETE FROM token_change WHERE at < $1 AND seq < (SELECT MAX(seq) FROM token_change)";
    tx.execute(sql, &[before.into()]).await
}
