//! `DELETE /v1/kinds/{name}`

use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::guard::{Permit, scope};
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::PathText;

/// Delete a kind of resource
///
/// Drops a kind of your organization's own that no role names.
#[utoipa::path(
    delete,
    path = "/v1/kinds/{name}",
    tag = "roles",
    security(("token" = ["roles:write"])),
    params(("name" = String, Path, description = "The kind's name.", example = "feature-flag")),
    responses(
        (status = 204, description = "It is gone."),
        (status = 404, description = "`kind_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`kind_is_preset`, `kind_reserved`, `kind_in_use`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn delete_kind(
    permit: Permit<scope::RolesWrite>,
    State(app): State<App>,
    PathText(name): PathText,
) -> Result<StatusCode, Problem> {
    app.service().delete_kind(&permit.context, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
