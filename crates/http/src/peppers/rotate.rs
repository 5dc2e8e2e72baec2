//! `POST /v1/peppers/rotate`

use axum::extract::State;
use claviger_api::peppers::Peppers;

use super::shown;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;

/// Rotate the pepper
///
/// A new key takes over; the old one stays live for the tokens that depend on it. No verify fails during a rotation: a token moves to the
/// new key when it is next used.
#[utoipa::path(
    post,
    path = "/v1/peppers/rotate",
    tag = "peppers",
    security(("token" = ["system:write"])),
    responses(
        (status = 200, description = "The live peppers after the rotation.", body = Peppers),
        (status = 409, description = "`pepper_previous_live`: retire the previous one first. `pepper_in_configuration`: the keys are the operator's to change.", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn rotate_pepper(
    permit: Permit<scope::SystemWrite>,
    State(app): State<App>,
) -> Result<Json<Peppers>, Problem> {
    let peppers = app.service().rotate_pepper(&permit.context).await?;
    Ok(Json(shown(peppers, None)))
}
