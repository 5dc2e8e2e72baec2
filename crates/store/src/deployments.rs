//! Reported deployments.

use claviger_domain::authority::Reach;
use claviger_domain::deployment::{Deployment, DeploymentResult, NewDeployment};
use claviger_domain::name::Label;
use claviger_domain::owner::Principal;
use claviger_domain::{DeploymentId, OrgId};

use crate::dialect::numbers;
use crate::{Row, StoreError, Tx, Value};

const COLUMNS: &str = "id, org_id, service, version, ref, environment, started_at, finished_at, result, reported_by, created_at";

/// Which deployments to list; the newest report first.
#[derive(Debug, Clone)]
pub struct DeploymentFilter {
    /// The tenant.
    pub org: OrgId,
    /// Only services that all of these reach; everything twice = also those that nobody registered.
    pub within: [Reach; 2],
    /// Only this service.
    pub service: Option<String>,
    /// Only this environment.
    pub environment: Option<String>,
    /// Only this result.
    pub result: Option<&'static str>,
    /// Only reports older than this one.
    pub before: Option<DeploymentId>,
    /// At most so many.
    pub limit: u32,
}

/// Keeps a report.
///
/// # Errors
/// Those of the store.
pub async fn insert(tx: &mut Tx, deployment: &Deployment) -> Result<(), StoreError> {
    let sql = "INSERT INTO deployment (id, org_id, service, version, ref, environment, started_at, finished_at, result, \
               reported_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let report = &deployment.report;
    let params = [
        deployment.id.into(),
        deployment.org.into(),
        report.service.as_str().into(),
        report.version.as_str().into(),
        report.reference.as_ref().map(Label::as_str).into(),
        report.environment.as_str().into(),
        report.started_at.into(),
        report.finished_at.into(),
        report.result.as_str().into(),
        deployment.reported_by.to_stored().into(),
        deployment.created_at.into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// A page of reports.
///
/// # Errors
/// Those of the store.
pub async fn list(tx: &mut Tx, filter: &DeploymentFilter) -> Result<Vec<Deployment>, StoreError> {
    let mut sql = format!("SELECT {COLUMNS} FROM deployment WHERE org_id = $1");
    let mut params: Vec<Value> = vec![filter.org.into()];
    let conditions = [
        ("service =", filter.service.as_ref().map(Value::from)),
        ("environment =", filter.environment.as_ref().map(Value::from)),
        ("result =", filter.result.map(Value::from)),
        ("id <", filter.before.map(Value::from)),
    ];
    for (condition, value) in conditions {
        if let Some(value) = value {
            params.push(value);
            sql.push_str(&format!(" AND {condition} ${}", params.len()));
        }
    }
    for reach in &filter.within {
        if let Reach::Parts { teams, services } = reach {
            params.push(numbers(teams.iter().map(|team| team.get())).into());
            params.push(numbers(services.iter().map(|service| service.get())).into());
            let (teams, services) = (params.len() - 1, params.len());
            sql.push_str(&format!(
                " AND service IN (SELECT name FROM service WHERE org_id = $1 \
                 AND (team_id IN {{numbers:${teams}}} OR id IN {{numbers:${services}}}))"
            ));
        }
    }
    params.push(filter.limit.into());
    sql.push_str(&format!(" ORDER BY id DESC LIMIT ${}", params.len()));
    tx.query(sql, &params).await?.iter().map(read).collect()
}

fn read(row: &Row<'_>) -> Result<Deployment, StoreError> {
    let label = |index: usize| {
        let text: String = row.get(index)?;
        Label::parse("column", &text).map_err(StoreError::internal)
    };
    let reference: Option<String> = row.get(4)?;
    let result: String = row.get(8)?;
    Ok(Deployment {
        id: row.get(0)?,
        org: row.get(1)?,
        report: NewDeployment {
            service: label(2)?,
            version: label(3)?,
            reference: reference
                .map(|text| Label::parse("column", &text))
                .transpose()
                .map_err(StoreError::internal)?,
            environment: label(5)?,
            started_at: row.get(6)?,
            finished_at: row.get(7)?,
            result: DeploymentResult::from_stored(&result)
                .ok_or_else(|| StoreError::internal("unknown result"))?,
        },
        reported_by: Principal::from_stored(row.get(9)?),
        created_at: row.get(10)?,
    })
}
