//! `GET /v1/services/{id}`

use axum::extract::State;
use claviger_api::services::Service;
use claviger_domain::ServiceId;

use super::wire;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::PathId;

/// Show a service
///
/// With the team that owns it.
#[utoipa::path(
    get,
    path = "/v1/services/{id}",
    tag = "services",
    security(("token" = ["services:read"])),
    params(("id" = String, Path, description = "The service's handle.", example = "svc_01k9zv5m3r000")),
    responses(
        (status = 200, description = "The service.", body = Service),
        (status = 404, description = "`service_not_found`: there is none, or none that you may know of.", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn show_service(
    permit: Permit<scope::ServicesRead>,
    State(app): State<App>,
    PathId(id): PathId<ServiceId>,
) -> Result<Json<Service>, Problem> {
    let service = app.service().show_service(&permit.context, id).await?;
    Ok(Json(wire::service(&service)))
}
