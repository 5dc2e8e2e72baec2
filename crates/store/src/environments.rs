//! Environments.

use claviger_domain::environment::Environment;
use claviger_domain::name::{Description, Label};
use claviger_domain::{EnvironmentId, OrgId};

use crate::named::{Conditions, NamePage, counted};
use crate::{Row, StoreError, Tx};

const COLUMNS: &str = "id, org_id, name, is_production, description, created_at, updated_at";

/// Keeps a new environment.
///
/// # Errors
/// [`StoreError::Conflict`] for a name that is taken; those of the store.
pub async fn insert(tx: &mut Tx, environment: &Environment) -> Result<(), StoreError> {
    let sql = "INSERT INTO environment (id, org_id, name, name_key, is_production, description, created_at, updated_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let params = [
        environment.id.into(),
        environment.org.into(),
        environment.name.as_str().into(),
        environment.name.key().into_string().into(),
        environment.is_production.into(),
        environment.description.as_str().into(),
        environment.created_at.into(),
        environment.updated_at.into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// The environment `id`, of whatever organization.
///
/// # Errors
/// Those of the store.
pub async fn by_id(tx: &mut Tx, id: EnvironmentId) -> Result<Option<Environment>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM environment WHERE id = $1");
    let row = tx.query_opt(sql, &[id.into()]).await?;
    row.as_ref().map(read).transpose()
}

/// The environment of that name, by its normal form.
///
/// # Errors
/// Those of the store.
pub async fn by_name_key(tx: &mut Tx, org: OrgId, key: &str) -> Result<Option<Environment>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM environment WHERE org_id = $1 AND name_key = $2");
    let row = tx.query_opt(sql, &[org.into(), key.into()]).await?;
    row.as_ref().map(read).transpose()
}

/// A page of an organization's environments, in the order of their names.
///
/// # Errors
/// Those of the store.
pub async fn list(tx: &mut Tx, org: OrgId, page: &NamePage) -> Result<Vec<Environment>, StoreError> {
    let (conditions, params) = Conditions::of(org).page(page);
    let sql = format!("SELECT {COLUMNS} FROM environment WHERE {conditions}");
    tx.query(sql, &params).await?.iter().map(read).collect()
}

/// How many environments the organization has.
///
/// # Errors
/// Those of the store.
pub async fn count(tx: &mut Tx, org: OrgId) -> Result<u64, StoreError> {
    counted(
        tx,
        "SELECT COUNT(*) FROM environment WHERE org_id = $1",
        org.into(),
    )
    .await
}

/// Changes name, description and whether it is production.
///
/// # Errors
/// [`StoreError::Conflict`] for a name that is taken; those of the store.
pub async fn update(tx: &mut Tx, environment: &Environment) -> Result<(), StoreError> {
    let sql = "UPDATE environment SET name = $2, name_key = $3, is_production = $4, description = $5, updated_at = $6 \
               WHERE id = $1";
    let params = [
        environment.id.into(),
        environment.name.as_str().into(),
        environment.name.key().into_string().into(),
        environment.is_production.into(),
        environment.description.as_str().into(),
        environment.updated_at.into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// Drops an environment.
///
/// # Errors
/// [`StoreError::Conflict`] while a stage is in it; those of the store.
pub async fn delete(tx: &mut Tx, id: EnvironmentId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM environment WHERE id = $1", &[id.into()])
        .await
        .map(|_| ())
}

fn read(row: &Row<'_>) -> Result<Environment, StoreError> {
    let (name, description): (&str, &str) = (row.get(2)?, row.get(4)?);
    Ok(Environment {
        id: row.get(0)?,
        org: row.get(1)?,
        name: Label::parse("name", name).map_err(StoreError::internal)?,
        is_production: row.get(3)?,
        description: Description::parse("description", description).map_err(StoreError::internal)?,
        created_at: row.get(5)?,
        updated_at: row.get(6)?,
    })
}
