//! The old secret of a token: kept by a regeneration with an overlap, forgotten at the overlap's end.

use claviger_domain::{Timestamp, TokenId};
use claviger_token::{Digest, PepperId};

use super::{TokenRow, digest, digest_or_none, pepper};
use crate::dialect::numbers;
use crate::{Row, StoreError, Tx, Value};

/// The secret before the present one, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousRow {
    /// What is looked up.
    pub digest: Digest,
    /// The pepper under which the digest was made.
    pub pepper: PepperId,
    /// Its last four characters.
    pub hint: String,
    /// When it stops by time.
    pub ends_at: Timestamp,
    /// The first use of the present secret ends it.
    pub until_first_use: bool,
    /// When it was last accepted, as far as it was flushed.
    pub last_used_at: Option<Timestamp>,
    /// Whence.
    pub last_used_address: Option<String>,
}

/// What the verifier needs of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreviousIndexRow {
    /// What is looked up.
    pub digest: Digest,
    /// When it stops by time.
    pub ends_at: Timestamp,
    /// The first use of the present secret ends it.
    pub until_first_use: bool,
    /// When it was last accepted, as far as it was flushed.
    pub last_used_at: Option<Timestamp>,
}

/// An overlap that was ended, with both digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedOverlap {
    /// The token.
    pub id: TokenId,
    /// The digest of its present secret.
    pub current: Digest,
    /// The digest of the one that stops.
    pub previous: Digest,
    /// When the token was given its present secret.
    pub given_at: Timestamp,
}

/// A use of the old secret of an overlap, to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousUseRow {
    /// The token.
    pub id: TokenId,
    /// The digest of that secret.
    pub digest: Digest,
    /// When, to the second.
    pub at: Timestamp,
    /// Whence; `None` leaves what is known.
    pub address: Option<String>,
}

/// The secrets of a token that waits for a first use or is in an overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretsRow {
    /// The token.
    pub id: TokenId,
    /// The digest of its present secret.
    pub present: Digest,
    /// The present secret came with a regeneration and is not known to have been used.
    pub awaits_first_use: bool,
    /// The digest of the one before.
    pub previous: Option<Digest>,
}

/// Keeps what a regeneration changes: digest, pepper, hint, end, last use, the previous secret.
///
/// # Errors
/// [`StoreError::Conflict`] for a digest that is taken; those of the store.
pub async fn regenerate(tx: &mut Tx, token: &TokenRow) -> Result<(), StoreError> {
    let sql = "UPDATE token SET digest = $2, pepper_id = $3, hint = $4, regenerated_at = $5, updated_at = $6, expires_at = $7, \
               last_used_at = $8, last_used_address = $9, awaits_first_use = $10, previous_digest = $11, \
               previous_pepper_id = $12, previous_hint = $13, previous_ends_at = $14, previous_until_first_use = $15, \
               previous_last_used_at = $16, previous_last_used_address = $17, last_used_in = $18 WHERE id = $1";
    let previous = token.previous.as_ref();
    let params: [Value; 18] = [
        token.id.into(),
        token.digest.as_bytes().into(),
        token.pepper.get().into(),
        (&token.hint).into(),
        token.regenerated_at.into(),
        token.updated_at.into(),
        token.expires_at.into(),
        token.last_used_at.into(),
        token.last_used_address.clone().into(),
        token.awaits_first_use.into(),
        previous.map(|old| old.digest.as_bytes().to_vec()).into(),
        previous.map(|old| old.pepper.get()).into(),
        previous.map(|old| old.hint.clone()).into(),
        previous.map(|old| old.ends_at).into(),
        previous.map(|old| old.until_first_use).into(),
        previous.and_then(|old| old.last_used_at).into(),
        previous.and_then(|old| old.last_used_address.clone()).into(),
        token.last_used_in.clone().into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// Forgets the previous secret of a token; gives both digests, or `None` when there is none.
///
/// # Errors
/// Those of the store.
pub async fn end_overlap(tx: &mut Tx, id: TokenId) -> Result<Option<EndedOverlap>, StoreError> {
    let sql = "SELECT digest, previous_digest, COALESCE(regenerated_at, created_at) FROM token \
               WHERE id = $1 AND previous_digest IS NOT NULL";
    let Some(row) = tx.query_opt(sql, &[id.into()]).await? else {
        return Ok(None);
    };
    let ended = EndedOverlap {
        id,
        current: digest(&row, 0)?,
        previous: digest(&row, 1)?,
        given_at: row.get(2)?,
    };
    let sql = "UPDATE token SET previous_digest = NULL, previous_pepper_id = NULL, previous_hint = NULL, \
               previous_ends_at = NULL, previous_until_first_use = NULL, previous_last_used_at = NULL, \
               previous_last_used_address = NULL WHERE id = $1";
    tx.execute(sql, &[id.into()]).await?;
    Ok(Some(ended))
}

/// At most `limit` tokens whose overlap ended by time at or before `now`, the earliest first.
///
/// # Errors
/// Those of the store.
pub async fn overlaps_over(tx: &mut Tx, now: Timestamp, limit: u32) -> Result<Vec<TokenId>, StoreError> {
    let sql = "SELECT id FROM token WHERE previous_ends_at IS NOT NULL AND previous_ends_at <= $1 \
               ORDER BY previous_ends_at LIMIT $2";
    let rows = tx.query(sql, &[now.into(), limit.into()]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// At most `limit` tokens whose previous secret's digest was made under the pepper and is still good.
///
/// # Errors
/// Those of the store.
pub async fn overlaps_with_pepper(
    tx: &mut Tx,
    pepper: PepperId,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<TokenId>, StoreError> {
    let sql = "SELECT id FROM token WHERE previous_ends_at IS NOT NULL AND previous_ends_at > $2 \
               AND previous_pepper_id = $1 ORDER BY id LIMIT $3";
    let rows = tx
        .query(sql, &[pepper.get().into(), now.into(), limit.into()])
        .await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// How many previous secrets that are still good depend on the pepper.
///
/// # Errors
/// Those of the store.
pub async fn count_overlaps_with_pepper(
    tx: &mut Tx,
    pepper: PepperId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) FROM token WHERE previous_ends_at IS NOT NULL AND previous_ends_at > $2 \
               AND previous_pepper_id = $1";
    match tx.query_opt(sql, &[pepper.get().into(), now.into()]).await? {
        Some(row) => row.get(0),
        None => Ok(0),
    }
}

/// Stores the digest of a previous secret under another pepper; false when the token has no such previous secret by now.
///
/// # Errors
/// Those of the store.
pub async fn redigest_previous(
    tx: &mut Tx,
    id: TokenId,
    from: &Digest,
    to: &Digest,
    pepper: PepperId,
) -> Result<bool, StoreError> {
    let sql = "UPDATE token SET previous_digest = $3, previous_pepper_id = $4 WHERE id = $1 AND previous_digest = $2";
    let params = [
        id.into(),
        from.as_bytes().into(),
        to.as_bytes().into(),
        pepper.get().into(),
    ];
    Ok(tx.execute(sql, &params).await? == 1)
}

/// The secrets of those of `ids` that wait for a first use or are in an overlap.
///
/// # Errors
/// Those of the store.
pub async fn secrets(tx: &mut Tx, ids: &[TokenId]) -> Result<Vec<SecretsRow>, StoreError> {
    let sql = "SELECT id, digest, awaits_first_use, previous_digest FROM token \
               WHERE id IN {numbers:$1} AND (awaits_first_use OR previous_digest IS NOT NULL)";
    let rows = tx
        .query(sql, &[numbers(ids.iter().map(|id| id.get())).into()])
        .await?;
    let secrets = rows.iter().map(|row| {
        Ok(SecretsRow {
            id: row.get(0)?,
            present: digest(row, 1)?,
            awaits_first_use: row.get(2)?,
            previous: digest_or_none(row, 3)?,
        })
    });
    secrets.collect()
}

/// Writes when the old secrets of overlaps were used, of those that still are. The tokens' own last uses are written by
/// [`super::touch_last_used`].
///
/// # Errors
/// Those of the store.
pub async fn touch_previous(tx: &mut Tx, uses: Vec<PreviousUseRow>) -> Result<(), StoreError> {
    let sql = "UPDATE token SET previous_last_used_at = $3, \
               previous_last_used_address = COALESCE($4, previous_last_used_address) WHERE id = $1 \
               AND previous_digest = $2 AND (previous_last_used_at IS NULL OR previous_last_used_at <= $3)";
    let sets = uses.into_iter().map(|used| {
        vec![
            used.id.into(),
            used.digest.as_bytes().into(),
            used.at.into(),
            used.address.into(),
        ]
    });
    tx.execute_many(sql, sets).await.map(|_| ())
}

/// Writes which tokens' present secrets were used, of those that still are.
///
/// # Errors
/// Those of the store.
pub async fn first_used(tx: &mut Tx, used: &[(TokenId, Digest)]) -> Result<(), StoreError> {
    let sql = "UPDATE token SET awaits_first_use = FALSE WHERE id = $1 AND digest = $2";
    let sets = used
        .iter()
        .map(|(id, present)| vec![(*id).into(), present.as_bytes().into()]);
    tx.execute_many(sql, sets).await.map(|_| ())
}

/// The previous secret in the columns from `first` on, in the order of [`PreviousRow`].
pub(super) fn previous(row: &Row<'_>, first: usize) -> Result<Option<PreviousRow>, StoreError> {
    let Some(digest) = digest_or_none(row, first)? else {
        return Ok(None);
    };
    Ok(Some(PreviousRow {
        digest,
        pepper: pepper(row, first + 1)?,
        hint: row.get(first + 2)?,
        ends_at: row.get(first + 3)?,
        until_first_use: row.get(first + 4)?,
        last_used_at: row.get(first + 5)?,
        last_used_address: row.get(first + 6)?,
    }))
}

/// The same for the index, in the order of [`PreviousIndexRow`].
pub(super) fn previous_indexed(row: &Row<'_>, first: usize) -> Result<Option<PreviousIndexRow>, StoreError> {
    let Some(digest) = digest_or_none(row, first)? else {
        return Ok(None);
    };
    Ok(Some(PreviousIndexRow {
        digest,
        ends_at: row.get(first + 1)?,
        until_first_use: row.get(first + 2)?,
        last_used_at: row.get(first + 3)?,
    }))
}
