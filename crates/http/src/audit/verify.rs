//! `POST /v1/audit/verify`

use axum::extract::State;
use claviger_api::audit::AuditVerdict;

use super::wire;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;

/// Verify the audit trail
///
/// Reads the whole trail and checks every link of its chain, its head, and the anchor that is kept outside the database. The answer is 200
/// whether the chain holds or not. Costs 50 of the calling token's limits.
#[utoipa::path(
    post,
    path = "/v1/audit/verify",
    tag = "audit",
    security(("token" = ["audit:read"])),
    responses((status = 200, description = "Whether the chain holds, and where it breaks.", body = AuditVerdict), Guarded),
)]
pub(crate) async fn verify_audit(
    permit: Permit<scope::AuditRead>,
    State(app): State<App>,
) -> Result<Json<AuditVerdict>, Problem> {
    let verdict = app.service().verify_audit(&permit.context).await?;
    Ok(Json(wire::verdict(&verdict)))
}
