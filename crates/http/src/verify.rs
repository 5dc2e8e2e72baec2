//! `POST /v1/verify`: may whoever presented this token do that?
//!
//! Three ways lead to the same decision: [`express`] answers plain calls from the bytes that came, [`door`] answers before the router, because there the frame would cost more than the decision;
//! this handler documents the operation and takes what the door leaves (a request with a query string). Both parse with [`Question`], ask
//! [`decide`] and write [`wire::Shown`]; a test compares their answers.

pub(crate) mod body;
pub(crate) mod door;
pub(crate) mod express;
pub(crate) mod figures;
pub(crate) mod wire;

use std::net::IpAddr;

use axum::extract::State;
use claviger_api::verify::{Decision as ApiDecision, Verify};
use claviger_domain::terms::MAX_COST;
use claviger_domain::{FieldError, OrgId, Scope, ScopeSet, Timestamp};
use claviger_verify::{Decision, Denial, DenialCode, Presentation, Required, Verifier};

use crate::app::App;
use crate::fields::{self, Fields, optional};
use crate::guard::{Permit, address_or_unknown, scope};
use crate::json::Json;
use crate::limits;
use crate::openapi::GuardedBody;
use crate::problem::Problem;
use wire::Shown;

/// Verify a token
///
/// Tells whether a token that was presented to you is live and has the scopes that you name. The answer is 200 whatever the decision: decide
/// by `valid` or `code`. It comes from memory and is never older than the last acknowledged change.
#[utoipa::path(
    post,
    path = "/v1/verify",
    tag = "verify",
    security(("token" = ["tokens:verify"])),
    request_body = Verify,
    responses((status = 200, description = "The decision.", body = ApiDecision), GuardedBody),
)]
pub(crate) async fn verify(
    permit: Permit<scope::TokensVerify>,
    State(app): State<App>,
    Json(body): Json<Verify>,
) -> Result<Json<Shown>, Problem> {
    let scopes = body.scopes.iter().map(String::as_str);
    let question = Question::parse(&body.token, scopes, body.address.as_deref(), body.cost)?;
    let context = &permit.context;
    let shown = decide(
        app.verifier(),
        context.org(),
        &question,
        context.origin.address,
        app.now(),
    );
    Ok(Json(shown))
}

/// What is asked about a presented token.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    token: &'a str,
    required: Required,
    address: Option<IpAddr>,
    cost: u32,
}

impl<'a> Question<'a> {
    /// Parses the fields of the body.
    pub(crate) fn parse<'s>(
        token: &'a str,
        scopes: impl Iterator<Item = &'s str>,
        address: Option<&str>,
        cost: Option<u32>,
    ) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let mut set = ScopeSet::EMPTY;
        for (place, text) in scopes.enumerate() {
            let scope = text.parse::<Scope>();
            let scope = scope.map_err(|error| {
                FieldError::new(format!("scopes[{place}]"), "scope_unknown", error.to_string())
            });
            set = fields.take(scope).map_or(set, |scope| set.with(scope));
        }
        let address = optional("address", address, fields::address);
        let cost = match cost.unwrap_or(1) {
            cost @ 1..=MAX_COST => Ok(cost),
            _ => Err(FieldError::new(
                "cost",
                "cost_out_of_range",
                format!("between 1 and {MAX_COST}"),
            )),
        };
        match (fields.take(address), fields.take(cost)) {
            (Some(address), Some(cost)) if fields.is_empty() => Ok(Self {
                token,
                required: Required::scopes(set),
                address,
                cost,
            }),
            _ => Err(fields.refused()),
        }
    }
}

/// The decision and what is left of the token's limits, as far as `org` may know it: another organization's token is unknown.
pub(crate) fn decide(
    verifier: &Verifier,
    org: OrgId,
    question: &Question<'_>,
    asking: Option<IpAddr>,
    now: Timestamp,
) -> Shown {
    let at = Presentation {
        cost: question.cost,
        ..Presentation::new(now, address_or_unknown(question.address.or(asking)))
    };
    let decision = verifier.check(question.token, &question.required, &at);
    let subject = match &decision {
        Decision::Allow(verified) => Some(verified),
        Decision::Deny(denial) => denial.subject.as_ref(),
    };
    if subject.is_some_and(|subject| subject.org != org) {
        return Shown {
            decision: Decision::Deny(Denial {
                code: DenialCode::Unknown,
                subject: None,
            }),
            tightest: None,
        };
    }
    Shown {
        decision,
        tightest: subject.and_then(|subject| limits::tightest(&verifier.allowance(subject))),
    }
}
