//! `POST /v1/users/{id}/deactivate`

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

/// Deactivate a person
///
/// Ends all that the person may do: when this returns, no token of theirs is accepted. Their teams and tokens stay as they are, for a
/// reactivation. Repeating the call is harmless.
#[utoipa::path(
    post,
    path = "/v1/users/{id}/deactivate",
    tag = "users",
    security(("token" = ["users:write"])),
    params(("id" = String, Path, description = "The person's handle.", example = "usr_01k9zv5m3r000")),
    responses(
        (status = 200, description = "The person after the change, and the proof.", body = ChangedUser),
        (status = 404, description = "`user_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`last_administrator`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
    ),
)]
pub(crate) async fn deactivate_user(
    permit: Permit<scope::UsersWrite>,
    State(app): State<App>,
    PathId(id): PathId<UserId>,
    OptionalJson(NoBody {}): OptionalJson<NoBody>,
) -> Result<Json<ChangedUser>, Problem> {
    let changed = app.service().deactivate_person(&permit.context, id).await?;
    Ok(Json(wire::changed(&changed)))
}
