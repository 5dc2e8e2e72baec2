//! People.

use claviger_domain::{OrgId, Timestamp, UserId};

use crate::{Row, StoreError, Tx};

const COLUMNS: &str = "id, org_id, email, email_key, role, created_at, deactivated_at";

/// A person, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// The handle.
    pub id: UserId,
    /// The organization.
    pub org: OrgId,
    /// The address as it was given.
    pub email: String,
    /// Its normal form, unique in the organization.
    pub email_key: String,
    /// The role's text.
    pub role: String,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it was deactivated.
    pub deactivated_at: Option<Timestamp>,
}

/// Keeps a new person.
///
/// # Errors
/// [`StoreError::Conflict`] for an address that is taken; those of the store.
pub async fn insert(tx: &mut Tx, user: &UserRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO user_account (id, org_id, email, email_key, role, created_at, deactivated_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let params = [
        user.id.into(),
        user.org.into(),
        (&user.email).into(),
        (&user.email_key).into(),
        (&user.role).into(),
        user.created_at.into(),
        user.deactivated_at.into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// How many there are.
///
/// # Errors
/// Those of the store.
pub async fn count(tx: &mut Tx) -> Result<u64, StoreError> {
    match tx.query_opt("SELECT COUNT(*) FROM user_account", &[]).await? {
        Some(row) => row.get(0),
        None => Ok(0),
    }
}

/// The person with this normal form of an address; the oldest when several organizations have one.
///
/// # Errors
/// Those of the store.
pub async fn by_email_key(tx: &mut Tx, email_key: &str) -> Result<Option<UserRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM user_account WHERE email_key = $1 ORDER BY id LIMIT 1");
    tx.query_opt(sql, &[email_key.into()])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// All of them, oldest first. For the start: there are few.
///
/// # Errors
/// Those of the store.
pub async fn all(tx: &mut Tx) -> Result<Vec<UserRow>, StoreError> {
    let rows = tx
        .query(format!("SELECT {COLUMNS} FROM user_account ORDER BY id"), &[])
        .await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row<'_>) -> Result<UserRow, StoreError> {
    Ok(UserRow {
        id: row.get(0)?,
        org: row.get(1)?,
        email: row.get(2)?,
        email_key: row.get(3)?,
        role: row.get(4)?,
        created_at: row.get(5)?,
        deactivated_at: row.get(6)?,
    })
}
