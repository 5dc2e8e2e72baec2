//! `POST /v1/explain`

use axum::extract::State;
use claviger_api::explain::{Explain, Explanation, Obstacle};
use claviger_domain::{FieldError, Scope};
use claviger_service::explain::Question;

use crate::app::App;
use crate::fields::{Fields, address, id, optional};
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::GuardedBody;
use crate::problem::Problem;

/// Explain a decision
///
/// Says whether a token, named by its id, may do something somewhere, and everything that stands in the way. The token is not used
/// by it. You may ask about tokens that you may see.
#[utoipa::path(
    post,
    path = "/v1/explain",
    tag = "tokens",
    security(("token" = ["tokens:read"])),
    request_body = Explain,
    responses(
        (status = 200, description = "What would be decided, and why.", body = Explanation),
        (status = 404, description = "`token_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
    ),
)]
pub(crate) async fn explain(
    permit: Permit<scope::TokensRead>,
    State(app): State<App>,
    Json(body): Json<Explain>,
) -> Result<Json<Explanation>, Problem> {
    let question = parsed(&body)?;
    let found = app.service().explain(&permit.context, question).await?;
    let obstacles: Vec<Obstacle> = found
        .into_iter()
        .map(|obstacle| Obstacle {
            code: obstacle.code().to_owned(),
            detail: obstacle.sentence().to_owned(),
        })
        .collect();
    Ok(Json(Explanation {
        allowed: obstacles.is_empty(),
        obstacles,
    }))
}

fn parsed(body: &Explain) -> Result<Question, Problem> {
    let mut fields = Fields::default();
    let resource = body.resource.clone().unwrap_or_default();
    let token = fields.take(id("token", &body.token));
    let scope = fields.take(one_scope(&body.scope));
    let team = fields.take(optional("resource.team", resource.team.as_deref(), id));
    let service = fields.take(optional("resource.service", resource.service.as_deref(), id));
    let environment = fields.take(optional(
        "resource.environment",
        resource.environment.as_deref(),
        id,
    ));
    let address = fields.take(optional("address", body.address.as_deref(), address));
    let resource = (team, service, environment);
    let (Some(token), Some(scope), (Some(team), Some(service), Some(environment)), Some(address)) =
        (token, scope, resource, address)
    else {
        return Err(fields.refused());
    };
    Ok(Question {
        token,
        scope,
        team,
        service,
        environment,
        address,
    })
}

/// A scope by its name; no wildcard.
fn one_scope(text: &str) -> Result<Scope, FieldError> {
    text.parse::<Scope>()
        .map_err(|unknown| FieldError::new("scope", "scope_unknown", unknown.to_string()))
}
