//! `POST /v1/invitations/accept`

use axum::extract::State;
use claviger_api::invitations::{AcceptInvitation, JoinedUser};
use claviger_domain::name::Label;
use http::StatusCode;

use crate::app::App;
use crate::fields::Fields;
use crate::guard::Visit;
use crate::json::Json;
use crate::openapi::PublicBody;
use crate::problem::Problem;
use crate::tokens::wire::token;
use crate::users::wire::user;

/// Accept an invitation
///
/// Whoever brings an invitation's secret joins the organization, once, and gets a token to begin with.
#[utoipa::path(
    post,
    path = "/v1/invitations/accept",
    tag = "invitations",
    security(()),
    request_body = AcceptInvitation,
    responses(
        (status = 201, description = "You, and your first token.", body = JoinedUser),
        (status = 404, description = "`invitation_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`email_taken`, `member_limit_reached`, `token_limit_reached`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 410, description = "`invitation_gone`: used, taken back, too late, or its maker may no longer invite", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        PublicBody,
    ),
)]
pub(crate) async fn accept_invitation(
    Visit { origin, .. }: Visit,
    State(app): State<App>,
    Json(body): Json<AcceptInvitation>,
) -> Result<(StatusCode, Json<JoinedUser>), Problem> {
    let mut fields = Fields::default();
    let Some(name) = fields.take(Label::parse("name", &body.name)) else {
        return Err(fields.refused());
    };
    let joined = app
        .service()
        .accept_invitation(&origin, &body.invitation, name, &body.password)
        .await?;
    let shown = JoinedUser {
        user: user(&joined.person),
        token: token(&joined.issued.token, None, origin.now),
        secret: joined.issued.secret.expose().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(shown)))
}
