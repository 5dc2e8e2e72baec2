//! `GET /v1/peppers`

use axum::extract::State;
use claviger_api::peppers::Peppers;

use super::shown;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;

/// List the live peppers
///
/// The keys under which digests are made, by their ids, and how many tokens depend on each. The keys themselves are never shown.
#[utoipa::path(
    get,
    path = "/v1/peppers",
    tag = "peppers",
    security(("token" = ["system:write"])),
    responses((status = 200, description = "The current one, and the previous one until it is retired.", body = Peppers), Guarded),
)]
pub(crate) async fn list_peppers(
    permit: Permit<scope::SystemWrite>,
    State(app): State<App>,
) -> Result<Json<Peppers>, Problem> {
    let peppers = app.service().list_peppers(&permit.context).await?;
    Ok(Json(shown(peppers, None)))
}
