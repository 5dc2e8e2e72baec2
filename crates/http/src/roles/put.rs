//! `PUT /v1/roles/{name}`

use axum::extract::State;
use claviger_api::roles::{PutRole, WrittenRole};
use claviger_domain::name::Description;
use claviger_domain::resource::Word;
use claviger_service::roles::NewRole;

use super::wire;
use crate::app::App;
use crate::fields::{Fields, optional};
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::GuardedBody;
use crate::problem::Problem;
use crate::query::PathText;
use crate::tokens::wire::receipt;

/// Write a role
///
/// Makes a role of your organization's own, or replaces what it gives. Whoever has it has it anew when this returns, and no verifier goes by
/// what it was. Nobody writes a role that gives more than they have.
#[utoipa::path(
    put,
    path = "/v1/roles/{name}",
    tag = "roles",
    security(("token" = ["roles:write"])),
    params(("name" = String, Path, description = "The role's name.", example = "release.manager")),
    request_body = PutRole,
    responses(
        (status = 200, description = "The role, and the proof.", body = WrittenRole),
        (status = 409, description = "`role_is_preset`, `role_limit_reached`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
        // After what all operations answer, which it replaces.
        (status = 403, description = "`insufficient_scope`, `out_of_reach`, `role_exceeds_caller`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn put_role(
    permit: Permit<scope::RolesWrite>,
    State(app): State<App>,
    PathText(name): PathText,
    Json(body): Json<PutRole>,
) -> Result<Json<WrittenRole>, Problem> {
    let new = parsed(&name, &body)?;
    let put = app.service().put_role(&permit.context, new).await?;
    Ok(Json(WrittenRole {
        role: wire::role(&put.role),
        receipt: receipt(&put.receipt),
    }))
}

fn parsed(name: &str, body: &PutRole) -> Result<NewRole, Problem> {
    let mut fields = Fields::default();
    let name = fields.take(Word::parse("name", name));
    let description = fields.take(optional(
        "description",
        body.description.as_deref(),
        Description::parse,
    ));
    let cells = fields.take_all(wire::parsed_grants(&body.grants));
    let (Some(name), Some(description), Some(cells)) = (name, description, cells) else {
        return Err(fields.refused());
    };
    Ok(NewRole {
        name,
        description: description.unwrap_or_default(),
        cells,
    })
}
