//! Services.

use claviger_domain::authority::Reach;
use claviger_domain::name::{Description, Label};
use claviger_domain::service::Service;
use claviger_domain::{OrgId, ServiceId, TeamId};

use crate::dialect::numbers;
use crate::named::{Conditions, NamePage, counted};
use crate::{Row, StoreError, Tx};

const COLUMNS: &str = "id, org_id, team_id, name, description, created_at, updated_at";

/// Which services to list, in the order of their names.
#[derive(Debug, Clone)]
pub struct ServiceFilter {
    /// The tenant.
    pub org: OrgId,
    /// Only services that are in each of these.
    pub within: [Reach; 2],
    /// Only services of this team.
    pub team: Option<TeamId>,
    /// Which part of the list.
    pub page: NamePage,
}

/// Keeps a new service.
///
/// # Errors
/// [`StoreError::Conflict`] for a name that is taken; those of the store.
pub async fn insert(tx: &mut Tx, service: &Service) -> Result<(), StoreError> {
    let sql = "INSERT INTO service (id, org_id, team_id, name, name_key, description, created_at, updated_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let params = [
        service.id.into(),
        service.org.into(),
        service.team.into(),
        service.name.as_str().into(),
        service.name.key().into_string().into(),
        service.description.as_str().into(),
        service.created_at.into(),
        service.updated_at.into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// The service `id`, of whatever organization.
///
/// # Errors
/// Those of the store.
pub async fn by_id(tx: &mut Tx, id: ServiceId) -> Result<Option<Service>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM service WHERE id = $1");
    let row = tx.query_opt(sql, &[id.into()]).await?;
    row.as_ref().map(read).transpose()
}

/// The service of that name, by its normal form.
///
/// # Errors
/// Those of the store.
pub async fn by_name_key(tx: &mut Tx, org: OrgId, key: &str) -> Result<Option<Service>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM service WHERE org_id = $1 AND name_key = $2");
    let row = tx.query_opt(sql, &[org.into(), key.into()]).await?;
    row.as_ref().map(read).transpose()
}

/// A page of services.
///
/// # Errors
/// Those of the store.
pub async fn list(tx: &mut Tx, filter: &ServiceFilter) -> Result<Vec<Service>, StoreError> {
    let mut conditions = Conditions::of(filter.org);
    for reach in &filter.within {
        if let Reach::Parts { teams, services } = reach {
            let teams = conditions.param(numbers(teams.iter().map(|team| team.get())).into());
            let services = conditions.param(numbers(services.iter().map(|service| service.get())).into());
            conditions.and(&format!(
                "(team_id IN {{numbers:{teams}}} OR id IN {{numbers:{services}}})"
            ));
        }
    }
    if let Some(team) = filter.team {
        let team = conditions.param(team.into());
        conditions.and(&format!("team_id = {team}"));
    }
    let (conditions, params) = conditions.page(&filter.page);
    let sql = format!("SELECT {COLUMNS} FROM service WHERE {conditions}");
    tx.query(sql, &params).await?.iter().map(read).collect()
}

/// The team of every service there is. For the start.
///
/// # Errors
/// Those of the store.
pub async fn teams_of_all(tx: &mut Tx) -> Result<Vec<(ServiceId, TeamId)>, StoreError> {
    let mut found = Vec::new();
    tx.for_each("SELECT id, team_id FROM service", &[], |row| {
        found.push((row.get(0)?, row.get(1)?));
        Ok::<_, StoreError>(())
    })
    .await?;
    Ok(found)
}

/// How many services the organization has.
///
/// # Errors
/// Those of the store.
pub async fn count(tx: &mut Tx, org: OrgId) -> Result<u64, StoreError> {
    counted(tx, "SELECT COUNT(*) FROM service WHERE org_id = $1", org.into()).await
}

/// Changes name, description and team.
///
/// # Errors
/// [`StoreError::Conflict`] for a name that is taken; those of the store.
pub async fn update(tx: &mut Tx, service: &Service) -> Result<(), StoreError> {
    let sql = "UPDATE service SET team_id = $2, name = $3, name_key = $4, description = $5, updated_at = $6 WHERE id = $1";
    let params = [
        service.id.into(),
        service.team.into(),
        service.name.as_str().into(),
        service.name.key().into_string().into(),
        service.description.as_str().into(),
        service.updated_at.into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// Drops a service.
///
/// # Errors
/// [`StoreError::Conflict`] while something is the service's; those of the store.
pub async fn delete(tx: &mut Tx, id: ServiceId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM service WHERE id = $1", &[id.into()])
        .await
        .map(|_| ())
}

fn read(row: &Row<'_>) -> Result<Service, StoreError> {
    let (name, description): (&str, &str) = (row.get(3)?, row.get(4)?);
    Ok(Service {
        id: row.get(0)?,
        org: row.get(1)?,
        team: row.get(2)?,
        name: Label::parse("name", name).map_err(StoreError::internal)?,
        description: Description::parse("description", description).map_err(StoreError::internal)?,
        created_at: row.get(5)?,
        updated_at: row.get(6)?,
    })
}
