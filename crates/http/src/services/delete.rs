//! `DELETE /v1/services/{id}`

use axum::extract::State;
use claviger_domain::ServiceId;
use http::StatusCode;

use crate::app::App;
use crate::guard::{Permit, scope};
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::PathId;

/// Delete a service
///
/// Drops one without live tokens from the catalogue. The deployments that were reported for it stay.
#[utoipa::path(
    delete,
    path = "/v1/services/{id}",
    tag = "services",
    security(("token" = ["services:write"])),
    params(("id" = String, Path, description = "The service's handle.", example = "svc_01k9zv5m3r000")),
    responses(
        (status = 204, description = "It is gone."),
        (status = 404, description = "`service_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`service_in_use`: it has live tokens.", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn delete_service(
    permit: Permit<scope::ServicesWrite>,
    State(app): State<App>,
    PathId(id): PathId<ServiceId>,
) -> Result<StatusCode, Problem> {
    app.service().delete_service(&permit.context, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
