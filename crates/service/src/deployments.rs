//! Deployments: report and list.

use claviger_domain::DeploymentId;
use claviger_domain::audit::Action;
use claviger_domain::deployment::{Deployment, DeploymentResult, NewDeployment};
use claviger_domain::name::Label;
use claviger_store::{Tx, deployments as rows};
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
    /// `Invalid` when its times contradict each other; those of an Idempotency-Key; those of the store.
    pub async fn report_deployment(
        &self,
        ctx: &Context,
        report: NewDeployment,
        once: Option<Once<Deployment>>,
    ) -> Result<Reply<Deployment>> {
        report.check(ctx.now())?;
        let claim = self.claim(ctx, once)?;
        let deployment = Deployment {
            id: DeploymentId::from_i64(self.0.ids.next(ctx.now())),
            org: ctx.org(),
            report,
            reported_by: ctx.caller.token,
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
