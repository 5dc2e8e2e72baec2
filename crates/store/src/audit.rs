//! The audit trail's rows. The chain is `service`'s.

use claviger_domain::audit::Event;
use claviger_domain::{OrgId, Timestamp};

use crate::{Row, StoreError, Tx, Value};

const COLUMNS: &str = "seq, at, org_id, actor, via, action, subject, detail, request_id, address, hash";

/// An event with its link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// The event.
    pub event: Event,
    /// Its link in the chain.
    pub hash: Vec<u8>,
}

/// Which events to list.
#[derive(Debug, Clone)]
pub struct AuditFilter {
    /// The tenant.
    pub org: OrgId,
    /// Only this action.
    pub action: Option<String>,
    /// Only events about this thing.
    pub subject: Option<String>,
    /// Only events by this actor.
    pub actor: Option<String>,
    /// Only events at or after this instant.
    pub since: Option<Timestamp>,
    /// Only events before this instant.
    pub until: Option<Timestamp>,
    /// Only places before this one.
    pub before_seq: Option<u64>,
    /// Only places after this one.
    pub after_seq: Option<u64>,
    /// The newest first, else the oldest.
    pub newest_first: bool,
    /// At most so many.
    pub limit: u32,
}

/// Appends events whose places and links are computed.
///
/// # Errors
/// [`StoreError::Conflict`] when a place is taken; those of the store.
pub async fn append_many(tx: &mut Tx, events: &[AuditRow]) -> Result<(), StoreError> {
    let sql = "INSERT INTO audit_event (seq, at, org_id, actor, via, action, subject, detail, request_id, address, hash) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    tx.execute_many(sql, events.iter().map(params)).await.map(|_| ())
}

/// A page of events.
///
/// # Errors
/// Those of the store.
pub async fn list(tx: &mut Tx, filter: &AuditFilter) -> Result<Vec<AuditRow>, StoreError> {
    let mut sql = format!("SELECT {COLUMNS} FROM audit_event WHERE org_id = $1");
    let mut params: Vec<Value> = vec![filter.org.into()];
    let conditions = [
        ("action =", filter.action.as_ref().map(Value::from)),
        ("subject =", filter.subject.as_ref().map(Value::from)),
        ("actor =", filter.actor.as_ref().map(Value::from)),
        ("at >=", filter.since.map(Value::from)),
        ("at <", filter.until.map(Value::from)),
        ("seq <", filter.before_seq.map(place).transpose()?),
        ("seq >", filter.after_seq.map(place).transpose()?),
    ];
    for (condition, value) in conditions {
        if let Some(value) = value {
            params.push(value);
            sql.push_str(&format!(" AND {condition} ${}", params.len()));
        }
    }
    params.push(filter.limit.into());
    let order = if filter.newest_first { "DESC" } else { "ASC" };
    sql.push_str(&format!(" ORDER BY seq {order} LIMIT ${}", params.len()));
    tx.query(sql, &params).await?.iter().map(read).collect()
}

/// At most `limit` events of all organizations after the place `after`, in order: what the chain is verified from.
///
/// # Errors
/// Those of the store.
pub async fn range(tx: &mut Tx, after: u64, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
    let sql = "SELECT seq, at, org_id, actor, via, action, subject, detail, request_id, address, hash \
               FROM audit_event WHERE seq > $1 ORDER BY seq LIMIT $2";
    tx.query(sql, &[place(after)?, limit.into()])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// The last place that is taken; 0 when there is none.
///
/// # Errors
/// Those of the store.
pub async fn last_seq(tx: &mut Tx) -> Result<u64, StoreError> {
    let row = tx.query_opt("SELECT MAX(seq) FROM audit_event", &[]).await?;
    let last: Option<u64> = row.map(|row| row.get(0)).transpose()?.flatten();
    Ok(last.unwrap_or(0))
}

fn place(seq: u64) -> Result<Value, StoreError> {
    i64::try_from(seq).map(Value::I64).map_err(StoreError::internal)
}

fn params(row: &AuditRow) -> Vec<Value> {
    let event = &row.event;
    vec![
        // Places are counted from 1, one per event: they fit for longer than anyone writes.
        Value::I64(i64::try_from(event.seq).unwrap_or(i64::MAX)),
        event.at.into(),
        event.org.into(),
        (&event.actor).into(),
        event.via.clone().into(),
        (&event.action).into(),
        (&event.subject).into(),
        (&event.detail).into(),
        (&event.request_id).into(),
        event.address.clone().into(),
        row.hash.as_slice().into(),
    ]
}

fn read(row: &Row<'_>) -> Result<AuditRow, StoreError> {
    Ok(AuditRow {
        event: Event {
            seq: row.get(0)?,
            at: row.get(1)?,
            org: row.get(2)?,
            actor: row.get(3)?,
            via: row.get(4)?,
            action: row.get(5)?,
            subject: row.get(6)?,
            detail: row.get(7)?,
            request_id: row.get(8)?,
            address: row.get(9)?,
        },
        hash: row.get(10)?,
    })
}
