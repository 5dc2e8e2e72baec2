//! Invitations: rows in, rows out. The secret is kept as a digest.

use claviger_domain::owner::{Membership, Principal, Role, TeamRole};
use claviger_domain::person::Invitation;
use claviger_domain::{InvitationId, OrgId, TeamId, Timestamp};
use claviger_token::Digest;

use crate::{Row, StoreError, Tx, Value};

const COLUMNS: &str =
    "id, org_id, email, role, teams, created_by, created_at, expires_at, accepted_at, withdrawn_at";

/// Which invitations to list; the newest first.
#[derive(Debug, Clone)]
pub struct InvitationFilter {
    /// The tenant.
    pub org: OrgId,
    /// Only those by this principal.
    pub created_by: Option<Principal>,
    /// Only those that can be accepted at this instant.
    pub open_at: Option<Timestamp>,
    /// Only older ones than this.
    pub before: Option<InvitationId>,
    /// At most so many.
    pub limit: u32,
}

/// Keeps a new invitation to the address with this normal form.
///
/// # Errors
/// Those of the store.
pub async fn insert(
    tx: &mut Tx,
    invitation: &Invitation,
    email_key: &str,
    digest: &Digest,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO invitation (id, org_id, email, email_key, role, teams, digest, created_at, created_by, expires_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let params = [
        invitation.id.into(),
        invitation.org.into(),
        (&invitation.email).into(),
        email_key.into(),
        invitation.role.as_str().into(),
        teams_text(&invitation.teams).into(),
        digest.as_bytes().into(),
        invitation.created_at.into(),
        invitation.created_by.to_stored().into(),
        invitation.expires_at.into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// The invitation `id`, of whatever organization.
///
/// # Errors
/// Those of the store.
pub async fn by_id(tx: &mut Tx, id: InvitationId) -> Result<Option<Invitation>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM invitation WHERE id = $1");
    let row = tx.query_opt(sql, &[id.into()]).await?;
    row.as_ref().map(read).transpose()
}

/// The invitation with one of these digests, of which at most one is stored.
///
/// # Errors
/// Those of the store.
pub async fn by_digest(tx: &mut Tx, digests: &[Digest]) -> Result<Option<Invitation>, StoreError> {
    for digest in digests {
        let sql = format!("SELECT {COLUMNS} FROM invitation WHERE digest = $1");
        if let Some(row) = tx.query_opt(sql, &[digest.as_bytes().into()]).await? {
            return read(&row).map(Some);
        }
    }
    Ok(None)
}

/// A page of invitations.
///
/// # Errors
/// Those of the store.
pub async fn list(tx: &mut Tx, filter: &InvitationFilter) -> Result<Vec<Invitation>, StoreError> {
    let mut sql = format!("SELECT {COLUMNS} FROM invitation WHERE org_id = $1");
    let mut params: Vec<Value> = vec![filter.org.into()];
    let conditions = [
        (
            "created_by =",
            filter.created_by.map(|by| Value::from(by.to_stored())),
        ),
        (
            "accepted_at IS NULL AND withdrawn_at IS NULL AND expires_at >",
            filter.open_at.map(Value::from),
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

/// Takes an invitation back; nothing when it was accepted or taken back before.
///
/// # Errors
/// Those of the store.
pub async fn withdraw(tx: &mut Tx, id: InvitationId, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE invitation SET withdrawn_at = $2 WHERE id = $1 AND accepted_at IS NULL AND withdrawn_at IS NULL";
    tx.execute(sql, &[id.into(), now.into()]).await.map(|_| ())
}

/// Takes back every open invitation to this address, or only those of one maker; gives their handles.
///
/// # Errors
/// Those of the store.
pub async fn withdraw_of_address(
    tx: &mut Tx,
    org: OrgId,
    email_key: &str,
    created_by: Option<Principal>,
    now: Timestamp,
) -> Result<Vec<InvitationId>, StoreError> {
    let mut params: Vec<Value> = vec![org.into(), email_key.into(), now.into()];
    let mut of_maker = "";
    if let Some(maker) = created_by {
        params.push(maker.to_stored().into());
        of_maker = " AND created_by = $4";
    }
    let sql = format!(
        "UPDATE invitation SET withdrawn_at = $3 WHERE org_id = $1 AND email_key = $2 AND accepted_at IS NULL \
         AND withdrawn_at IS NULL AND expires_at > $3{of_maker} RETURNING id"
    );
    let rows = tx.query(sql, &params).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Marks an invitation as accepted; false when somebody was faster, or it was taken back.
///
/// # Errors
/// Those of the store.
pub async fn accept(tx: &mut Tx, id: InvitationId, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE invitation SET accepted_at = $2 WHERE id = $1 AND accepted_at IS NULL AND withdrawn_at IS NULL";
    Ok(tx.execute(sql, &[id.into(), now.into()]).await? == 1)
}

/// `<number of the team>:<role>`, parted by spaces.
fn teams_text(teams: &[Membership]) -> String {
    let words: Vec<String> = teams
        .iter()
        .map(|membership| format!("{}:{}", membership.team.get(), membership.role.as_str()))
        .collect();
    words.join(" ")
}

/// Reads what [`teams_text`] wrote. A role of a later version is left out: it has no power.
fn teams_of(text: &str) -> Result<Vec<Membership>, StoreError> {
    let mut teams = Vec::new();
    for word in text.split_ascii_whitespace() {
        let broken = || StoreError::internal("an invitation names a team in another form");
        let (number, role) = word.split_once(':').ok_or_else(broken)?;
        let team = TeamId::from_i64(number.parse().map_err(|_| broken())?);
        teams.extend(TeamRole::from_stored(role).map(|role| Membership { team, role }));
    }
    Ok(teams)
}

fn read(row: &Row<'_>) -> Result<Invitation, StoreError> {
    let (role, teams): (&str, &str) = (row.get(3)?, row.get(4)?);
    Ok(Invitation {
        id: row.get(0)?,
        org: row.get(1)?,
        email: row.get(2)?,
        role: Role::from_stored(role).ok_or_else(|| StoreError::internal("unknown role"))?,
        teams: teams_of(teams)?,
        created_by: Principal::from_stored(row.get(5)?),
        created_at: row.get(6)?,
        expires_at: row.get(7)?,
        accepted_at: row.get(8)?,
        withdrawn_at: row.get(9)?,
    })
}

/// Withdraws every open invitation.
///
/// # Errors
/// Those of the store.
pub async fn withdraw_all(tx: &mut Tx, now: Timestamp) -> Result<u64, StoreError> {
    let sql = "UPDATE invitation SET withdrawn_at = $1 WHERE accepted_at IS NULL AND withdrawn_at IS NULL";
    tx.execute(sql, &[now.into()]).await
}
