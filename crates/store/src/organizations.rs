//! Organizations: the tenants.

use claviger_domain::{OrgId, Timestamp};

use crate::{StoreError, Tx};

/// Keeps a new organization.
///
/// # Errors
/// Those of the store.
pub async fn insert(tx: &mut Tx, id: OrgId, name: &str, created_at: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO organization (id, name, created_at) VALUES ($1, $2, $3)";
    tx.execute(sql, &[id.into(), name.into(), created_at.into()])
        .await
        .map(|_| ())
}

/// Every organization.
///
/// # Errors
/// Those of the store.
pub async fn ids(tx: &mut Tx) -> Result<Vec<OrgId>, StoreError> {
    let rows = tx.query("SELECT id FROM organization ORDER BY id", &[]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}
