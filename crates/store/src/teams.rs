//! Teams, and who belongs to them.

use claviger_domain::authority::Reach;
use claviger_domain::name::{Description, Label};
use claviger_domain::owner::{Membership, TeamRole};
use claviger_domain::team::{Member, Team};
use claviger_domain::{OrgId, TeamId, Timestamp, UserId};

use crate::dialect::numbers;
use crate::named::{Conditions, NamePage, counted};
use crate::{Row, StoreError, Tx};

const COLUMNS: &str = "id, org_id, name, description, created_at, updated_at, \
                       (SELECT COUNT(*) FROM team_member WHERE team_member.team_id = team.id), \
                       (SELECT COUNT(*) FROM service WHERE service.team_id = team.id)";

/// Which teams to list, in the order of their names.
#[derive(Debug, Clone)]
pub struct TeamFilter {
    /// The tenant.
    pub org: OrgId,
    /// Only teams that are in each of these.
    pub within: [Reach; 2],
    /// Which part of the list.
    pub page: NamePage,
}

/// Keeps a new team.
///
/// # Errors
/// [`StoreError::Conflict`] for a name that is taken; those of the store.
pub async fn insert(tx: &mut Tx, team: &Team) -> Result<(), StoreError> {
    let sql = "INSERT INTO team (id, org_id, name, name_key, description, created_at, updated_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let params = [
        team.id.into(),
        team.org.into(),
        team.name.as_str().into(),
        team.name.key().into_string().into(),
        team.description.as_str().into(),
        team.created_at.into(),
        team.updated_at.into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// The team `id`, of whatever organization.
///
/// # Errors
/// Those of the store.
pub async fn by_id(tx: &mut Tx, id: TeamId) -> Result<Option<Team>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM team WHERE id = $1");
    let row = tx.query_opt(sql, &[id.into()]).await?;
    row.as_ref().map(read).transpose()
}

/// A page of teams.
///
/// # Errors
/// Those of the store.
pub async fn list(tx: &mut Tx, filter: &TeamFilter) -> Result<Vec<Team>, StoreError> {
    let mut conditions = Conditions::of(filter.org);
    for reach in &filter.within {
        if let Reach::Parts { teams, .. } = reach {
            let teams = conditions.param(numbers(teams.iter().map(|team| team.get())).into());
            conditions.and(&format!("id IN {{numbers:{teams}}}"));
        }
    }
    let (conditions, params) = conditions.page(&filter.page);
    let sql = format!("SELECT {COLUMNS} FROM team WHERE {conditions}");
    tx.query(sql, &params).await?.iter().map(read).collect()
}

/// How many teams the organization has.
///
/// # Errors
/// Those of the store.
pub async fn count(tx: &mut Tx, org: OrgId) -> Result<u64, StoreError> {
    counted(tx, "SELECT COUNT(*) FROM team WHERE org_id = $1", org.into()).await
}

/// Changes name and description.
///
/// # Errors
/// [`StoreError::Conflict`] for a name that is taken; those of the store.
pub async fn update(tx: &mut Tx, team: &Team) -> Result<(), StoreError> {
    let sql = "UPDATE team SET name = $2, name_key = $3, description = $4, updated_at = $5 WHERE id = $1";
    let params = [
        team.id.into(),
        team.name.as_str().into(),
        team.name.key().into_string().into(),
        team.description.as_str().into(),
        team.updated_at.into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// Drops a team with its memberships.
///
/// # Errors
/// [`StoreError::Conflict`] while something is the team's; those of the store.
pub async fn delete(tx: &mut Tx, id: TeamId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM team_member WHERE team_id = $1", &[id.into()])
        .await?;
    tx.execute("DELETE FROM team WHERE id = $1", &[id.into()])
        .await
        .map(|_| ())
}

/// What the person is in each of their teams.
///
/// # Errors
/// Those of the store.
pub async fn memberships_of(tx: &mut Tx, user: UserId) -> Result<Vec<Membership>, StoreError> {
    let sql = "SELECT team_id, role FROM team_member WHERE user_id = $1 ORDER BY team_id";
    let rows = tx.query(sql, &[user.into()]).await?;
    let found = rows.iter().map(|row| membership(row, 0));
    found.filter_map(Result::transpose).collect()
}

/// Every membership of everybody. For the start.
///
/// # Errors
/// Those of the store.
pub async fn all_memberships(tx: &mut Tx) -> Result<Vec<(UserId, Membership)>, StoreError> {
    let mut found = Vec::new();
    let sql = "SELECT user_id, team_id, role FROM team_member";
    tx.for_each(sql, &[], |row| {
        if let Some(membership) = membership(row, 1)? {
            found.push((row.get(0)?, membership));
        }
        Ok::<_, StoreError>(())
    })
    .await?;
    Ok(found)
}

/// Everybody who belongs to the team, in the order of their addresses.
///
/// # Errors
/// Those of the store.
pub async fn members(tx: &mut Tx, team: TeamId) -> Result<Vec<Member>, StoreError> {
    let sql = "SELECT user_id, email, team_member.role, since FROM team_member \
               JOIN user_account ON user_account.id = user_id WHERE team_id = $1 ORDER BY email_key";
    let rows = tx.query(sql, &[team.into()]).await?;
    let found = rows.iter().map(read_member);
    found.filter_map(Result::transpose).collect()
}

/// What the person is in the team, and since when; `None` when nothing.
///
/// # Errors
/// Those of the store.
pub async fn member(
    tx: &mut Tx,
    team: TeamId,
    user: UserId,
) -> Result<Option<(TeamRole, Timestamp)>, StoreError> {
    let sql = "SELECT role, since FROM team_member WHERE team_id = $1 AND user_id = $2";
    let Some(row) = tx.query_opt(sql, &[team.into(), user.into()]).await? else {
        return Ok(None);
    };
    let since = row.get(1)?;
    Ok(role(&row, 0)?.map(|role| (role, since)))
}

/// Makes the person a member since `now`, or changes their role.
///
/// # Errors
/// Those of the store.
pub async fn put_member(
    tx: &mut Tx,
    team: TeamId,
    user: UserId,
    role: TeamRole,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO team_member (team_id, user_id, role, since) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (team_id, user_id) DO UPDATE SET role = excluded.role";
    let params = [team.into(), user.into(), role.as_str().into(), now.into()];
    tx.execute(sql, &params).await.map(|_| ())
}

/// Ends a membership.
///
/// # Errors
/// Those of the store.
pub async fn remove_member(tx: &mut Tx, team: TeamId, user: UserId) -> Result<(), StoreError> {
    let sql = "DELETE FROM team_member WHERE team_id = $1 AND user_id = $2";
    tx.execute(sql, &[team.into(), user.into()]).await.map(|_| ())
}

/// The membership whose team is in the column at `index` and whose role is in the next one; `None` for a role of a later version,
/// which has no power.
fn membership(row: &Row<'_>, index: usize) -> Result<Option<Membership>, StoreError> {
    let team = row.get(index)?;
    Ok(role(row, index + 1)?.map(|role| Membership { team, role }))
}

fn role(row: &Row<'_>, index: usize) -> Result<Option<TeamRole>, StoreError> {
    let text: &str = row.get(index)?;
    Ok(TeamRole::from_stored(text))
}

fn read(row: &Row<'_>) -> Result<Team, StoreError> {
    let (name, description): (&str, &str) = (row.get(2)?, row.get(3)?);
    Ok(Team {
        id: row.get(0)?,
        org: row.get(1)?,
        name: Label::parse("name", name).map_err(StoreError::internal)?,
        description: Description::parse("description", description).map_err(StoreError::internal)?,
        members: row.get(6)?,
        services: row.get(7)?,
        created_at: row.get(4)?,
        updated_at: row.get(5)?,
    })
}

fn read_member(row: &Row<'_>) -> Result<Option<Member>, StoreError> {
    let Some(role) = role(row, 2)? else {
        return Ok(None);
    };
    Ok(Some(Member {
        user: row.get(0)?,
        email: row.get(1)?,
        role,
        since: row.get(3)?,
    }))
}
