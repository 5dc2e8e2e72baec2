//! `POST /v1/teams`

use axum::extract::State;
use axum::response::Response;
use claviger_api::teams::{CreateTeam, Team};
use claviger_domain::name::{Description, Label};
use claviger_domain::team::NewTeam;
use http::StatusCode;

use super::wire;
use crate::app::App;
use crate::fields::{Fields, optional};
use crate::guard::{Permit, scope};
use crate::idempotency::{Idempotent, answer};
use crate::openapi::{GuardedBody, IdempotencyHeader};
use crate::problem::Problem;

/// Create a team
///
/// Makes a team without members. It takes a token that reaches the whole organization. With an `Idempotency-Key`, the same call within 24
/// hours is answered with the first team.
#[utoipa::path(
    post,
    path = "/v1/teams",
    tag = "teams",
    security(("token" = ["teams:write"])),
    params(IdempotencyHeader),
    request_body = CreateTeam,
    responses(
        (status = 201, description = "The team.", body = Team),
        (status = 409, description = "`team_name_taken`, `team_limit_reached`, `idempotency_in_flight`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency_key_reused`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
    ),
)]
pub(crate) async fn create_team(
    permit: Permit<scope::TeamsWrite>,
    State(app): State<App>,
    request: Idempotent<CreateTeam>,
) -> Result<Response, Problem> {
    let new = parsed(&request.body)?;
    let once = request.once(wire::rendered);
    let reply = app.service().create_team(&permit.context, new, once).await?;
    Ok(answer(StatusCode::CREATED, reply, wire::rendered))
}

fn parsed(body: &CreateTeam) -> Result<NewTeam, Problem> {
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
    Ok(NewTeam {
        name,
        description: description.unwrap_or_default(),
    })
}
