//! `POST /v1/peppers/retire`

use axum::extract::State;
use claviger_api::peppers::{Peppers, RetirePepper};

use super::shown;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::{Json, OptionalJson};
use crate::openapi::GuardedBody;
use crate::problem::Problem;

/// Retire the previous pepper
///
/// Gives the previous key up. While live tokens depend on it the call is refused, unless it says that they are to be revoked.
#[utoipa::path(
    post,
    path = "/v1/peppers/retire",
    tag = "peppers",
    security(("token" = ["system:write"])),
    request_body(content = Option<RetirePepper>, description = "May be left out."),
    responses(
        (status = 200, description = "The one live pepper.", body = Peppers),
        (status = 409, description = "`pepper_none_previous`, `pepper_has_stragglers`, `pepper_in_configuration`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
    ),
)]
pub(crate) async fn retire_pepper(
    permit: Permit<scope::SystemWrite>,
    State(app): State<App>,
    OptionalJson(body): OptionalJson<RetirePepper>,
) -> Result<Json<Peppers>, Problem> {
    let retired = app
        .service()
        .retire_pepper(&permit.context, body.revoke_stragglers)
        .await?;
    Ok(Json(shown(retired.peppers, retired.receipt.as_ref())))
}
