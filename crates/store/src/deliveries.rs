//! Deliveries: what is on its way to a webhook or, by mail, to a person.

use claviger_domain::webhook::{Delivery, DeliveryState, Recipient, WebhookEvent};
use claviger_domain::{DeliveryId, Timestamp, UserId, WebhookId};

use crate::dialect::numbers;
use crate::{Row, StoreError, Tx, Value};

const COLUMNS: &str = "id, org_id, webhook_id, user_id, token_id, event, state, attempts, created_at, next_attempt_at, \
                       last_attempt_at, last_status, last_error";

/// A delivery that somebody has taken on himself to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The record; its `attempts` count the one that was just claimed.
    pub delivery: Delivery,
    /// What is to be said.
    pub message: String,
}

/// How a try went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Where the delivery stands now.
    pub state: DeliveryState,
    /// When it was tried.
    pub at: Timestamp,
    /// When it is tried next.
    pub next_attempt_at: Option<Timestamp>,
    /// The status that came back, if one did.
    pub status: Option<u32>,
    /// Why it failed.
    pub error: Option<String>,
}

/// Keeps a new delivery with what is to be said.
///
/// # Errors
/// Those of the store.
pub async fn insert(tx: &mut Tx, delivery: &Delivery, message: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO delivery (id, org_id, webhook_id, user_id, token_id, event, state, attempts, created_at, \
               next_attempt_at, message) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let (webhook, user) = match delivery.to {
        Recipient::Webhook(webhook) => (Some(webhook), None),
        Recipient::Person(user) => (None, Some(user)),
    };
    let params = [
        delivery.id.into(),
        delivery.org.into(),
        webhook.into(),
        user.into(),
        delivery.token.into(),
        delivery.event.as_str().into(),
        delivery.state.as_str().into(),
        delivery.attempts.into(),
        delivery.created_at.into(),
        delivery.next_attempt_at.into(),
        message.into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// The delivery `id`.
///
/// # Errors
/// Those of the store.
pub async fn by_id(tx: &mut Tx, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM delivery WHERE id = $1");
    let row = tx.query_opt(sql, &[id.into()]).await?;
    row.as_ref().map(read).transpose()
}

/// A webhook's deliveries, the newest first: those before `before`, in this state if one is named.
///
/// # Errors
/// Those of the store.
pub async fn of_webhook(
    tx: &mut Tx,
    webhook: WebhookId,
    state: Option<DeliveryState>,
    before: Option<DeliveryId>,
    limit: u32,
) -> Result<Vec<Delivery>, StoreError> {
    let mut sql = format!("SELECT {COLUMNS} FROM delivery WHERE webhook_id = $1");
    let mut params: Vec<Value> = vec![webhook.into()];
    let conditions = [
        ("state =", state.map(|state| Value::from(state.as_str()))),
        ("id <", before.map(Value::from)),
    ];
    for (condition, value) in conditions {
        if let Some(value) = value {
            params.push(value);
            sql.push_str(&format!(" AND {condition} ${}", params.len()));
        }
    }
    params.push(limit.into());
    sql.push_str(&format!(" ORDER BY id DESC LIMIT ${}", params.len()));
    tx.query(sql, &params).await?.iter().map(read).collect()
}

/// How many deliveries of this event are on their way to a webhook.
///
/// # Errors
/// Those of the store.
pub async fn count_pending(tx: &mut Tx, webhook: WebhookId, event: WebhookEvent) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) FROM delivery WHERE webhook_id = $1 AND event = $2 AND state = 'pending'";
    let row = tx
        .query_opt(sql, &[webhook.into(), event.as_str().into()])
        .await?;
    row.map_or(Ok(0), |row| row.get(0))
}

/// What is to be tried at `now`, without what goes to the webhooks in `busy`: of each recipient at most `each`, the first of everyone
/// before the second of anyone, and the longest overdue first. Cost: all that is due.
///
/// # Errors
/// Those of the store.
pub async fn due(
    tx: &mut Tx,
    now: Timestamp,
    busy: &[WebhookId],
    each: u32,
    limit: u32,
) -> Result<Vec<(DeliveryId, Recipient)>, StoreError> {
    let sql = "SELECT id, webhook_id, user_id FROM \
               (SELECT id, webhook_id, user_id, next_attempt_at, \
               ROW_NUMBER() OVER (PARTITION BY webhook_id, user_id ORDER BY next_attempt_at, id) AS place \
               FROM delivery WHERE next_attempt_at <= $1 AND (webhook_id IS NULL OR webhook_id NOT IN {numbers:$2})) AS waiting \
               WHERE place <= $3 ORDER BY place, next_attempt_at, id LIMIT $4";
    let busy = numbers(busy.iter().map(|webhook| webhook.get()));
    let params = [now.into(), busy.into(), each.into(), limit.into()];
    let rows = tx.query(sql, &params).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, recipient(row, 1)?)))
        .collect()
}

/// Takes those of `ids` that are due at `now`: counts a try, and sets the next for `until`, when this one is given up for lost.
///
/// # Errors
/// Those of the store.
pub async fn claim(
    tx: &mut Tx,
    ids: &[DeliveryId],
    now: Timestamp,
    until: Timestamp,
) -> Result<Vec<Claimed>, StoreError> {
    let sql = format!(
        "UPDATE delivery SET attempts = attempts + 1, last_attempt_at = $2, next_attempt_at = $3 \
         WHERE id IN {{numbers:$1}} AND next_attempt_at <= $2 RETURNING {COLUMNS}, message"
    );
    let ids = numbers(ids.iter().map(|id| id.get()));
    let rows = tx.query(sql, &[ids.into(), now.into(), until.into()]).await?;
    let claimed = |row: &Row<'_>| {
        Ok(Claimed {
            delivery: read(row)?,
            message: row.get(13)?,
        })
    };
    rows.iter().map(claimed).collect()
}

/// Keeps how the try number `attempt` went; nothing when another one was begun since.
///
/// # Errors
/// Those of the store.
pub async fn finish(tx: &mut Tx, id: DeliveryId, attempt: u32, outcome: &Outcome) -> Result<(), StoreError> {
    let sql = "UPDATE delivery SET state = $3, last_attempt_at = $4, next_attempt_at = $5, last_status = $6, last_error = $7 \
               WHERE id = $1 AND attempts = $2 AND state = 'pending'";
    let params = [
        id.into(),
        attempt.into(),
        outcome.state.as_str().into(),
        outcome.at.into(),
        outcome.next_attempt_at.into(),
        outcome.status.into(),
        outcome.error.as_ref().into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// Begins a delivery anew: it is due at `now`, with all its tries before it.
///
/// # Errors
/// Those of the store.
pub async fn restart(tx: &mut Tx, id: DeliveryId, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE delivery SET state = 'pending', attempts = 0, next_attempt_at = $2 WHERE id = $1";
    tx.execute(sql, &[id.into(), now.into()]).await.map(|_| ())
}

/// Gives up what still waits for a webhook.
///
/// # Errors
/// Those of the store.
pub async fn give_up(tx: &mut Tx, webhook: WebhookId, reason: &str) -> Result<(), StoreError> {
    let sql = "UPDATE delivery SET state = 'failed', next_attempt_at = NULL, last_error = $2 \
               WHERE webhook_id = $1 AND state = 'pending'";
    tx.execute(sql, &[webhook.into(), reason.into()])
        .await
        .map(|_| ())
}

/// Forgets deliveries that were made before `before` and are not on their way any more, at most `limit`, the oldest first.
///
/// # Errors
/// Those of the store.
pub async fn purge(tx: &mut Tx, made_before: DeliveryId, limit: u32) -> Result<u64, StoreError> {
    let sql = "DELETE FROM delivery WHERE id IN \
               (SELECT id FROM delivery WHERE id < $1 AND state <> 'pending' ORDER BY id LIMIT $2)";
    tx.execute(sql, &[made_before.into(), limit.into()]).await
}

fn recipient(row: &Row<'_>, place: usize) -> Result<Recipient, StoreError> {
    let (webhook, user): (Option<WebhookId>, Option<UserId>) = (row.get(place)?, row.get(place + 1)?);
    match (webhook, user) {
        (Some(webhook), None) => Ok(Recipient::Webhook(webhook)),
        (None, Some(user)) => Ok(Recipient::Person(user)),
        _ => Err(StoreError::internal("a delivery without a recipient")),
    }
}

fn read(row: &Row<'_>) -> Result<Delivery, StoreError> {
    let (event, state): (&str, &str) = (row.get(5)?, row.get(6)?);
    Ok(Delivery {
        id: row.get(0)?,
        org: row.get(1)?,
        to: recipient(row, 2)?,
        token: row.get(4)?,
        event: event
            .parse::<WebhookEvent>()
            .map_err(|_| StoreError::internal("unknown event"))?,
        state: DeliveryState::from_stored(state).ok_or_else(|| StoreError::internal("unknown state"))?,
        attempts: row.get(7)?,
        created_at: row.get(8)?,
        next_attempt_at: row.get(9)?,
        last_attempt_at: row.get(10)?,
        last_status: row.get(11)?,
        last_error: row.get(12)?,
    })
}
