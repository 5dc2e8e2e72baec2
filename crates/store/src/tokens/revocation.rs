//! The end of tokens by somebody's will.

use claviger_domain::{Timestamp, TokenId};
use claviger_token::Digest;

use super::{digest, digest_or_none};
use crate::dialect::numbers;
use crate::{Row, StoreError, Tx};

/// The columns of a revocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationRow {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// The reason's text.
    pub reason: String,
    /// What the revoking person wrote.
    pub note: Option<String>,
}

/// A token that was revoked just now, with what is looked up of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevokedRow {
    /// The handle.
    pub id: TokenId,
    /// The digest of its present secret.
    pub digest: Digest,
    /// The digest of the one before, during an overlap.
    pub previous: Option<Digest>,
}

/// Revokes those of `ids` that are not revoked yet; gives them.
///
/// # Errors
/// Those of the store.
pub async fn revoke(
    tx: &mut Tx,
    ids: &[TokenId],
    revocation: &RevocationRow,
) -> Result<Vec<RevokedRow>, StoreError> {
    let sql = "UPDATE token SET revoked_at = $2, revoked_by = $3, revoke_reason = $4, revoke_note = $5 \
               WHERE id IN {numbers:$1} AND revoked_at IS NULL RETURNING id, digest, previous_digest";
    let params = [
        numbers(ids.iter().map(|id| id.get())).into(),
        revocation.at.into(),
        (&revocation.by).into(),
        (&revocation.reason).into(),
        revocation.note.clone().into(),
    ];
    let rows = tx.query(sql, &params).await?;
    let revoked = |row: &Row<'_>| {
        Ok(RevokedRow {
            id: row.get(0)?,
            digest: digest(row, 1)?,
            previous: digest_or_none(row, 2)?,
        })
    };
    rows.iter().map(revoked).collect()
}
