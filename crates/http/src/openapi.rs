//! The OpenAPI 3.1 document: what it says of the API as a whole, and the answers that many operations share.
//!
//! The document is made from the endpoints' own attributes and the docstrings of `claviger_api`; `openapi/claviger.json` is a copy of it,
//! and a test fails when the two differ. The page at `/docs` shows it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bytes::Bytes;
use claviger_api::problem::{FieldProblem, MEDIA_TYPE, Problem};
use claviger_api::webhooks::WebhookPayload;
use serde_json::json;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoParams, IntoResponses, Modify, OpenApi};

use crate::credentials::SESSION_COOKIE;

/// The document without its paths; the router adds them.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Claviger",
        description = "Issues API tokens, checks them at the speed of the wire, and ends them for good.\n\n\
            Present a token as `Authorization: Bearer …`; `x-api-key: …` is accepted too, the query string is not. Every refusal is a \
            problem (RFC 9457) with a stable `code`: decide by it. Instants are RFC 3339 in UTC; `null` means never.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(Problem, FieldProblem, WebhookPayload)),
    modifiers(&Schemes),
    tags(
        (name = "verify", description = "May whoever presented this token do that?"),
        (name = "tokens", description = "Issue, list, change and end tokens."),
        (name = "scopes", description = "What a token can be given."),
        (name = "users", description = "Who belongs to the organization, and their passwords."),
        (name = "invitations", description = "How people come."),
        (name = "sessions", description = "Where people are signed in."),
        (name = "teams", description = "Who works together, and as what."),
        (name = "services", description = "What is deployed and breaks, and whose it is."),
        (name = "environments", description = "Where services run, and the stages of a release."),
        (name = "deployments", description = "Which version runs where."),
        (name = "webhooks", description = "Places that are told when tokens end."),
        (name = "calendar", description = "The ends of tokens, for calendar programs."),
        (name = "audit", description = "Who changed what, bound together by hashes."),
        (name = "peppers", description = "The keys under which digests are made."),
        (name = "setup", description = "The first administrator."),
        (name = "system", description = "Is it there, is it well.")
    )
)]
pub(crate) struct Document;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "A token of this installation. Each operation names the scopes that it needs.",
            ))
            .build();
        document
            .components
            .get_or_insert_with(Components::new)
            .add_security_scheme("token", SecurityScheme::Http(scheme));
        let session = json!({
            "type": "apiKey",
            "in": "cookie",
            "name": SESSION_COOKIE,
            "description": "A person who signed in with a browser. What changes something must come from this server's own pages.",
        });
        // A form that OpenAPI has; a test of the document finds it.
        if let Ok(session) = serde_json::from_value::<SecurityScheme>(session) {
            document
                .components
                .get_or_insert_with(Components::new)
                .add_security_scheme("session", session);
        }
    }
}

/// The document as JSON; made once.
pub(crate) static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(openapi_json()));

/// The OpenAPI document of the public API, as indented JSON. The same bytes in every process.
pub fn openapi_json() -> String {
    let (_, mut document) = crate::router::routes().split_for_parts();
    admit_sessions(&mut document);
    // Maps and strings: writing them does not fail.
    document.to_pretty_json().unwrap_or_default()
}

/// Wherever a token is accepted, a session is.
fn admit_sessions(document: &mut utoipa::openapi::OpenApi) {
    let items = document.paths.paths.values_mut();
    let operations = items.flat_map(|item| {
        [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ]
        .into_iter()
        .flatten()
    });
    for security in operations.filter_map(|operation| operation.security.as_mut()) {
        if !security.contains(&SecurityRequirement::default()) {
            security.push(SecurityRequirement::new("session", NO_SCOPES));
        }
    }
}

const NO_SCOPES: [&str; 0] = [];

/// The header that makes a creating call repeatable.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(
    dead_code,
    reason = "only its documentation is used; `Idempotent` reads the header"
)]
pub(crate) struct IdempotencyHeader {
    /// Names this call: sent again with the same body, it is answered with the first answer instead of being done twice. 1 to 255 visible
    /// ASCII characters; choose it at random.
    #[param(
        rename = "Idempotency-Key",
        required = false,
        example = "6f1b2b1e-5f0c-4f59-9d0e-1f6f1a7c0d3a"
    )]
    idempotency_key: Option<String>,
}

/// What every guarded operation may answer.
pub(crate) struct Guarded;

/// What a guarded operation with a body may answer.
pub(crate) struct GuardedBody;

/// What an operation with a body and without a credential may answer.
pub(crate) struct PublicBody;

/// What an operation without a body and without a credential may answer.
pub(crate) struct PublicRead;

type Responses = BTreeMap<String, RefOr<Response>>;

const REQUEST: (u16, &str) = (
    400,
    "`host_invalid`, `token_in_query`; for a query or path: `input_invalid`, `field_unknown`, `field_invalid`",
);
const GUARD: [(u16, &str); 3] = [
    (
        401,
        "`credential_missing`; `token_invalid` for every token that is not accepted, `session_invalid` for every session, whatever the reason",
    ),
    (
        403,
        "`insufficient_scope`: the caller lacks the scope that is named; `out_of_reach`: it has the scope, and not here; \
         `cross_site_request`: a browser sent the session's cookie for a page that is not ours",
    ),
    (
        429,
        "`rate_limited`, `quota_exhausted`: the token's limits, or its owner's, have not enough left; `too_many_failures`: too much was \
         presented from this address that is not accepted",
    ),
];
const BODY: [(u16, &str); 4] = [
    (
        400,
        "`json_invalid`, `json_too_deep`, `json_too_large`, `field_missing`, `field_unknown`, `field_invalid`, `input_invalid`, \
         `multiple_credentials`, `host_invalid`, `token_in_query`",
    ),
    (408, "`body_too_slow`"),
    (413, "`body_too_large`"),
    (415, "`media_type_unsupported`"),
];
const FAULTS: [(u16, &str); 3] = [
    (
        500,
        "`internal`: a fault of ours; the log knows more under the request id",
    ),
    (
        503,
        "`busy`, `store_unavailable`, `writer_stopped`, `request_timeout`; `outcome_unknown`: look, or repeat with the same key",
    ),
    (507, "`storage_full`"),
];

impl IntoResponses for Guarded {
    fn responses() -> Responses {
        problems([REQUEST].iter().chain(&GUARD).chain(&FAULTS))
    }
}

impl IntoResponses for GuardedBody {
    fn responses() -> Responses {
        problems(BODY.iter().chain(&GUARD).chain(&FAULTS))
    }
}

impl IntoResponses for PublicBody {
    fn responses() -> Responses {
        problems(BODY.iter().chain(&FAULTS))
    }
}

impl IntoResponses for PublicRead {
    fn responses() -> Responses {
        problems([REQUEST].iter().chain(&FAULTS))
    }
}

fn problems<'a>(kinds: impl Iterator<Item = &'a (u16, &'a str)>) -> Responses {
    kinds
        .map(|&(status, description)| (status.to_string(), RefOr::T(problem(status, description))))
        .collect()
}

/// An answer that is a problem, with an example of the first code that the description names.
fn problem(status: u16, description: &str) -> Response {
    let code = description.split('`').nth(1).unwrap_or_default();
    let example = json!({
        "type": format!("/docs/problems#{code}"),
        "title": crate::problem::title(code),
        "status": status,
        "code": code,
        "detail": "what happened, and what to do next",
        "request_id": "req_05k9z0r3v8q1t6n2m4",
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .example(Some(example))
        .build();
    ResponseBuilder::new()
        .description(description)
        .content(MEDIA_TYPE, content)
        .build()
}
