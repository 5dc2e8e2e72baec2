//! `DELETE /v1/roles/{name}`

use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::guard::{Permit, scope};
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::PathText;

/// Delete a role
///
/// Drops a role of your organization's own that nobody has.
#[utoipa::path(
    delete,
    path = "/v1/roles/{name}",
    tag = "roles",
    security(("token" = ["roles:write"])),
    params(("name" = String, Path, description = "The role's name.", example = "release.manager")),
    responses(
        (status = 204, description = "It is gone."),
        (status = 404, description = "`role_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`role_is_preset`, `role_in_use`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn delete_role(
    permit: Permit<scope::RolesWrite>,
    State(app): State<App>,
    PathText(name): PathText,
) -> Result<StatusCode, Problem> {
    app.service().delete_role(&permit.context, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
