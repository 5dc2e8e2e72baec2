//! `POST /v1/users/{id}/password-reset`

use axum::extract::State;
use claviger_api::users::IssuedReset;
use claviger_domain::UserId;
use http::StatusCode;

use crate::app::App;
use crate::guard::{Permit, scope};
use crate::idempotency::NoBody;
use crate::json::{Json, OptionalJson};
use crate::openapi::GuardedBody;
use crate::problem::Problem;
use crate::query::PathId;

/// Issue a password reset
///
/// Makes what a person needs to choose a new password, to be handed to them: good once, for a quarter of an hour. The one before is void.
/// The calling token must be able to do all that the person can.
#[utoipa::path(
    post,
    path = "/v1/users/{id}/password-reset",
    tag = "users",
    security(("token" = ["users:write"])),
    params(("id" = String, Path, description = "The person's handle.", example = "usr_01k9zv5m3r000")),
    responses(
        (status = 201, description = "The reset, shown this once.", body = IssuedReset),
        (status = 404, description = "`user_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`user_deactivated`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
        // After what all operations answer, which it replaces.
        (status = 403, description = "`insufficient_scope`, `out_of_reach`, `role_exceeds_caller`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn issue_password_reset(
    permit: Permit<scope::UsersWrite>,
    State(app): State<App>,
    PathId(id): PathId<UserId>,
    OptionalJson(NoBody {}): OptionalJson<NoBody>,
) -> Result<(StatusCode, Json<IssuedReset>), Problem> {
    let reset = app.service().issue_password_reset(&permit.context, id).await?;
    let shown = IssuedReset {
        secret: reset.secret.expose().to_owned(),
        expires_at: reset.expires_at.to_string(),
    };
    Ok((StatusCode::CREATED, Json(shown)))
}
