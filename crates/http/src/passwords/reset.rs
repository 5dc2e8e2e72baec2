//! `POST /v1/passwords/reset`

use axum::extract::State;
use claviger_api::users::ResetPassword;
use http::StatusCode;

use crate::app::App;
use crate::guard::Visit;
use crate::json::Json;
use crate::openapi::PublicBody;
use crate::problem::Problem;

/// Choose a new password with a reset
///
/// Whoever brings a reset chooses the person's new password, once.
#[utoipa::path(
    post,
    path = "/v1/passwords/reset",
    tag = "users",
    security(()),
    request_body = ResetPassword,
    responses(
        (status = 204, description = "It is changed."),
        (status = 404, description = "`reset_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 410, description = "`reset_gone`: used, void, or too late", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        PublicBody,
    ),
)]
pub(crate) async fn reset_password(
    Visit { origin, .. }: Visit,
    State(app): State<App>,
    Json(body): Json<ResetPassword>,
) -> Result<StatusCode, Problem> {
    app.service()
        .reset_password(&origin, &body.reset, &body.new)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
