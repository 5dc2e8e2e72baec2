//! Settings of the installation that live in the database: a name and a text each.

use crate::{StoreError, Tx};

/// The setting `key`, if it was ever put.
///
/// # Errors
/// Those of the store.
pub async fn get(tx: &mut Tx, key: &str) -> Result<Option<String>, StoreError> {
    let row = tx
        .query_opt("SELECT value FROM setting WHERE key = $1", &[key.into()])
        .await?;
    row.map(|row| row.get(0)).transpose()
}

/// Puts the setting `key`, in the place of what it was.
///
/// # Errors
/// Those of the store.
pub async fn put(tx: &mut Tx, key: &str, value: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO setting (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    tx.execute(sql, &[key.into(), value.into()]).await.map(|_| ())
}
