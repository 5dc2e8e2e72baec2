//! Deployments: report and list.

use claviger_domain::audit::Action;
use claviger_domain::authority::Place;
use claviger_domain::deployment::{Deployment, DeploymentResult, NewDeployment};
use claviger_domain::name::{Label, NameKey};
use claviger_domain::owner::Principal;
use claviger_domain::{DeploymentId, Scope};
use claviger_store::{Tx, deployments as rows, environments, services};
use serde_json::json;

use crate::audit::Record;
use crate::error::{Error, Result};
use crate::idempotency::{Once, Reply};
use crate::{Context, Service, cursor};

/// Which deployments to list; the newest report first.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only this service.
    pub service: Option<Label>,
    /// Only this environment.
    pub environment: Option<Label>,
    /// Only this result.
    pub result: Option<DeploymentResult>,
}

impl Service {
    /// Keeps a reported deployment.
    ///
    /// # Errors
    /// `Invalid` when its times contradict each other; `service` not found and `out_of_reach` for a service or environment that the
    /// caller does not reach; those of an Idempotency-Key; those of the store.
    pub async fn report_deployment(
        &self,
        ctx: &Context,
        report: NewDeployment,
        once: Option<Once<Deployment>>,
    ) -> Result<Reply<Deployment>> {
        report.check(ctx.now())?;
        let claim = self.claim(ctx, once)?;
        let mut deployment = Deployment {
            id: DeploymentId::from_i64(self.0.ids.next(ctx.now())),
            org: ctx.org(),
            report,
            reported_by: reporter(ctx),
            created_at: ctx.now(),
        };
        let service = self.clone();
        let ctx = ctx.clone();
        let reply = self.0.store.write(async move |tx: &mut Tx| {
            if let Some(claim) = &claim
                && let Some(earlier) = claim.earlier(tx, &service, ctx.now()).await?
            {
                return Ok(earlier);
            }
            settle(tx, &ctx, &mut deployment.report).await?;
            rows::insert(tx, &deployment).await?;
            let report = &deployment.report;
            let detail = json!({
                "service": report.service.as_str(),
                "version": report.version.as_str(),
                "environment": report.environment.as_str(),
                "result": report.result.as_str(),
            });
            let record = Record {
                action: Action::DeploymentReported,
                subject: deployment.id.to_string(),
                detail,
            };
            service.record(tx, &ctx.by(), vec![record]).await?;
            if let Some(claim) = &claim {
                claim.keep(tx, &service, &deployment, ctx.now(), None).await?;
            }
            Ok::<_, Error>(Reply::Fresh(deployment))
        });
        reply.await
    }

    /// A page of the deployments of the caller's organization, and the cursor of the next.
    ///
    /// # Errors
    /// `Invalid` for a cursor of another list; those of the store.
    pub async fn list_deployments(
        &self,
        ctx: &Context,
        filter: &Filter,
        limit: u32,
        after: Option<&str>,
    ) -> Result<(Vec<Deployment>, Option<String>)> {
        let described = format!("{filter:?}{}", ctx.org());
        let before = match after {
            Some(text) => Some(
                cursor::read(&self.0.keys, &described, text)?
                    .parse()
                    .map_err(Error::internal)?,
            ),
            None => None,
        };
        let query = rows::DeploymentFilter {
            org: ctx.org(),
            within: ctx.caller.power.reach(Scope::DeploymentsRead),
            service: filter.service.as_ref().map(|service| service.as_str().to_owned()),
            environment: filter
                .environment
                .as_ref()
                .map(|environment| environment.as_str().to_owned()),
            result: filter.result.map(DeploymentResult::as_str),
            before,
            limit: limit + 1,
        };
        let mut found = self
            .0
            .store
            .read(async move |tx: &mut Tx| rows::list(tx, &query).await)
            .await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next = found
            .last()
            .filter(|_| more)
            .map(|last| cursor::write(&self.0.keys, &described, &last.id.to_string()));
        Ok((found, next))
    }
}

/// The token, a person's too, so that it is known which of theirs reported; or the person who is signed in.
fn reporter(ctx: &Context) -> Principal {
    ctx.caller
        .token()
        .map_or_else(|| ctx.caller.principal(), Principal::Token)
}

/// Finds the service and the environment that a report names, writes their names as they were registered, and shows that the caller
/// may report there. What nobody registered belongs to no team: only whoever may report everywhere may report it.
///
/// # Errors
/// `service` not found when the caller may not know of it; `out_of_reach`.
async fn settle(tx: &mut Tx, ctx: &Context, report: &mut NewDeployment) -> Result<()> {
    let key = |name: &Label| NameKey::of(name.as_str()).into_string();
    let service = services::by_name_key(tx, ctx.org(), &key(&report.service)).await?;
    let environment = environments::by_name_key(tx, ctx.org(), &key(&report.environment)).await?;
    let place = match &service {
        Some(service) => Place::service(service.team, service.id),
        None => Place::ORGANIZATION,
    };
    let at = environment
        .as_ref()
        .map_or(place, |environment| place.within(environment.id));
    if !ctx.may(Scope::DeploymentsWrite, &at) {
        let is_known = service.is_some()
            && (ctx.may(Scope::ServicesRead, &place) || ctx.may(Scope::DeploymentsWrite, &place));
        return match is_known {
            true => ctx.require(Scope::DeploymentsWrite, &at),
            false => Err(Error::not_found("service")),
        };
    }
    if let Some(service) = service {
        report.service = service.name;
    }
    if let Some(environment) = environment {
        report.environment = environment.name;
    }
    Ok(())
}
