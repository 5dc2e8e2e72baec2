//! `POST /v1/deployments`

use axum::extract::State;
use axum::response::Response;
use claviger_api::deployments::{Deployment, DeploymentResult, ReportDeployment};
use claviger_domain::Timestamp;
use claviger_domain::deployment::{DEFAULT_ENVIRONMENT, NewDeployment};
use claviger_domain::name::Label;
use http::StatusCode;

use super::wire;
use crate::app::App;
use crate::fields::{Fields, instant, optional};
use crate::guard::{Permit, scope};
use crate::idempotency::{Idempotent, answer};
use crate::openapi::{GuardedBody, IdempotencyHeader};
use crate::problem::Problem;

/// Report a deployment
///
/// Says that a version of a service was put into an environment. With an `Idempotency-Key`, the same call within 24 hours is answered with
/// the first report instead of a second one. A sender that can only be given an address may present a token that was made for it
/// (`allow_query`) as `?token=`.
#[utoipa::path(
    post,
    path = "/v1/deployments",
    tag = "deployments",
    security(("token" = ["deployments:write"])),
    params(IdempotencyHeader),
    request_body = ReportDeployment,
    responses(
        (status = 201, description = "The report as it is kept.", body = Deployment),
        (status = 404, description = "`service_not_found`: there is none of that name that the calling token may know of", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`idempotency_in_flight`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency_key_reused`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
    ),
)]
pub(crate) async fn report_deployment(
    permit: Permit<scope::Ingest<scope::DeploymentsWrite>>,
    State(app): State<App>,
    request: Idempotent<ReportDeployment>,
) -> Result<Response, Problem> {
    let report = parsed(&request.body, permit.context.now())?;
    let once = request.once(wire::rendered);
    let reply = app
        .service()
        .report_deployment(&permit.context, report, once)
        .await?;
    Ok(answer(StatusCode::CREATED, reply, wire::rendered))
}

fn parsed(body: &ReportDeployment, now: Timestamp) -> Result<NewDeployment, Problem> {
    let mut fields = Fields::default();
    let service = fields.take(Label::parse("service", &body.service));
    let version = fields.take(Label::parse("version", &body.version));
    let reference = fields.take(optional("ref", body.reference.as_deref(), Label::parse));
    let environment = body.environment.as_deref().unwrap_or(DEFAULT_ENVIRONMENT);
    let environment = fields.take(Label::parse("environment", environment));
    let started_at = fields.take(optional("started_at", body.started_at.as_deref(), instant));
    let finished_at = fields.take(optional("finished_at", body.finished_at.as_deref(), instant));
    let texts = (service, version, reference, environment);
    let (
        (Some(service), Some(version), Some(reference), Some(environment)),
        Some(started_at),
        Some(finished_at),
    ) = (texts, started_at, finished_at)
    else {
        return Err(fields.refused());
    };
    Ok(NewDeployment {
        service,
        version,
        reference,
        environment,
        started_at,
        finished_at: finished_at.unwrap_or(now),
        result: wire::result(body.result.unwrap_or(DeploymentResult::Succeeded)),
    })
}
