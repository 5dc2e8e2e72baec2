//! `POST /v1/verify`: may whoever presented this token do that?
//!
//! Three ways lead to the same decision: [`express`] answers plain calls from the bytes that came, [`door`] answers before the router, because there the frame would cost more than the decision;
//! this handler documents the operation and takes what the door leaves (a request with a query string or a cookie). Both parse with [`Question`], ask
//! [`decide`] and write [`wire::Shown`]; a test compares their answers.

pub(crate) mod body;
pub(crate) mod door;
pub(crate) mod express;
pub(crate) mod figures;
pub(crate) mod wire;

use std::net::IpAddr;

use axum::extract::State;
use claviger_api::verify::{Decision as ApiDecision, Verify};
use claviger_domain::{FieldError, OrgId, Scope, ScopeSet, Timestamp};
use claviger_verify::{Decision, Denial, DenialCode, Presentation, Required, Verifier};

use crate::app::App;
use crate::fields::Fields;
use crate::guard::{Permit, address_or_unknown, scope};
use crate::json::Json;
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
    let question = Question::parse(&body.token, scopes, body.address.as_deref())?;
    let context = &permit.context;
    let decision = decide(
        app.verifier(),
        context.org(),
        &question,
        context.origin.address,
        app.now(),
    );
    Ok(Json(Shown(decision)))
}

/// What is asked about a presented token.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    token: &'a str,
    required: Required,
    address: Option<IpAddr>,
}

impl<'a> Question<'a> {
    /// Parses the fields of the body.
    pub(crate) fn parse<'s>(
        token: &'a str,
        scopes: impl Iterator<Item = &'s str>,
        address: Option<&str>,
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
        let address = address.map(|text| {
            text.parse::<IpAddr>()
                .map_err(|_| FieldError::new("address", "address_malformed", "not an IPv4 or IPv6 address"))
        });
        match fields.take(address.transpose()) {
            Some(address) if fields.is_empty() => Ok(Self {
                token,
                required: Required::scopes(set),
                address,
            }),
            _ => Err(fields.refused()),
        }
    }
}

/// The decision, as far as `org` may know it: another organization's token is unknown.
pub(crate) fn decide(
    verifier: &Verifier,
    org: OrgId,
    question: &Question<'_>,
    asking: Option<IpAddr>,
    now: Timestamp,
) -> Decision {
    let address = address_or_unknown(question.address.or(asking));
    let decision = verifier.check(question.token, &question.required, &Presentation { now, address });
    let subject = match &decision {
        Decision::Allow(verified) => Some(verified),
        Decision::Deny(denial) => denial.subject.as_ref(),
    };
    if subject.is_some_and(|subject| subject.org != org) {
        return Decision::Deny(Denial {
            code: DenialCode::Unknown,
            subject: None,
        });
    }
    decision
}
