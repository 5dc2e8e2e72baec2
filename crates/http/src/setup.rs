//! `POST /v1/setup`

use axum::extract::State;
use axum::response::Response;
use claviger_api::setup::Setup;
use claviger_api::tokens::IssuedToken;
use claviger_domain::name::{Email, Label};
use claviger_service::Reply;
use http::StatusCode;

use crate::app::App;
use crate::fields::{Fields, optional};
use crate::guard::Visit;
use crate::idempotency::answer;
use crate::json::Json;
use crate::openapi::PublicBody;
use crate::problem::Problem;
use crate::tokens::wire;

/// Set the installation up
///
/// Makes the organization, its first administrator and their token. Only from the server's own machine, only with the code that the server
/// printed, and only once.
#[utoipa::path(
    post,
    path = "/v1/setup",
    tag = "setup",
    security(()),
    request_body = Setup,
    responses(
        (status = 201, description = "The administrator's token and its secret.", body = IssuedToken),
        (status = 403, description = "`setup_not_local`, `setup_code_invalid`, `setup_code_expired`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 410, description = "`setup_completed`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        PublicBody,
    ),
)]
pub(crate) async fn set_up(
    visit: Visit,
    State(app): State<App>,
    Json(body): Json<Setup>,
) -> Result<Response, Problem> {
    let mut fields = Fields::default();
    let email = fields.take(Email::parse("email", &body.email));
    let organization = fields.take(optional(
        "organization",
        body.organization.as_deref(),
        Label::parse,
    ));
    let (Some(email), Some(organization)) = (email, organization) else {
        return Err(fields.refused());
    };
    let issued = app
        .service()
        .complete_setup(&visit.origin, visit.is_local, &body.code, email, organization)
        .await?;
    Ok(answer(StatusCode::CREATED, Reply::Fresh(issued), wire::issued))
}
