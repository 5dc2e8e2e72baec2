//! `GET /v1/kinds`

use axum::extract::State;
use claviger_api::roles::Kinds;

use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::roles::wire;

/// List kinds of resources
///
/// Every kind that roles can be about: the presets, and your organization's own. Those that scopes govern are not among them.
#[utoipa::path(
    get,
    path = "/v1/kinds",
    tag = "roles",
    security(("token" = ["roles:read"])),
    responses((status = 200, description = "All of them.", body = Kinds), Guarded),
)]
pub(crate) async fn list_kinds(
    permit: Permit<scope::RolesRead>,
    State(app): State<App>,
) -> Result<Json<Kinds>, Problem> {
    let found = app.service().list_kinds(&permit.context).await?;
    Ok(Json(Kinds {
        data: found.iter().map(wire::kind).collect(),
    }))
}
