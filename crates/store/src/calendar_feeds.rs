//! Calendar feeds: rows in, rows out. The secret of the address is kept as a digest.

use claviger_domain::calendar::CalendarFeed;
use claviger_domain::name::Label;
use claviger_domain::owner::Principal;
use claviger_domain::{CalendarFeedId, OrgId};
use claviger_token::Digest;

use crate::{Row, StoreError, Tx, Value};

const COLUMNS: &str = "id, org_id, name, created_by, token_id, created_at";

/// Which feeds to list; the newest first.
#[derive(Debug, Clone)]
pub struct FeedFilter {
    /// The tenant.
    pub org: OrgId,
    /// Only those by this principal.
    pub created_by: Option<Principal>,
    /// Only older ones than this.
    pub before: Option<CalendarFeedId>,
    /// At most so many.
    pub limit: u32,
}

/// Keeps a new feed.
///
/// # Errors
/// Those of the store.
pub async fn insert(tx: &mut Tx, feed: &CalendarFeed, digest: &Digest) -> Result<(), StoreError> {
    let sql = "INSERT INTO calendar_feed (id, org_id, name, created_by, token_id, created_at, digest) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let params = [
        feed.id.into(),
        feed.org.into(),
        feed.name.as_str().into(),
        feed.created_by.to_stored().into(),
        feed.eyes.into(),
        feed.created_at.into(),
        digest.as_bytes().into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// The feed `id`, of whatever organization.
///
/// # Errors
/// Those of the store.
pub async fn by_id(tx: &mut Tx, id: CalendarFeedId) -> Result<Option<CalendarFeed>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM calendar_feed WHERE id = $1");
    let row = tx.query_opt(sql, &[id.into()]).await?;
    row.as_ref().map(read).transpose()
}

/// The feed with this digest.
///
/// # Errors
/// Those of the store.
pub async fn by_digest(tx: &mut Tx, digest: &Digest) -> Result<Option<CalendarFeed>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM calendar_feed WHERE digest = $1");
    let row = tx.query_opt(sql, &[digest.as_bytes().into()]).await?;
    row.as_ref().map(read).transpose()
}

/// Keeps a feed under another digest: its pepper was rotated.
///
/// # Errors
/// Those of the store.
pub async fn redigest(tx: &mut Tx, id: CalendarFeedId, digest: &Digest) -> Result<(), StoreError> {
    let sql = "UPDATE calendar_feed SET digest = $2 WHERE id = $1";
    let params = [id.into(), digest.as_bytes().into()];
    tx.execute(sql, &params).await.map(|_| ())
}

/// A page of feeds.
///
/// # Errors
/// Those of the store.
pub async fn list(tx: &mut Tx, filter: &FeedFilter) -> Result<Vec<CalendarFeed>, StoreError> {
    let mut sql = format!("SELECT {COLUMNS} FROM calendar_feed WHERE org_id = $1");
    let mut params: Vec<Value> = vec![filter.org.into()];
    let conditions = [
        (
            "created_by =",
            filter.created_by.map(|by| Value::from(by.to_stored())),
        ),
        ("id <", filter.before.map(Value::from)),
    ];
    for (condition, value) in conditions {
        if let Some(value) = value {
            params.push(value);
            sql.push_str(&format!(" AND {condition} ${}", params.len()));
        }
    }
    params.push(filter.limit.into());
    sql.push_str(&format!(" ORDER BY id DESC LIMIT ${}", params.len()));
    tx.query(sql, &params).await?.iter().map(read).collect()
}

/// How many feeds a principal has.
///
/// # Errors
/// Those of the store.
pub async fn count_by(tx: &mut Tx, org: OrgId, created_by: Principal) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) FROM calendar_feed WHERE org_id = $1 AND created_by = $2";
    let row = tx
        .query_opt(sql, &[org.into(), created_by.to_stored().into()])
        .await?;
    row.map_or(Ok(0), |row| row.get(0))
}

/// Drops a feed.
///
/// # Errors
/// Those of the store.
pub async fn delete(tx: &mut Tx, id: CalendarFeedId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM calendar_feed WHERE id = $1", &[id.into()])
        .await
        .map(|_| ())
}

fn read(row: &Row<'_>) -> Result<CalendarFeed, StoreError> {
    let name: &str = row.get(2)?;
    Ok(CalendarFeed {
        id: row.get(0)?,
        org: row.get(1)?,
        name: Label::parse("name", name).map_err(StoreError::internal)?,
        created_by: Principal::from_stored(row.get(3)?),
        eyes: row.get(4)?,
        created_at: row.get(5)?,
    })
}

/// Drops every feed.
///
/// # Errors
/// Those of the store.
pub async fn delete_all(tx: &mut Tx) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM calendar_feed", &[]).await
}
