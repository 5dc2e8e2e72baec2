//! Policies of organizations.

use claviger_domain::policy::Policy;
use claviger_domain::{OrgId, Timestamp};

use crate::{Row, StoreError, Tx};

/// The organization's policy, if it ever wrote one.
///
/// # Errors
/// Those of the store.
pub async fn of(tx: &mut Tx, org: OrgId) -> Result<Option<Policy>, StoreError> {
    let row = tx
        .query_opt("SELECT body FROM policy WHERE org_id = $1", &[org.into()])
        .await?;
    row.as_ref().map(|row| read(row, 0)).transpose()
}

/// Every policy that was written.
///
/// # Errors
/// Those of the store.
pub async fn all(tx: &mut Tx) -> Result<Vec<(OrgId, Policy)>, StoreError> {
    let rows = tx.query("SELECT org_id, body FROM policy", &[]).await?;
    rows.iter().map(|row| Ok((row.get(0)?, read(row, 1)?))).collect()
}

/// Writes the organization's policy.
///
/// # Errors
/// Those of the store.
pub async fn put(tx: &mut Tx, org: OrgId, policy: &Policy, now: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO policy (org_id, body, updated_at) VALUES ($1, $2, $3) \
               ON CONFLICT (org_id) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at";
    let body = serde_json::to_string(policy).map_err(StoreError::internal)?;
    tx.execute(sql, &[org.into(), body.into(), now.into()])
        .await
        .map(|_| ())
}

fn read(row: &Row<'_>, place: usize) -> Result<Policy, StoreError> {
    let body: &str = row.get(place)?;
    serde_json::from_str(body).map_err(StoreError::internal)
}
