//! People: their accounts. Passwords are in [`crate::passwords`], invitations in [`crate::invitations`].

use claviger_domain::owner::TeamRole;
use claviger_domain::person::PersonTeam;
use claviger_domain::resource::Word;
use claviger_domain::{OrgId, Timestamp, UserId};

use crate::dialect::{numbers, prefix_end};
use crate::roles::mention;
use crate::{Row, StoreError, Tx, Value};

const COLUMNS: &str =
    "id, org_id, email, email_key, name, name_key, role, created_at, deactivated_at, rate_limit, roles";

/// A person, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// The handle.
    pub id: UserId,
    /// The organization.
    pub org: OrgId,
    /// The address as it was given.
    pub email: String,
    /// Its normal form, unique in the organization.
    pub email_key: String,
    /// The name; `None` until somebody says it.
    pub name: Option<String>,
    /// Its normal form.
    pub name_key: Option<String>,
    /// The role's text.
    pub role: String,
    /// The assignments of roles on resources as JSON; `None` = none.
    pub roles: Option<String>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it was deactivated.
    pub deactivated_at: Option<Timestamp>,
    /// How often all of its tokens together are accepted, as JSON; `None` = as often as they like.
    pub rate_limit: Option<String>,
}

/// Which people to list; the oldest account first.
#[derive(Debug, Clone)]
pub struct UserFilter {
    /// The tenant.
    pub org: OrgId,
    /// Only this role.
    pub role: Option<&'static str>,
    /// Only those who may act, or only those who may not.
    pub active: Option<bool>,
    /// Only addresses or names whose normal form begins so.
    pub key_prefix: Option<String>,
    /// Only accounts made after this one.
    pub after: Option<UserId>,
    /// At most so many.
    pub limit: u32,
}

/// Keeps a new person.
///
/// # Errors
/// [`StoreError::Conflict`] for an address that is taken; those of the store.
pub async fn insert(tx: &mut Tx, user: &UserRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO user_account (id, org_id, email, email_key, name, name_key, role, created_at, deactivated_at, rate_limit, roles) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let params = [
        user.id.into(),
        user.org.into(),
        (&user.email).into(),
        (&user.email_key).into(),
        user.name.as_ref().into(),
        user.name_key.as_ref().into(),
        (&user.role).into(),
        user.created_at.into(),
        user.deactivated_at.into(),
        user.rate_limit.as_ref().into(),
        user.roles.as_ref().into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// Writes what can change of a person: name, role, deactivation, rate limit.
///
/// # Errors
/// Those of the store.
pub async fn update(tx: &mut Tx, user: &UserRow) -> Result<(), StoreError> {
    let sql = "UPDATE user_account SET name = $2, name_key = $3, role = $4, deactivated_at = $5, rate_limit = $6, roles = $7 WHERE id = $1";
    let params = [
        user.id.into(),
        user.name.as_ref().into(),
        user.name_key.as_ref().into(),
        (&user.role).into(),
        user.deactivated_at.into(),
        user.rate_limit.as_ref().into(),
        user.roles.as_ref().into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// How many there are.
///
/// # Errors
/// Those of the store.
pub async fn count(tx: &mut Tx) -> Result<u64, StoreError> {
    match tx.query_opt("SELECT COUNT(*) FROM user_account", &[]).await? {
        Some(row) => row.get(0),
        None => Ok(0),
    }
}

/// How many active people of the organization, `except` one, have this role.
///
/// # Errors
/// Those of the store.
pub async fn others_with_role(
    tx: &mut Tx,
    org: OrgId,
    role: &str,
    except: UserId,
) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) FROM user_account WHERE org_id = $1 AND role = $2 AND id <> $3 AND deactivated_at IS NULL";
    let params = [org.into(), role.into(), except.into()];
    match tx.query_opt(sql, &params).await? {
        Some(row) => row.get(0),
        None => Ok(0),
    }
}

/// The people who may have an assignment of the role.
///
/// # Errors
/// Those of the store.
pub async fn with_role(tx: &mut Tx, org: OrgId, role: &Word) -> Result<Vec<UserId>, StoreError> {
    let sql = "SELECT id FROM user_account WHERE org_id = $1 AND roles LIKE $2 ESCAPE '!'";
    let rows = tx.query(sql, &[org.into(), mention(role).into()]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// The person `id`, of whatever organization.
///
/// # Errors
/// Those of the store.
pub async fn by_id(tx: &mut Tx, id: UserId) -> Result<Option<UserRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM user_account WHERE id = $1");
    let row = tx.query_opt(sql, &[id.into()]).await?;
    row.as_ref().map(read).transpose()
}

/// The person with this normal form of an address; the oldest when several organizations have one.
///
/// # Errors
/// Those of the store.
pub async fn by_email_key(tx: &mut Tx, email_key: &str) -> Result<Option<UserRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM user_account WHERE email_key = $1 ORDER BY id LIMIT 1");
    tx.query_opt(sql, &[email_key.into()])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// True when the organization has a person with this normal form of an address, also one who may not act.
///
/// # Errors
/// Those of the store.
pub async fn email_is_taken(tx: &mut Tx, org: OrgId, email_key: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM user_account WHERE org_id = $1 AND email_key = $2";
    let row = tx.query_opt(sql, &[org.into(), email_key.into()]).await?;
    Ok(row.is_some())
}

/// A page of people.
///
/// # Errors
/// Those of the store.
pub async fn list(tx: &mut Tx, filter: &UserFilter) -> Result<Vec<UserRow>, StoreError> {
    let mut sql = format!("SELECT {COLUMNS} FROM user_account WHERE org_id = $1");
    let mut params: Vec<Value> = vec![filter.org.into()];
    let conditions = [
        ("role =", filter.role.map(Value::from)),
        ("id >", filter.after.map(Value::from)),
    ];
    for (condition, value) in conditions {
        if let Some(value) = value {
            params.push(value);
            sql.push_str(&format!(" AND {condition} ${}", params.len()));
        }
    }
    match filter.active {
        Some(true) => sql.push_str(" AND deactivated_at IS NULL"),
        Some(false) => sql.push_str(" AND deactivated_at IS NOT NULL"),
        None => {}
    }
    if let Some(prefix) = &filter.key_prefix {
        params.push(prefix.into());
        let from = params.len();
        let end = prefix_end(prefix).map(|end| {
            params.push(end.into());
            params.len()
        });
        let begins = |column: &str| match end {
            Some(end) => format!("({column} >= ${from} AND {column} < ${end})"),
            None => format!("{column} >= ${from}"),
        };
        sql.push_str(&format!(
            " AND ({} OR {})",
            begins("email_key"),
            begins("name_key")
        ));
    }
    params.push(filter.limit.into());
    sql.push_str(&format!(" ORDER BY id LIMIT ${}", params.len()));
    tx.query(sql, &params).await?.iter().map(read).collect()
}

/// All of them, oldest first. For the start: there are few.
///
/// # Errors
/// Those of the store.
pub async fn all(tx: &mut Tx) -> Result<Vec<UserRow>, StoreError> {
    let rows = tx
        .query(format!("SELECT {COLUMNS} FROM user_account ORDER BY id"), &[])
        .await?;
    rows.iter().map(read).collect()
}

/// The teams of these people, each person's in the order of the teams' names. A role of a later version is left out: it has no power.
///
/// # Errors
/// Those of the store.
pub async fn teams_of(tx: &mut Tx, users: &[UserId]) -> Result<Vec<(UserId, PersonTeam)>, StoreError> {
    let sql = "SELECT team_member.user_id, team.id, team.name, team_member.role FROM team_member \
               JOIN team ON team.id = team_member.team_id WHERE team_member.user_id IN {numbers:$1} \
               ORDER BY team_member.user_id, team.name_key";
    let users = numbers(users.iter().map(|user| user.get()));
    let mut found = Vec::new();
    for row in tx.query(sql, &[users.into()]).await? {
        let role: &str = row.get(3)?;
        let Some(role) = TeamRole::from_stored(role) else {
            continue;
        };
        let (team, name) = (row.get(1)?, row.get(2)?);
        found.push((row.get(0)?, PersonTeam { team, name, role }));
    }
    Ok(found)
}

fn read(row: &Row<'_>) -> Result<UserRow, StoreError> {
    Ok(UserRow {
        id: row.get(0)?,
        org: row.get(1)?,
        email: row.get(2)?,
        email_key: row.get(3)?,
        name: row.get(4)?,
        name_key: row.get(5)?,
        role: row.get(6)?,
        created_at: row.get(7)?,
        deactivated_at: row.get(8)?,
        rate_limit: row.get(9)?,
        roles: row.get(10)?,
    })
}
