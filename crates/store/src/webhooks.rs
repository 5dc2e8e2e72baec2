//! Webhooks: rows in, rows out. Their secrets are sealed.

use std::collections::BTreeSet;

use claviger_domain::authority::Reach;
use claviger_domain::name::Description;
use claviger_domain::owner::Principal;
use claviger_domain::webhook::{Disabled, DisabledReason, Webhook, WebhookEvent};
use claviger_domain::{OrgId, TeamId, Timestamp, WebhookId};

use crate::dialect::numbers;
use crate::named::counted;
use crate::{Row, StoreError, Tx, Value};

const COLUMNS: &str = "id, org_id, team_id, url, description, events, created_at, created_by, updated_at, disabled_at, disabled_reason";

/// The sealed secrets of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretsRow {
    /// The one that signs.
    pub current: Vec<u8>,
    /// The one before it, and until when it signs too.
    pub previous: Option<(Vec<u8>, Timestamp)>,
}

/// Which webhooks to list; the newest first.
#[derive(Debug, Clone)]
pub struct WebhookFilter {
    /// The tenant.
    pub org: OrgId,
    /// Only those of teams that all of these reach; everything twice = also those of the organization.
    pub within: [Reach; 2],
    /// Only those of this team.
    pub team: Option<TeamId>,
    /// Only older ones than this.
    pub before: Option<WebhookId>,
    /// At most so many.
    pub limit: u32,
}

/// Keeps a new webhook with its sealed secret.
///
/// # Errors
/// Those of the store.
pub async fn insert(tx: &mut Tx, webhook: &Webhook, secret: &[u8]) -> Result<(), StoreError> {
    let sql = "INSERT INTO webhook (id, org_id, team_id, url, description, events, created_at, created_by, updated_at, secret) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let params = [
        webhook.id.into(),
        webhook.org.into(),
        webhook.team.into(),
        (&webhook.url).into(),
        webhook.description.as_str().into(),
        events_text(&webhook.events).into(),
        webhook.created_at.into(),
        webhook.created_by.to_stored().into(),
        webhook.updated_at.into(),
        secret.into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// The webhook `id`, of whatever organization.
///
/// # Errors
/// Those of the store.
pub async fn by_id(tx: &mut Tx, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM webhook WHERE id = $1");
    let row = tx.query_opt(sql, &[id.into()]).await?;
    row.as_ref().map(read).transpose()
}

/// The webhooks of an organization that are told something, in the order of their ids.
///
/// # Errors
/// Those of the store.
pub async fn enabled(tx: &mut Tx, org: OrgId) -> Result<Vec<Webhook>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM webhook WHERE org_id = $1 AND disabled_at IS NULL ORDER BY id");
    tx.query(sql, &[org.into()]).await?.iter().map(read).collect()
}

/// A page of webhooks.
///
/// # Errors
/// Those of the store.
pub async fn list(tx: &mut Tx, filter: &WebhookFilter) -> Result<Vec<Webhook>, StoreError> {
    let mut sql = format!("SELECT {COLUMNS} FROM webhook WHERE org_id = $1");
    let mut params: Vec<Value> = vec![filter.org.into()];
    let conditions = [
        ("team_id =", filter.team.map(Value::from)),
        ("id <", filter.before.map(Value::from)),
    ];
    for (condition, value) in conditions {
        if let Some(value) = value {
            params.push(value);
            sql.push_str(&format!(" AND {condition} ${}", params.len()));
        }
    }
    for reach in &filter.within {
        if let Reach::Parts { teams, .. } = reach {
            params.push(numbers(teams.iter().map(|team| team.get())).into());
            sql.push_str(&format!(" AND team_id IN {{numbers:${}}}", params.len()));
        }
    }
    params.push(filter.limit.into());
    sql.push_str(&format!(" ORDER BY id DESC LIMIT ${}", params.len()));
    tx.query(sql, &params).await?.iter().map(read).collect()
}

/// How many webhooks the organization has.
///
/// # Errors
/// Those of the store.
pub async fn count(tx: &mut Tx, org: OrgId) -> Result<u64, StoreError> {
    counted(tx, "SELECT COUNT(*) FROM webhook WHERE org_id = $1", org.into()).await
}

/// The webhooks of a team.
///
/// # Errors
/// Those of the store.
pub async fn of_team(tx: &mut Tx, team: TeamId) -> Result<Vec<WebhookId>, StoreError> {
    let sql = "SELECT id FROM webhook WHERE team_id = $1 ORDER BY id";
    let rows = tx.query(sql, &[team.into()]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Changes address, description, events and whether it is told anything.
///
/// # Errors
/// Those of the store.
pub async fn update(tx: &mut Tx, webhook: &Webhook) -> Result<(), StoreError> {
    let sql = "UPDATE webhook SET url = $2, description = $3, events = $4, updated_at = $5, disabled_at = $6, \
               disabled_reason = $7 WHERE id = $1";
    let params = [
        webhook.id.into(),
        (&webhook.url).into(),
        webhook.description.as_str().into(),
        events_text(&webhook.events).into(),
        webhook.updated_at.into(),
        webhook.disabled.map(|disabled| disabled.at).into(),
        webhook.disabled.map(|disabled| disabled.reason.as_str()).into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// Drops a webhook with its deliveries.
///
/// # Errors
/// Those of the store.
pub async fn delete(tx: &mut Tx, id: WebhookId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM delivery WHERE webhook_id = $1", &[id.into()])
        .await?;
    tx.execute("DELETE FROM webhook WHERE id = $1", &[id.into()])
        .await
        .map(|_| ())
}

/// The sealed secrets of a webhook.
///
/// # Errors
/// Those of the store.
pub async fn secrets(tx: &mut Tx, id: WebhookId) -> Result<Option<SecretsRow>, StoreError> {
    let sql = "SELECT secret, previous_secret, previous_until FROM webhook WHERE id = $1";
    let Some(row) = tx.query_opt(sql, &[id.into()]).await? else {
        return Ok(None);
    };
    let previous: Option<Vec<u8>> = row.get(1)?;
    let until: Option<Timestamp> = row.get(2)?;
    Ok(Some(SecretsRow {
        current: row.get(0)?,
        previous: previous.zip(until),
    }))
}

/// Puts a new sealed secret before the one there is, which signs until `until`; the one before that is forgotten.
///
/// # Errors
/// Those of the store.
pub async fn rotate(tx: &mut Tx, id: WebhookId, secret: &[u8], until: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE webhook SET previous_secret = secret, previous_until = $3, secret = $2 WHERE id = $1";
    let params = [id.into(), secret.into(), until.into()];
    tx.execute(sql, &params).await.map(|_| ())
}

fn events_text(events: &BTreeSet<WebhookEvent>) -> String {
    let texts: Vec<_> = events.iter().map(|event| event.as_str()).collect();
    texts.join(" ")
}

fn read(row: &Row<'_>) -> Result<Webhook, StoreError> {
    let (description, events): (&str, &str) = (row.get(4)?, row.get(5)?);
    let (disabled_at, reason): (Option<Timestamp>, Option<&str>) = (row.get(9)?, row.get(10)?);
    let unknown = || StoreError::internal("unknown reason of a disabled webhook");
    let disabled = match disabled_at {
        None => None,
        Some(at) => Some(Disabled {
            at,
            reason: reason.and_then(DisabledReason::from_stored).ok_or_else(unknown)?,
        }),
    };
    Ok(Webhook {
        id: row.get(0)?,
        org: row.get(1)?,
        team: row.get(2)?,
        url: row.get(3)?,
        description: Description::parse("description", description).map_err(StoreError::internal)?,
        // An event of a later version is left out: this one cannot tell of it.
        events: events
            .split_ascii_whitespace()
            .filter_map(|text| text.parse().ok())
            .collect(),
        created_at: row.get(6)?,
        created_by: Principal::from_stored(row.get(7)?),
        updated_at: row.get(8)?,
        disabled,
    })
}
