//! The names of teams, services and environments, all of them: for the directory in memory.

use claviger_domain::{EnvironmentId, OrgId, ServiceId, TeamId};

use crate::{StoreError, Tx};

/// Shows every team's name in its normal form.
///
/// # Errors
/// Those of the store.
pub async fn for_each_team(tx: &mut Tx, mut each: impl FnMut(OrgId, TeamId, &str)) -> Result<(), StoreError> {
    tx.for_each("SELECT org_id, id, name_key FROM team", &[], |row| {
        each(row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(())
    })
    .await
}

/// Shows every service's name in its normal form, and its team.
///
/// # Errors
/// Those of the store.
pub async fn for_each_service(
    tx: &mut Tx,
    mut each: impl FnMut(OrgId, ServiceId, &str, TeamId),
) -> Result<(), StoreError> {
    tx.for_each("SELECT org_id, id, name_key, team_id FROM service", &[], |row| {
        each(row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        Ok(())
    })
    .await
}

/// Shows every environment's name in its normal form.
///
/// # Errors
/// Those of the store.
pub async fn for_each_environment(
    tx: &mut Tx,
    mut each: impl FnMut(OrgId, EnvironmentId, &str),
) -> Result<(), StoreError> {
    tx.for_each("SELECT org_id, id, name_key FROM environment", &[], |row| {
        each(row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(())
    })
    .await
}
