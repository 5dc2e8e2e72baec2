//! `POST /v1/explain`: the question of the verify door about a token by its id, with everything that there is to say.

use axum::extract::State;
use claviger_api::explain::{Explain, Explanation, Obstacle, Reason, Side};
use claviger_domain::TokenId;
use claviger_domain::explain as domain;
use claviger_service::explain::Question as Subject;
use claviger_verify::{Decision, DenialCode};
use serde::Serialize;

use crate::app::App;
use crate::fields::{Fields, id};
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::GuardedBody;
use crate::problem::Problem;
use crate::verify::wire::Shown;
use crate::verify::{Question, Resource, shown};
use crate::{roles, teams};

/// [`Explanation`], with the decision as the verify door writes it.
#[derive(Serialize)]
pub(crate) struct Told {
    allowed: bool,
    decision: Shown,
    obstacles: Vec<Obstacle>,
    allowed_by: Vec<Reason>,
    request_id: String,
}

/// Explain a decision
///
/// Says what `POST /v1/verify` would answer now about a token, named by its id, and why: what lets the token do it, or everything that
/// stands in the way. The token is not used by it, and nothing is taken from its limits. You may ask about tokens that you may see.
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
) -> Result<Json<Told>, Problem> {
    let context = &permit.context;
    let token = parsed_token(&body.token)?;
    let scopes = body.scopes.iter().map(String::as_str);
    let question = Question::parse("", scopes, body.address.as_deref(), body.cost)?;
    let resource = body.resource.as_ref().map(Resource::from);
    let directory = app.service().directory();
    let question = question.about(directory, context.org(), body.action.as_deref(), resource)?;
    let subject = Subject {
        token,
        address: question.address,
        cost: question.cost,
    };
    let required = question.required();
    let told = app.service().explain(context, subject, &required).await?;
    let mut obstacles: Vec<Obstacle> = told.obstacles.iter().map(obstacle).collect();
    obstacles.extend(limit(&told.decision));
    Ok(Json(Told {
        allowed: told.decision.verified().is_some(),
        decision: shown(app.verifier(), told.decision, &required, &told.allowance),
        obstacles,
        allowed_by: match &told.decision {
            Decision::Allow(_) => told.reasons.iter().map(reason).collect(),
            Decision::Deny(_) => Vec::new(),
        },
        request_id: context.origin.request_id.clone(),
    }))
}

fn parsed_token(text: &str) -> Result<TokenId, Problem> {
    let mut fields = Fields::default();
    match fields.take(id("token", text)) {
        Some(token) => Ok(token),
        None => Err(fields.refused()),
    }
}

fn obstacle(obstacle: &domain::Obstacle) -> Obstacle {
    Obstacle {
        code: obstacle.code().to_owned(),
        detail: obstacle.sentence().to_owned(),
        scope: obstacle.scope().map(|scope| scope.to_string()),
        roles: obstacle.roles().iter().map(ToString::to_string).collect(),
    }
}

/// The limit that stands in the way: only the verifier knows what is left of it.
fn limit(decision: &Decision) -> Option<Obstacle> {
    let Decision::Deny(denial) = decision else {
        return None;
    };
    let detail = match denial.code {
        DenialCode::RateLimited { .. } => {
            "the token's rate limit, or its owner's, has not enough left; wait, or update the limit"
        }
        DenialCode::QuotaExhausted { .. } => {
            "the token's quota has not enough left; wait for the next period, or update the quota"
        }
        _ => return None,
    };
    Some(Obstacle {
        code: denial.code.as_str().to_owned(),
        detail: detail.to_owned(),
        scope: None,
        roles: Vec::new(),
    })
}

fn reason((side, reason): &(domain::Side, domain::Reason)) -> Reason {
    use domain::Reason as From;

    let membership = match reason {
        From::Membership(membership) => Some(membership),
        _ => None,
    };
    Reason {
        of: match side {
            domain::Side::Token => Side::Token,
            domain::Side::Owner => Side::Owner,
        },
        code: reason.code().to_owned(),
        scope: match reason {
            From::Scope(scope) => Some(scope.to_string()),
            _ => None,
        },
        assignment: match reason {
            From::Assignment(assignment) => roles::wire::assignments(std::slice::from_ref(assignment)).pop(),
            _ => None,
        },
        team: membership.map(|membership| membership.team.to_string()),
        team_role: membership.map(|membership| teams::wire::role(membership.role)),
    }
}
