//! `POST /v1/invitations`

use axum::extract::State;
use claviger_api::invitations::{CreateInvitation, CreatedInvitation};
use claviger_domain::name::Email;
use claviger_domain::owner::Role;
use claviger_service::people::NewInvitation;
use http::StatusCode;

use super::wire;
use crate::app::App;
use crate::fields::Fields;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::GuardedBody;
use crate::problem::Problem;
use crate::users::wire::parsed_role;

/// Invite somebody
///
/// Makes an invitation and shows its secret, this once. An earlier one to the same address that you could withdraw is void. The calling token
/// must be able to do all that the invited person will; with `teams:write` at every named team it may invite plain members into those teams.
#[utoipa::path(
    post,
    path = "/v1/invitations",
    tag = "invitations",
    security(("token" = ["users:write"])),
    request_body = CreateInvitation,
    responses(
        (status = 201, description = "The invitation and its secret.", body = CreatedInvitation),
        (status = 404, description = "`team_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`email_taken`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
        // After what all operations answer, which it replaces.
        (status = 403, description = "`insufficient_scope`, `out_of_reach`, `role_exceeds_caller`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn create_invitation(
    permit: Permit<scope::AnyToken>,
    State(app): State<App>,
    Json(body): Json<CreateInvitation>,
) -> Result<(StatusCode, Json<CreatedInvitation>), Problem> {
    let new = parsed(&body)?;
    let invited = app.service().invite(&permit.context, new).await?;
    let shown = CreatedInvitation {
        invitation: wire::invitation(&invited.invitation, permit.context.now()),
        secret: invited.secret.expose().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(shown)))
}

fn parsed(body: &CreateInvitation) -> Result<NewInvitation, Problem> {
    let mut fields = Fields::default();
    let email = fields.take(Email::parse("email", &body.email));
    let teams = fields.take_all(wire::teams(body.teams.as_deref().unwrap_or_default()));
    let (Some(email), Some(teams)) = (email, teams) else {
        return Err(fields.refused());
    };
    Ok(NewInvitation {
        email,
        role: body.role.map_or(Role::Member, parsed_role),
        teams,
        days: body.expires_in_days,
    })
}
