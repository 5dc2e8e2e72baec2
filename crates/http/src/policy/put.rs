//! `PUT /v1/policy`

use axum::extract::State;
use claviger_api::policy::Policy;

use super::wire;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::GuardedBody;
use crate::problem::Problem;

/// Write the policy
///
/// Replaces the rules of your organization. They bound what is issued or prolonged from now on: a token that lives keeps the end it was given.
#[utoipa::path(
    put,
    path = "/v1/policy",
    tag = "policy",
    security(("token" = ["system:write"])),
    request_body = Policy,
    responses((status = 200, description = "The policy.", body = Policy), GuardedBody),
)]
pub(crate) async fn put_policy(
    permit: Permit<scope::SystemWrite>,
    State(app): State<App>,
    Json(body): Json<Policy>,
) -> Result<Json<Policy>, Problem> {
    let policy = app
        .service()
        .put_policy(&permit.context, wire::parsed(&body))
        .await?;
    Ok(Json(wire::policy(&policy)))
}
