//! `DELETE /v1/invitations/{id}`

use axum::extract::State;
use claviger_domain::InvitationId;
use http::StatusCode;

use crate::app::App;
use crate::guard::{Permit, scope};
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::PathId;

/// Withdraw an invitation
///
/// Takes an invitation back: nobody joins by it any more. You may do it with those that you made; with `users:write` you may do it with all.
#[utoipa::path(
    delete,
    path = "/v1/invitations/{id}",
    tag = "invitations",
    security(("token" = [])),
    params(("id" = String, Path, description = "The invitation's handle.", example = "inv_01k9zv5m3r000")),
    responses(
        (status = 204, description = "It can no longer be accepted."),
        (status = 404, description = "`invitation_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 410, description = "`invitation_gone`: it was accepted", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn withdraw_invitation(
    permit: Permit<scope::AnyToken>,
    State(app): State<App>,
    PathId(id): PathId<InvitationId>,
) -> Result<StatusCode, Problem> {
    app.service().withdraw_invitation(&permit.context, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
