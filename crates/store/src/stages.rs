//! Stages, and the gaps in their order that are opened and closed around an insertion or a removal.
//!
//! No two rows ever have one place, not even between two rows of one statement: those that are shifted first become negative.

use claviger_domain::name::Label;
use claviger_domain::stage::Stage;
use claviger_domain::{EnvironmentId, OrgId, StageId};

use crate::named::counted;
use crate::{Row, StoreError, Tx};

const COLUMNS: &str = "id, org_id, name, environment_id, position, created_at, updated_at";

/// Keeps a new stage at a place that is free.
///
/// # Errors
/// [`StoreError::Conflict`] for a name that is taken; those of the store.
pub async fn insert(tx: &mut Tx, stage: &Stage) -> Result<(), StoreError> {
    let sql = "INSERT INTO stage (id, org_id, environment_id, position, name, name_key, created_at, updated_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let params = [
        stage.id.into(),
        stage.org.into(),
        stage.environment.into(),
        stage.position.into(),
        stage.name.as_str().into(),
        stage.name.key().into_string().into(),
        stage.created_at.into(),
        stage.updated_at.into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// The stage `id`, of whatever organization.
///
/// # Errors
/// Those of the store.
pub async fn by_id(tx: &mut Tx, id: StageId) -> Result<Option<Stage>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM stage WHERE id = $1");
    let row = tx.query_opt(sql, &[id.into()]).await?;
    row.as_ref().map(read).transpose()
}

/// At most `limit` of an organization's stages whose place comes after `after`, in order.
///
/// # Errors
/// Those of the store.
pub async fn list(tx: &mut Tx, org: OrgId, after: u32, limit: u32) -> Result<Vec<Stage>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM stage WHERE org_id = $1 AND position > $2 ORDER BY position LIMIT $3");
    let rows = tx.query(sql, &[org.into(), after.into(), limit.into()]).await?;
    rows.iter().map(read).collect()
}

/// How many stages the organization has, which is the place of the last one.
///
/// # Errors
/// Those of the store.
pub async fn count(tx: &mut Tx, org: OrgId) -> Result<u64, StoreError> {
    counted(tx, "SELECT COUNT(*) FROM stage WHERE org_id = $1", org.into()).await
}

/// How many stages are in the environment.
///
/// # Errors
/// Those of the store.
pub async fn count_in(tx: &mut Tx, environment: EnvironmentId) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) FROM stage WHERE environment_id = $1";
    counted(tx, sql, environment.into()).await
}

/// Changes name, environment and place. The place is free.
///
/// # Errors
/// [`StoreError::Conflict`] for a name that is taken; those of the store.
pub async fn update(tx: &mut Tx, stage: &Stage) -> Result<(), StoreError> {
    let sql = "UPDATE stage SET environment_id = $2, position = $3, name = $4, name_key = $5, updated_at = $6 WHERE id = $1";
    let params = [
        stage.id.into(),
        stage.environment.into(),
        stage.position.into(),
        stage.name.as_str().into(),
        stage.name.key().into_string().into(),
        stage.updated_at.into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// Drops a stage. Its place stays empty until it is closed.
///
/// # Errors
/// Those of the store.
pub async fn delete(tx: &mut Tx, id: StageId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM stage WHERE id = $1", &[id.into()])
        .await
        .map(|_| ())
}

/// Takes a stage out of the order, to place 0. Its place stays empty until it is closed.
///
/// # Errors
/// Those of the store.
pub async fn put_aside(tx: &mut Tx, id: StageId) -> Result<(), StoreError> {
    tx.execute("UPDATE stage SET position = 0 WHERE id = $1", &[id.into()])
        .await
        .map(|_| ())
}

/// Moves every stage at `place` or later one place on, so that `place` is free.
///
/// # Errors
/// Those of the store.
pub async fn open_gap(tx: &mut Tx, org: OrgId, place: u32) -> Result<(), StoreError> {
    let sql = "UPDATE stage SET position = -(position + 1) WHERE org_id = $1 AND position >= $2";
    tx.execute(sql, &[org.into(), place.into()]).await?;
    turn_positive(tx, org).await
}

/// Moves every stage after the empty `place` one place back.
///
/// # Errors
/// Those of the store.
pub async fn close_gap(tx: &mut Tx, org: OrgId, place: u32) -> Result<(), StoreError> {
    let sql = "UPDATE stage SET position = -(position - 1) WHERE org_id = $1 AND position > $2";
    tx.execute(sql, &[org.into(), place.into()]).await?;
    turn_positive(tx, org).await
}

async fn turn_positive(tx: &mut Tx, org: OrgId) -> Result<(), StoreError> {
    let sql = "UPDATE stage SET position = -position WHERE org_id = $1 AND position < 0";
    tx.execute(sql, &[org.into()]).await.map(|_| ())
}

fn read(row: &Row<'_>) -> Result<Stage, StoreError> {
    let name: &str = row.get(2)?;
    Ok(Stage {
        id: row.get(0)?,
        org: row.get(1)?,
        name: Label::parse("name", name).map_err(StoreError::internal)?,
        environment: row.get(3)?,
        position: row.get(4)?,
        created_at: row.get(5)?,
        updated_at: row.get(6)?,
    })
}
