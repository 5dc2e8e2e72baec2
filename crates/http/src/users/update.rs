//! `PATCH /v1/users/{id}`

use axum::extract::State;
use claviger_api::limits::RateLimit;
use claviger_api::users::{ChangedUser, UpdateUser};
use claviger_domain::UserId;
use claviger_domain::name::Label;
use claviger_service::people::PersonChanges;

use super::wire;
use crate::app::App;
use crate::fields::{Fields, optional};
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::GuardedBody;
use crate::problem::Problem;
use crate::query::PathId;
use crate::roles::wire::parsed_assignments;
use crate::tokens::terms;

/// Change a person
///
/// Changes name, role, the roles on resources or the rate limit; absent fields stay. Nobody hands out a role that could do more than the calling token. When this returns, the
/// person's tokens do what the new role lets them, and no more.
#[utoipa::path(
    patch,
    path = "/v1/users/{id}",
    tag = "users",
    security(("token" = ["users:write"])),
    params(("id" = String, Path, description = "The person's handle.", example = "usr_01k9zv5m3r000")),
    request_body = UpdateUser,
    responses(
        (status = 200, description = "The person after the change, and the proof.", body = ChangedUser),
        (status = 404, description = "`user_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`last_administrator`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
        // After what all operations answer, which it replaces.
        (status = 403, description = "`insufficient_scope`, `out_of_reach`, `role_exceeds_caller`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn update_user(
    permit: Permit<scope::UsersWrite>,
    State(app): State<App>,
    PathId(id): PathId<UserId>,
    Json(body): Json<UpdateUser>,
) -> Result<Json<ChangedUser>, Problem> {
    let mut fields = Fields::default();
    let name = fields.take(optional("name", body.name.as_deref(), Label::parse));
    let roles = body.roles.as_deref().map(parsed_assignments);
    let roles = fields.take_all(roles.transpose());
    let parse = |limit: &Option<RateLimit>| limit.as_ref().map(terms::parsed_rate_limit).transpose();
    let rate_limit = fields.take_all(body.rate_limit.as_ref().map(parse).transpose());
    let (Some(name), Some(roles), Some(rate_limit)) = (name, roles, rate_limit) else {
        return Err(fields.refused());
    };
    let changes = PersonChanges {
        name,
        role: body.role.map(wire::parsed_role),
        roles,
        rate_limit,
    };
    let changed = app.service().update_person(&permit.context, id, changes).await?;
    Ok(Json(wire::changed(&changed)))
}
