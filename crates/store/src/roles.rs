//! An organization's own roles and kinds of resources.

use claviger_domain::resource::Word;
use claviger_domain::role::{Kind, Role};
use claviger_domain::{OrgId, Timestamp};

use crate::named::counted;
use crate::{Row, StoreError, Tx};

/// Keeps a role, or replaces the one of its name.
///
/// # Errors
/// Those of the store.
pub async fn put(tx: &mut Tx, role: &Role) -> Result<(), StoreError> {
    let sql = "INSERT INTO role (org_id, name, description, cells, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (org_id, name) DO UPDATE SET description = excluded.description, cells = excluded.cells, \
               updated_at = excluded.updated_at";
    let cells = serde_json::to_string(&role.cells).map_err(StoreError::internal)?;
    let params = [
        role.org.into(),
        role.name.as_str().into(),
        (&role.description).into(),
        cells.into(),
        role.created_at.into(),
        role.updated_at.into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// The organization's own roles, in the order of their names.
///
/// # Errors
/// Those of the store.
pub async fn of(tx: &mut Tx, org: OrgId) -> Result<Vec<Role>, StoreError> {
    let sql = "SELECT org_id, name, description, cells, created_at, updated_at FROM role WHERE org_id = $1 ORDER BY name";
    tx.query(sql, &[org.into()]).await?.iter().map(read).collect()
}

/// The roles of all organizations. For the start.
///
/// # Errors
/// Those of the store.
pub async fn all(tx: &mut Tx) -> Result<Vec<Role>, StoreError> {
    let sql = "SELECT org_id, name, description, cells, created_at, updated_at FROM role";
    tx.query(sql, &[]).await?.iter().map(read).collect()
}

/// How many roles of its own the organization has.
///
/// # Errors
/// Those of the store.
pub async fn count(tx: &mut Tx, org: OrgId) -> Result<u64, StoreError> {
    counted(tx, "SELECT COUNT(*) FROM role WHERE org_id = $1", org.into()).await
}

/// Drops a role.
///
/// # Errors
/// Those of the store.
pub async fn delete(tx: &mut Tx, org: OrgId, name: &Word) -> Result<(), StoreError> {
    let sql = "DELETE FROM role WHERE org_id = $1 AND name = $2";
    let params = [org.into(), name.as_str().into()];
    tx.execute(sql, &params).await.map(|_| ())
}

/// How many live tokens and active or inactive people have an assignment of the role.
///
/// # Errors
/// Those of the store.
pub async fn assigned(tx: &mut Tx, org: OrgId, name: &Word, now: Timestamp) -> Result<u64, StoreError> {
    let tokens = "SELECT COUNT(*) FROM token WHERE org_id = $1 AND roles LIKE $2 ESCAPE '!' AND revoked_at IS NULL \
                  AND (expires_at IS NULL OR expires_at > $3)";
    let people = "SELECT COUNT(*) FROM user_account WHERE org_id = $1 AND roles LIKE $2 ESCAPE '!'";
    let named = mention(name);
    let tokens = tx
        .query_opt(tokens, &[org.into(), named.clone().into(), now.into()])
        .await?;
    let people = tx.query_opt(people, &[org.into(), named.into()]).await?;
    let number = |row: Option<Row<'_>>| row.map_or(Ok(0_u64), |row| row.get(0));
    Ok(number(tokens)? + number(people)?)
}

/// What matches assignments of the role in their stored form, and of no other; for `LIKE $n ESCAPE '!'`. Of what means anything to
/// `LIKE`, a name may hold `_` alone.
pub(crate) fn mention(role: &Word) -> String {
    format!("%\"role\":\"{}\"%", role.as_str().replace('_', "!_"))
}

fn read(row: &Row<'_>) -> Result<Role, StoreError> {
    let (name, cells): (&str, &str) = (row.get(1)?, row.get(3)?);
    Ok(Role {
        org: row.get(0)?,
        name: Word::parse("name", name).map_err(StoreError::internal)?,
        description: row.get::<&str>(2)?.to_owned(),
        cells: serde_json::from_str(cells).map_err(StoreError::internal)?,
        created_at: row.get(4)?,
        updated_at: row.get(5)?,
    })
}

/// Keeps a kind, or replaces the one of its name.
///
/// # Errors
/// Those of the store.
pub async fn put_kind(tx: &mut Tx, kind: &Kind) -> Result<(), StoreError> {
    let sql = "INSERT INTO resource_kind (org_id, name, description, actions, created_at, updated_at) \
               VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (org_id, name) DO UPDATE SET description = excluded.description, actions = excluded.actions, \
               updated_at = excluded.updated_at";
    let actions = serde_json::to_string(&kind.actions).map_err(StoreError::internal)?;
    let params = [
        kind.org.into(),
        kind.name.as_str().into(),
        (&kind.description).into(),
        actions.into(),
        kind.created_at.into(),
        kind.updated_at.into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// The organization's own kinds, in the order of their names.
///
/// # Errors
/// Those of the store.
pub async fn kinds_of(tx: &mut Tx, org: OrgId) -> Result<Vec<Kind>, StoreError> {
    let sql = "SELECT org_id, name, description, actions, created_at, updated_at FROM resource_kind WHERE org_id = $1 ORDER BY name";
    let rows = tx.query(sql, &[org.into()]).await?;
    rows.iter()
        .map(|row| {
            let (name, actions): (&str, &str) = (row.get(1)?, row.get(3)?);
            Ok(Kind {
                org: row.get(0)?,
                name: Word::parse("name", name).map_err(StoreError::internal)?,
                description: row.get::<&str>(2)?.to_owned(),
                actions: serde_json::from_str(actions).map_err(StoreError::internal)?,
                created_at: row.get(4)?,
                updated_at: row.get(5)?,
            })
        })
        .collect()
}

/// Drops a kind.
///
/// # Errors
/// Those of the store.
pub async fn delete_kind(tx: &mut Tx, org: OrgId, name: &Word) -> Result<(), StoreError> {
    let sql = "DELETE FROM resource_kind WHERE org_id = $1 AND name = $2";
    let params = [org.into(), name.as_str().into()];
    tx.execute(sql, &params).await.map(|_| ())
}
