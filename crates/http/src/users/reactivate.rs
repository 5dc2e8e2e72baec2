//! `POST /v1/users/{id}/reactivate`

use axum::extract::State;
use claviger_api::users::ChangedUser;
use claviger_domain::UserId;

use super::wire;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::idempotency::NoBody;
use crate::json::{Json, OptionalJson};
use crate::openapi::GuardedBody;
use crate::problem::Problem;
use crate::query::PathId;

/// Reactivate a person
///
/// Lets the person act again, through the tokens that did not end meanwhile. Repeating the call is harmless.
#[utoipa::path(
    post,
    path = "/v1/users/{id}/reactivate",
    tag = "users",
    security(("token" = ["users:write"])),
    params(("id" = String, Path, description = "The person's handle.", example = "usr_01k9zv5m3r000")),
    responses(
        (status = 200, description = "The person after the change, and the proof.", body = ChangedUser),
        (status = 404, description = "`user_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
        // After what all operations answer, which it replaces.
        (status = 403, description = "`insufficient_scope`, `out_of_reach`, `role_exceeds_caller`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn reactivate_user(
    permit: Permit<scope::UsersWrite>,
    State(app): State<App>,
    PathId(id): PathId<UserId>,
    OptionalJson(NoBody {}): OptionalJson<NoBody>,
) -> Result<Json<ChangedUser>, Problem> {
    let changed = app.service().reactivate_person(&permit.context, id).await?;
    Ok(Json(wire::changed(&changed)))
}
