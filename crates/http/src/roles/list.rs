//! `GET /v1/roles`

use axum::extract::State;
use claviger_api::roles::Roles;

use super::wire;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;

/// List roles
///
/// Every role that can be assigned to a token or a person: the presets, and your organization's own.
#[utoipa::path(
    get,
    path = "/v1/roles",
    tag = "roles",
    security(("token" = ["roles:read"])),
    responses((status = 200, description = "All of them.", body = Roles), Guarded),
)]
pub(crate) async fn list_roles(
    permit: Permit<scope::RolesRead>,
    State(app): State<App>,
) -> Result<Json<Roles>, Problem> {
    let found = app.service().list_roles(&permit.context).await?;
    Ok(Json(Roles {
        data: found.iter().map(wire::role).collect(),
    }))
}
