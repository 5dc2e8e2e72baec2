//! `POST /v1/environments`

use axum::extract::State;
use axum::response::Response;
use claviger_api::environments::{CreateEnvironment, Environment};
use claviger_domain::environment::NewEnvironment;
use claviger_domain::name::{Description, Label};
use http::StatusCode;

use super::wire;
use crate::app::App;
use crate::fields::{Fields, optional};
use crate::guard::{Permit, scope};
use crate::idempotency::{Idempotent, answer};
use crate::openapi::{GuardedBody, IdempotencyHeader};
use crate::problem::Problem;

/// Create an environment
///
/// It takes a token that reaches the whole organization. With an `Idempotency-Key`, the same call within 24 hours is answered with the
/// first environment.
#[utoipa::path(
    post,
    path = "/v1/environments",
    tag = "environments",
    security(("token" = ["environments:write"])),
    params(IdempotencyHeader),
    request_body = CreateEnvironment,
    responses(
        (status = 201, description = "The environment.", body = Environment),
        (status = 409, description = "`environment_name_taken`, `environment_limit_reached`, `idempotency_in_flight`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency_key_reused`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
    ),
)]
pub(crate) async fn create_environment(
    permit: Permit<scope::EnvironmentsWrite>,
    State(app): State<App>,
    request: Idempotent<CreateEnvironment>,
) -> Result<Response, Problem> {
    let new = parsed(&request.body)?;
    let once = request.once(wire::rendered);
    let reply = app
        .service()
        .create_environment(&permit.context, new, once)
        .await?;
    Ok(answer(StatusCode::CREATED, reply, wire::rendered))
}

fn parsed(body: &CreateEnvironment) -> Result<NewEnvironment, Problem> {
    let mut fields = Fields::default();
    let name = fields.take(Label::parse("name", &body.name));
    let description = fields.take(optional(
        "description",
        body.description.as_deref(),
        Description::parse,
    ));
    let (Some(name), Some(description)) = (name, description) else {
        return Err(fields.refused());
    };
    Ok(NewEnvironment::new(
        name,
        body.production,
        description.unwrap_or_default(),
    ))
}
