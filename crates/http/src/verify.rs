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
use claviger_domain::authority::Place;
use claviger_domain::resource::{Asked, Governed, ResourceName, Word};
use claviger_domain::role::preset::Presets;
use claviger_domain::terms::MAX_COST;
use claviger_domain::{FieldError, OrgId, Scope, ScopeSet, Timestamp};
use claviger_service::{Directory, NamedPlace};
use claviger_verify::{Allowance, Decision, DenialCode, Presentation, Required, Verifier};

use crate::app::App;
use crate::fields::{self, Fields, optional};
use crate::guard::{Permit, address_or_unknown, scope};
use crate::json::Json;
use crate::limits;
use crate::openapi::GuardedBody;
use crate::problem::Problem;
use wire::{Missing, Shown};

/// Verify a token
///
/// Tells whether a token that was presented to you is live, has the scopes that you name, and may do the `action` to the `resource`. The answer is 200 whatever the decision: decide
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
    let context = &permit.context;
    let scopes = body.scopes.iter().map(String::as_str);
    let question = Question::parse(&body.token, scopes, body.address.as_deref(), body.cost)?;
    let resource = body.resource.as_ref().map(Resource::from);
    let directory = app.service().directory();
    let question = question.about(directory, context.org(), body.action.as_deref(), resource)?;
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
    scopes: ScopeSet,
    pub(crate) address: Option<IpAddr>,
    pub(crate) cost: u32,
    wanted: Option<Wanted<'a>>,
}

/// An action on a resource, by the names that the asker has for them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Resource<'a> {
    pub(crate) kind: &'a str,
    pub(crate) place: NamedPlace<'a>,
    pub(crate) name: Option<&'a str>,
}

/// The same, once its place is known.
#[derive(Debug)]
struct Wanted<'a> {
    action: &'a str,
    kind: &'a str,
    place: Place,
    name: Option<ResourceName>,
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
                scopes: set,
                address,
                cost,
                wanted: None,
            }),
            _ => Err(fields.refused()),
        }
    }

    /// The same question, about an action on a resource too. Cost: a lookup for each name.
    pub(crate) fn about(
        self,
        directory: &Directory,
        org: OrgId,
        action: Option<&'a str>,
        resource: Option<Resource<'a>>,
    ) -> Result<Self, Problem> {
        let (action, resource) = match (action, resource) {
            (None, None) => return Ok(self),
            (Some(action), Some(resource)) => (action, resource),
            (None, Some(_)) => return Err(alone("action")),
            (Some(_), None) => return Err(alone("resource")),
        };
        let mut fields = Fields::default();
        // A word of no catalogue is no fault here: no role holds it, so nothing is allowed by it; but one that cannot be a word is a mistake.
        fields.take(Word::parse("action", action));
        fields.take(Word::parse("resource.kind", resource.kind));
        let place = fields.take(directory.place(org, &resource.place, "resource"));
        let name = resource
            .name
            .map(|name| ResourceName::parse("resource.name", name));
        let name = fields.take(name.transpose());
        match (place, name) {
            (Some(place), Some(name)) if fields.is_empty() => Ok(Self {
                wanted: Some(Wanted {
                    action,
                    kind: resource.kind,
                    place,
                    name,
                }),
                ..self
            }),
            _ => Err(fields.refused()),
        }
    }

    /// What the verifier is to require.
    pub(crate) fn required(&self) -> Required<'_> {
        let asked = self
            .wanted
            .as_ref()
            .map(|wanted| Asked::new(wanted.action, wanted.kind, wanted.place, wanted.name.as_ref()));
        Required {
            asked,
            ..Required::scopes(self.scopes)
        }
    }
}

impl<'a> From<&'a claviger_api::verify::AskedResource> for Resource<'a> {
    fn from(resource: &'a claviger_api::verify::AskedResource) -> Self {
        Self {
            kind: &resource.kind,
            place: NamedPlace {
                team: resource.team.as_deref(),
                service: resource.service.as_deref(),
                environment: resource.environment.as_deref(),
            },
            name: resource.name.as_deref(),
        }
    }
}

fn alone(field: &'static str) -> Problem {
    let detail = "`action` and `resource` go together";
    let mut fields = Fields::default();
    let _: Option<()> = fields.take(Err(FieldError::new(field, "field_missing", detail)));
    fields.refused()
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
        asking: Some(org),
        ..Presentation::new(now, address_or_unknown(question.address.or(asking)))
    };
    let required = question.required();
    let decision = verifier.check(question.token, &required, &at);
    let subject = match &decision {
        Decision::Allow(verified) => Some(verified),
        Decision::Deny(denial) => denial.subject.as_ref(),
    };
    let allowance = subject.map_or_else(Allowance::default, |subject| verifier.allowance(subject));
    shown(verifier, decision, &required, &allowance)
}

/// A decision of our own organization's, with what its denial names.
pub(crate) fn shown(
    verifier: &Verifier,
    decision: Decision,
    required: &Required<'_>,
    allowance: &Allowance,
) -> Shown {
    Shown {
        decision,
        missing: missing_of(verifier, &decision, required),
        tightest: limits::tightest(allowance),
    }
}

/// What a denial names: the scopes, or the roles that are about the action. What the token has elsewhere is not missing.
fn missing_of(verifier: &Verifier, decision: &Decision, required: &Required<'_>) -> Missing {
    let Decision::Deny(denial) = decision else {
        return Missing::default();
    };
    match (denial.code, denial.subject, required.asked) {
        (DenialCode::InsufficientScope { missing }, ..) => Missing {
            scopes: missing,
            ..Missing::default()
        },
        (DenialCode::NotPermitted, Some(subject), Some(asked)) => {
            let power = verifier.power(&subject);
            match asked.governed() {
                Governed::ByScope(scope) => Missing {
                    scopes: ScopeSet::only(scope).difference(power.scopes()),
                    ..Missing::default()
                },
                Governed::ByRoles if !power.has_role_for(asked.action, asked.kind) => Missing {
                    roles: Presets::holding(asked.action, asked.kind),
                    ..Missing::default()
                },
                Governed::ByRoles | Governed::ByNothing => Missing::default(),
            }
        }
        _ => Missing::default(),
    }
}
