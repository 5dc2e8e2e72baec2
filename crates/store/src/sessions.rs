//! Sign-in sessions: rows in, rows out. The secret is kept as a digest.

use claviger_domain::session::Session;
use claviger_domain::{SessionId, Timestamp, UserId};
use claviger_token::Digest;

use crate::{Row, StoreError, Tx, Value};

const COLUMNS: &str =
    "id, org_id, user_id, created_at, signed_in_at, last_seen_at, ends_at, address, ended_at";
/// What holds of a session that is live at `$2` when one that was last seen at `$3` is idle.
const LIVE: &str = "ended_at IS NULL AND ends_at > $2 AND last_seen_at > $3";

/// The instant at which sessions are live, and what idle means there.
#[derive(Debug, Clone, Copy)]
pub struct LiveAt {
    /// The instant.
    pub now: Timestamp,
    /// What was last seen then, or before, is idle.
    pub idle_since: Timestamp,
}

/// Keeps a new session.
///
/// # Errors
/// Those of the store.
pub async fn insert(tx: &mut Tx, session: &Session, digest: &Digest) -> Result<(), StoreError> {
    let sql = "INSERT INTO sign_in_session (id, org_id, user_id, digest, created_at, signed_in_at, last_seen_at, ends_at, address) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let params = [
        session.id.into(),
        session.org.into(),
        session.user.into(),
        digest.as_bytes().into(),
        session.created_at.into(),
        session.signed_in_at.into(),
        session.last_seen_at.into(),
        session.ends_at.into(),
        session.address.as_ref().into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// The session `id`, of whatever organization.
///
/// # Errors
/// Those of the store.
pub async fn by_id(tx: &mut Tx, id: SessionId) -> Result<Option<Session>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM sign_in_session WHERE id = $1");
    let row = tx.query_opt(sql, &[id.into()]).await?;
    row.as_ref().map(read).transpose()
}

/// The session with one of these digests, of which at most one is stored.
///
/// # Errors
/// Those of the store.
pub async fn by_digest(tx: &mut Tx, digests: &[Digest]) -> Result<Option<Session>, StoreError> {
    for digest in digests {
        let sql = format!("SELECT {COLUMNS} FROM sign_in_session WHERE digest = $1");
        if let Some(row) = tx.query_opt(sql, &[digest.as_bytes().into()]).await? {
            return read(&row).map(Some);
        }
    }
    Ok(None)
}

/// The person's live sessions, the newest first; at most `limit`, and only older ones than `before`.
///
/// # Errors
/// Those of the store.
pub async fn live_of(
    tx: &mut Tx,
    user: UserId,
    at: LiveAt,
    before: Option<SessionId>,
    limit: u32,
) -> Result<Vec<Session>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM sign_in_session WHERE user_id = $1 AND {LIVE} AND id < $4 ORDER BY id DESC LIMIT $5"
    );
    let before = before.map_or(i64::MAX, SessionId::get);
    let params = [
        user.into(),
        at.now.into(),
        at.idle_since.into(),
        before.into(),
        limit.into(),
    ];
    tx.query(sql, &params).await?.iter().map(read).collect()
}

/// Notes a use. One that ended stays as it was, and time does not go back.
///
/// # Errors
/// Those of the store.
pub async fn touch(tx: &mut Tx, id: SessionId, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE sign_in_session SET last_seen_at = $2 WHERE id = $1 AND ended_at IS NULL AND last_seen_at < $2";
    tx.execute(sql, &[id.into(), now.into()]).await.map(|_| ())
}

/// Notes that the person showed the password, and puts a new secret in the place of the old one.
///
/// # Errors
/// Those of the store.
pub async fn confirm(tx: &mut Tx, id: SessionId, digest: &Digest, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE sign_in_session SET digest = $2, signed_in_at = $3, last_seen_at = $3 WHERE id = $1";
    let params = [id.into(), digest.as_bytes().into(), now.into()];
    tx.execute(sql, &params).await.map(|_| ())
}

/// Ends a session that was not ended before.
///
/// # Errors
/// Those of the store.
pub async fn end(tx: &mut Tx, id: SessionId, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE sign_in_session SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL";
    tx.execute(sql, &[id.into(), now.into()]).await.map(|_| ())
}

/// Ends every live session of the person, `except` one; gives those that it ended, the oldest first.
///
/// # Errors
/// Those of the store.
pub async fn end_all(
    tx: &mut Tx,
    user: UserId,
    except: Option<SessionId>,
    at: LiveAt,
) -> Result<Vec<SessionId>, StoreError> {
    let sql = format!(
        "UPDATE sign_in_session SET ended_at = $2 WHERE user_id = $1 AND {LIVE} AND id <> $4 RETURNING id"
    );
    // No session has the number 0.
    let except = except.map_or(0, SessionId::get);
    let params: [Value; 4] = [user.into(), at.now.into(), at.idle_since.into(), except.into()];
    let rows = tx.query(sql, &params).await?;
    let mut ended = rows
        .iter()
        .map(|row| row.get(0))
        .collect::<Result<Vec<SessionId>, StoreError>>()?;
    ended.sort_unstable();
    Ok(ended)
}

/// Forgets sessions whose last possible moment was before `before`; gives how many.
///
/// # Errors
/// Those of the store.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM sign_in_session WHERE ends_at < $1", &[before.into()])
        .await
}

fn read(row: &Row<'_>) -> Result<Session, StoreError> {
    Ok(Session {
        id: row.get(0)?,
        org: row.get(1)?,
        user: row.get(2)?,
        created_at: row.get(3)?,
        signed_in_at: row.get(4)?,
        last_seen_at: row.get(5)?,
        ends_at: row.get(6)?,
        address: row.get(7)?,
        ended_at: row.get(8)?,
    })
}

/// Ends every live session of everybody.
///
/// # Errors
/// Those of the store.
pub async fn end_everywhere(tx: &mut Tx, now: Timestamp) -> Result<u64, StoreError> {
    let sql = "UPDATE sign_in_session SET ended_at = $1 WHERE ended_at IS NULL";
    tx.execute(sql, &[now.into()]).await
}
