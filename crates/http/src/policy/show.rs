//! `GET /v1/policy`

use axum::extract::State;
use claviger_api::policy::Policy;

use super::wire;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;

/// Show the policy
///
/// The rules of your organization for new tokens. No scope is needed.
#[utoipa::path(
    get,
    path = "/v1/policy",
    tag = "policy",
    security(("token" = [])),
    responses((status = 200, description = "The policy.", body = Policy), Guarded),
)]
pub(crate) async fn show_policy(
    permit: Permit<scope::AnyToken>,
    State(app): State<App>,
) -> Result<Json<Policy>, Problem> {
    let policy = app.service().show_policy(&permit.context).await?;
    Ok(Json(wire::policy(&policy)))
}
