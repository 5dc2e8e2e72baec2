//! `GET /v1/users/{id}`

use axum::extract::State;
use claviger_api::users::User;
use claviger_domain::UserId;

use super::wire;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::PathId;

/// Show a person
///
/// One person of the organization.
#[utoipa::path(
    get,
    path = "/v1/users/{id}",
    tag = "users",
    security(("token" = ["users:read"])),
    params(("id" = String, Path, description = "The person's handle.", example = "usr_01k9zv5m3r000")),
    responses(
        (status = 200, description = "The person.", body = User),
        (status = 404, description = "`user_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn show_user(
    permit: Permit<scope::UsersRead>,
    State(app): State<App>,
    PathId(id): PathId<UserId>,
) -> Result<Json<User>, Problem> {
    let person = app.service().show_person(&permit.context, id).await?;
    Ok(Json(wire::user(&person)))
}
