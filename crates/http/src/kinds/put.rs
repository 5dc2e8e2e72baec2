//! `PUT /v1/kinds/{name}`

use std::collections::BTreeSet;

use axum::extract::State;
use claviger_api::roles::{Kind, PutKind};
use claviger_domain::name::Description;
use claviger_domain::resource::Word;

use crate::app::App;
use crate::fields::{Fields, optional};
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::GuardedBody;
use crate::problem::Problem;
use crate::query::PathText;
use crate::roles::wire;

/// Write a kind of resource
///
/// Makes a kind of your organization's own, or replaces what can be done to such a resource. An action that a role names stays.
#[utoipa::path(
    put,
    path = "/v1/kinds/{name}",
    tag = "roles",
    security(("token" = ["roles:write"])),
    params(("name" = String, Path, description = "The kind's name.", example = "feature-flag")),
    request_body = PutKind,
    responses(
        (status = 200, description = "The kind.", body = Kind),
        (status = 409, description = "`kind_is_preset`, `kind_reserved`, `kind_in_use`, `kind_limit_reached`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
    ),
)]
pub(crate) async fn put_kind(
    permit: Permit<scope::RolesWrite>,
    State(app): State<App>,
    PathText(name): PathText,
    Json(body): Json<PutKind>,
) -> Result<Json<Kind>, Problem> {
    let mut fields = Fields::default();
    let name = fields.take(Word::parse("name", &name));
    let description = fields.take(optional(
        "description",
        body.description.as_deref(),
        Description::parse,
    ));
    let mut actions = BTreeSet::new();
    for (place, text) in body.actions.iter().enumerate() {
        actions.extend(fields.take(Word::parse(&format!("actions[{place}]"), text)));
    }
    let (Some(name), Some(description), true) = (name, description, fields.is_empty()) else {
        return Err(fields.refused());
    };
    let written = app
        .service()
        .put_kind(&permit.context, name, description.unwrap_or_default(), actions)
        .await?;
    Ok(Json(wire::kind(&written)))
}
