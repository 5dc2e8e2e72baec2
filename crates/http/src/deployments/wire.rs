//! Between the wire types of deployments and the domain's.

use claviger_api::deployments as api;
use claviger_domain::deployment::{Deployment, DeploymentResult};

use crate::idempotency::render;

/// A reported deployment.
pub(crate) fn deployment(deployment: &Deployment) -> api::Deployment {
    let report = &deployment.report;
    api::Deployment {
        id: deployment.id.to_string(),
        service: report.service.as_str().to_owned(),
        version: report.version.as_str().to_owned(),
        reference: report
            .reference
            .as_ref()
            .map(|reference| reference.as_str().to_owned()),
        environment: report.environment.as_str().to_owned(),
        started_at: report.started_at.map(|at| at.to_string()),
        finished_at: report.finished_at.to_string(),
        result: match report.result {
            DeploymentResult::Succeeded => api::DeploymentResult::Succeeded,
            DeploymentResult::Failed => api::DeploymentResult::Failed,
            DeploymentResult::RolledBack => api::DeploymentResult::RolledBack,
            DeploymentResult::Canceled => api::DeploymentResult::Canceled,
        },
        reported_by: deployment.reported_by.to_string(),
        created_at: deployment.created_at.to_string(),
    }
}

/// The same as bytes: an idempotent answer is kept as such.
pub(crate) fn rendered(reported: &Deployment) -> Vec<u8> {
    render(&deployment(reported))
}

/// The named result.
pub(crate) fn result(result: api::DeploymentResult) -> DeploymentResult {
    match result {
        api::DeploymentResult::Succeeded => DeploymentResult::Succeeded,
        api::DeploymentResult::Failed => DeploymentResult::Failed,
        api::DeploymentResult::RolledBack => DeploymentResult::RolledBack,
        api::DeploymentResult::Canceled => DeploymentResult::Canceled,
    }
}
