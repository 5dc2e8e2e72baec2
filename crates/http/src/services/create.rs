//! `POST /v1/services`

use axum::extract::State;
use axum::response::Response;
use claviger_api::services::{CreateService, Service};
use claviger_domain::name::{Description, Label};
use claviger_domain::service::NewService;
use http::StatusCode;

use super::wire;
use crate::app::App;
use crate::fields::{Fields, id, optional};
use crate::guard::{Permit, scope};
use crate::idempotency::{Idempotent, answer};
use crate::openapi::{GuardedBody, IdempotencyHeader};
use crate::problem::Problem;

/// Create a service
///
/// Makes a service of a team. With an `Idempotency-Key`, the same call within 24 hours is answered with the first service.
#[utoipa::path(
    post,
    path = "/v1/services",
    tag = "services",
    security(("token" = ["services:write"])),
    params(IdempotencyHeader),
    request_body = CreateService,
    responses(
        (status = 201, description = "The service.", body = Service),
        (status = 404, description = "`team_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`service_name_taken`, `service_limit_reached`, `idempotency_in_flight`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency_key_reused`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
    ),
)]
pub(crate) async fn create_service(
    permit: Permit<scope::ServicesWrite>,
    State(app): State<App>,
    request: Idempotent<CreateService>,
) -> Result<Response, Problem> {
    let new = parsed(&request.body)?;
    let once = request.once(wire::rendered);
    let reply = app.service().create_service(&permit.context, new, once).await?;
    Ok(answer(StatusCode::CREATED, reply, wire::rendered))
}

fn parsed(body: &CreateService) -> Result<NewService, Problem> {
    let mut fields = Fields::default();
    let name = fields.take(Label::parse("name", &body.name));
    let team = fields.take(id("team", &body.team));
    let description = fields.take(optional(
        "description",
        body.description.as_deref(),
        Description::parse,
    ));
    let (Some(name), Some(team), Some(description)) = (name, team, description) else {
        return Err(fields.refused());
    };
    Ok(NewService {
        name,
        team,
        description: description.unwrap_or_default(),
    })
}
