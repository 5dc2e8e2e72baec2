//! `GET /v1/users/self`

use axum::extract::State;
use claviger_api::users::User;

use super::wire;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;

/// Show yourself
///
/// The person that the calling token acts as. It needs no scope.
#[utoipa::path(
    get,
    path = "/v1/users/self",
    tag = "users",
    security(("token" = [])),
    responses(
        (status = 200, description = "You.", body = User),
        (status = 404, description = "`user_not_found`: the token acts as itself", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn show_own_user(
    permit: Permit<scope::AnyToken>,
    State(app): State<App>,
) -> Result<Json<User>, Problem> {
    let person = app.service().own_person(&permit.context).await?;
    Ok(Json(wire::user(&person)))
}
