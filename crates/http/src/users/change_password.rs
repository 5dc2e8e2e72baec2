//! `POST /v1/users/self/password`

use axum::extract::State;
use claviger_api::users::ChangePassword;
use http::StatusCode;

use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::GuardedBody;
use crate::problem::Problem;

/// Change your password
///
/// The present one is needed when there is one; five wrong ones within a quarter of an hour, and no more are looked at for a while. When there
/// is none yet, the calling token must be able to do all that you can.
#[utoipa::path(
    post,
    path = "/v1/users/self/password",
    tag = "users",
    security(("token" = [])),
    request_body = ChangePassword,
    responses(
        (status = 204, description = "It is changed."),
        (status = 404, description = "`user_not_found`: the token acts as itself", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
        // After what all operations answer, which it replaces.
        (status = 403, description = "`password_wrong`, `role_exceeds_caller`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn change_own_password(
    permit: Permit<scope::AnyToken>,
    State(app): State<App>,
    Json(body): Json<ChangePassword>,
) -> Result<StatusCode, Problem> {
    app.service()
        .change_password(&permit.context, body.current.as_deref(), &body.new)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
