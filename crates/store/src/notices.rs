//! Notices of tokens' ends: each once, and how far the scan for them has come.

use claviger_domain::reminder::NoticeKind;
use claviger_domain::{Timestamp, TokenId};

use crate::tokens::{self, TokenRow};
use crate::{StoreError, Tx};

/// A place in the order of ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    /// When.
    pub at: Timestamp,
    /// Of which token.
    pub token: TokenId,
}

// === impl End ===

impl End {
    /// The place after all that end by `at`.
    pub const fn after(at: Timestamp) -> Self {
        Self {
            at,
            token: TokenId::from_i64(i64::MAX),
        }
    }
}

/// How far the scan for `kind` has come; `None` before the first.
///
/// # Errors
/// Those of the store.
pub async fn mark(tx: &mut Tx, kind: NoticeKind) -> Result<Option<End>, StoreError> {
    let sql = "SELECT expires_at, token_id FROM notice_mark WHERE kind = $1";
    let Some(row) = tx.query_opt(sql, &[kind.as_str().into()]).await? else {
        return Ok(None);
    };
    Ok(Some(End {
        at: row.get(0)?,
        token: row.get(1)?,
    }))
}

/// Keeps how far the scan for `kind` has come.
///
/// # Errors
/// Those of the store.
pub async fn put_mark(tx: &mut Tx, kind: NoticeKind, end: End) -> Result<(), StoreError> {
    let sql = "INSERT INTO notice_mark (kind, expires_at, token_id) VALUES ($1, $2, $3) \
               ON CONFLICT (kind) DO UPDATE SET expires_at = excluded.expires_at, token_id = excluded.token_id";
    let params = [kind.as_str().into(), end.at.into(), end.token.into()];
    tx.execute(sql, &params).await.map(|_| ())
}

/// The tokens that nobody revoked whose ends lie after `after` and at or before `until`, and that were issued earlier than `lead` before
/// their end; in the order of their ends, at most `limit`. Cost: the ends between, up to the limit.
///
/// # Errors
/// Those of the store.
pub async fn ending(
    tx: &mut Tx,
    after: End,
    until: Timestamp,
    lead: std::time::Duration,
    limit: u32,
) -> Result<Vec<TokenRow>, StoreError> {
    let lead = i64::try_from(lead.as_micros()).unwrap_or(i64::MAX);
    let sql = "SELECT id FROM token WHERE revoked_at IS NULL AND expires_at >= $1 AND (expires_at > $1 OR id > $2) \
               AND expires_at <= $3 AND expires_at - $4 > created_at ORDER BY expires_at, id LIMIT $5";
    let params = [
        after.at.into(),
        after.token.into(),
        until.into(),
        lead.into(),
        limit.into(),
    ];
    let rows = tx.query(sql, &params).await?;
    let ids: Vec<TokenId> = rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
    let mut found = tokens::by_ids(tx, &ids).await?;
    found.sort_unstable_by_key(|row| (row.expires_at, row.id));
    Ok(found)
}

/// Notes that `kind` was noticed of this end; false when it was before.
///
/// # Errors
/// Those of the store.
pub async fn insert(tx: &mut Tx, end: End, kind: NoticeKind, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "INSERT INTO notice (token_id, expires_at, kind, made_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (token_id, expires_at, kind) DO NOTHING";
    let params = [end.token.into(), end.at.into(), kind.as_str().into(), now.into()];
    Ok(tx.execute(sql, &params).await? == 1)
}

/// Forgets notices made before `before` of tokens that are gone or ended before it too.
///
/// # Errors
/// Those of the store.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64, StoreError> {
    let sql = "DELETE FROM notice WHERE made_at < $1 AND expires_at < $1";
    tx.execute(sql, &[before.into()]).await
}
