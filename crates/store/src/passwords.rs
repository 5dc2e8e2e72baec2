//! Passwords and password resets: the hashes of one, the digests of the other, never the secrets.

use claviger_domain::{Timestamp, UserId};
use claviger_token::{Digest, PepperId};

use crate::dialect::numbers;
use crate::{StoreError, Tx};

/// A password, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordRow {
    /// Algorithm, parameters, salt and hash, in the PHC string format.
    pub hash: String,
    /// The pepper that went into it.
    pub pepper: PepperId,
}

/// A password reset, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResetRow {
    /// What is kept of the secret.
    pub digest: Digest,
    /// Whose password it is about.
    pub user: UserId,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was used or voided.
    pub ended_at: Option<Timestamp>,
}

/// The person's password, if there is one.
///
/// # Errors
/// Those of the store.
pub async fn get(tx: &mut Tx, user: UserId) -> Result<Option<PasswordRow>, StoreError> {
    let sql = "SELECT hash, pepper_id FROM user_password WHERE user_id = $1";
    let Some(row) = tx.query_opt(sql, &[user.into()]).await? else {
        return Ok(None);
    };
    Ok(Some(PasswordRow {
        hash: row.get(0)?,
        pepper: PepperId::from_u32(row.get(1)?),
    }))
}

/// Puts a password in the place of what there was.
///
/// # Errors
/// Those of the store.
pub async fn put(
    tx: &mut Tx,
    user: UserId,
    password: &PasswordRow,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO user_password (user_id, hash, pepper_id, changed_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, pepper_id = excluded.pepper_id, \
               changed_at = excluded.changed_at";
    let params = [
        user.into(),
        (&password.hash).into(),
        password.pepper.get().into(),
        now.into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// Stores the same password under another pepper; nothing when it was changed meanwhile.
///
/// # Errors
/// Those of the store.
pub async fn rehash(
    tx: &mut Tx,
    user: UserId,
    from: &PasswordRow,
    to: &PasswordRow,
) -> Result<(), StoreError> {
    let sql = "UPDATE user_password SET hash = $3, pepper_id = $4 WHERE user_id = $1 AND hash = $2";
    let params = [
        user.into(),
        (&from.hash).into(),
        (&to.hash).into(),
        to.pepper.get().into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// Those of these people who have a password.
///
/// # Errors
/// Those of the store.
pub async fn having(tx: &mut Tx, users: &[UserId]) -> Result<Vec<UserId>, StoreError> {
    let sql = "SELECT user_id FROM user_password WHERE user_id IN {numbers:$1}";
    let users = numbers(users.iter().map(|user| user.get()));
    let rows = tx.query(sql, &[users.into()]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// How many passwords of people who may act depend on the pepper.
///
/// # Errors
/// Those of the store.
pub async fn count_with_pepper(tx: &mut Tx, pepper: PepperId) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) FROM user_password JOIN user_account ON user_account.id = user_password.user_id \
               WHERE user_password.pepper_id = $1 AND user_account.deactivated_at IS NULL";
    match tx.query_opt(sql, &[pepper.get().into()]).await? {
        Some(row) => row.get(0),
        None => Ok(0),
    }
}

/// Forgets the passwords that depend on the pepper: nobody can check them any more.
///
/// # Errors
/// Those of the store.
pub async fn forget_with_pepper(tx: &mut Tx, pepper: PepperId) -> Result<(), StoreError> {
    let sql = "DELETE FROM user_password WHERE pepper_id = $1";
    tx.execute(sql, &[pepper.get().into()]).await.map(|_| ())
}

/// Keeps a new reset.
///
/// # Errors
/// Those of the store.
pub async fn insert_reset(tx: &mut Tx, reset: &ResetRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO password_reset (digest, user_id, created_at, expires_at, ended_at) VALUES ($1, $2, $3, $4, $5)";
    let params = [
        reset.digest.as_bytes().into(),
        reset.user.into(),
        reset.created_at.into(),
        reset.expires_at.into(),
        reset.ended_at.into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// The reset with one of these digests, of which at most one is stored.
///
/// # Errors
/// Those of the store.
pub async fn reset_by_digest(tx: &mut Tx, digests: &[Digest]) -> Result<Option<ResetRow>, StoreError> {
    let sql = "SELECT user_id, created_at, expires_at, ended_at FROM password_reset WHERE digest = $1";
    for digest in digests {
        if let Some(row) = tx.query_opt(sql, &[digest.as_bytes().into()]).await? {
            return Ok(Some(ResetRow {
                digest: *digest,
                user: row.get(0)?,
                created_at: row.get(1)?,
                expires_at: row.get(2)?,
                ended_at: row.get(3)?,
            }));
        }
    }
    Ok(None)
}

/// Ends every reset of the person, and forgets those that ended before `before`.
///
/// # Errors
/// Those of the store.
pub async fn end_resets(
    tx: &mut Tx,
    user: UserId,
    now: Timestamp,
    before: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE password_reset SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL";
    tx.execute(sql, &[user.into(), now.into()]).await?;
    let sql = "DELETE FROM password_reset WHERE user_id = $1 AND expires_at < $2";
    tx.execute(sql, &[user.into(), before.into()]).await.map(|_| ())
}

/// Ends every open reset of everybody.
///
/// # Errors
/// Those of the store.
pub async fn end_all_resets(tx: &mut Tx, now: Timestamp) -> Result<u64, StoreError> {
    let sql = "UPDATE password_reset SET ended_at = $1 WHERE ended_at IS NULL";
    tx.execute(sql, &[now.into()]).await
}
