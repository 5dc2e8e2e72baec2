//! `POST /v1/stages`

use axum::extract::State;
use axum::response::Response;
use claviger_api::stages::{CreateStage, Stage};
use claviger_domain::name::Label;
use claviger_domain::stage::NewStage;
use http::StatusCode;

use super::wire;
use crate::app::App;
use crate::fields::{Fields, id};
use crate::guard::{Permit, scope};
use crate::idempotency::{Idempotent, answer};
use crate::openapi::{GuardedBody, IdempotencyHeader};
use crate::problem::Problem;

/// Create a stage
///
/// Puts a step into the order of a release; the stages from its place on move one place on. It takes a token that reaches the whole
/// organization. With an `Idempotency-Key`, the same call within 24 hours is answered with the first stage.
#[utoipa::path(
    post,
    path = "/v1/stages",
    tag = "environments",
    security(("token" = ["environments:write"])),
    params(IdempotencyHeader),
    request_body = CreateStage,
    responses(
        (status = 201, description = "The stage.", body = Stage),
        (status = 404, description = "`environment_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`stage_name_taken`, `stage_limit_reached`, `idempotency_in_flight`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency_key_reused`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
    ),
)]
pub(crate) async fn create_stage(
    permit: Permit<scope::EnvironmentsWrite>,
    State(app): State<App>,
    request: Idempotent<CreateStage>,
) -> Result<Response, Problem> {
    let new = parsed(&request.body)?;
    let once = request.once(wire::rendered);
    let reply = app.service().create_stage(&permit.context, new, once).await?;
    Ok(answer(StatusCode::CREATED, reply, wire::rendered))
}

fn parsed(body: &CreateStage) -> Result<NewStage, Problem> {
    let mut fields = Fields::default();
    let name = fields.take(Label::parse("name", &body.name));
    let environment = fields.take(id("environment", &body.environment));
    let (Some(name), Some(environment)) = (name, environment) else {
        return Err(fields.refused());
    };
    Ok(NewStage {
        name,
        environment,
        position: body.position,
    })
}
