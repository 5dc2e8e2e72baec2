//! `POST /v1/webhooks/{id}/test`

use axum::extract::State;
use claviger_api::webhooks::Delivery;
use claviger_domain::WebhookId;
use http::StatusCode;

use super::wire;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::PathId;

/// Test a webhook
///
/// Sends an event of the type `webhook.test`, signed like any other, within a second or two. How it went, its delivery tells.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/test",
    tag = "webhooks",
    security(("token" = ["webhooks:write"])),
    params(("id" = String, Path, description = "The webhook's handle.", example = "whk_01k9zv5m3r000")),
    responses(
        (status = 202, description = "The delivery.", body = Delivery),
        (status = 404, description = "`webhook_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`webhook_disabled`, `webhook_tests_pending`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn test_webhook(
    permit: Permit<scope::WebhooksWrite>,
    State(app): State<App>,
    PathId(id): PathId<WebhookId>,
) -> Result<(StatusCode, Json<Delivery>), Problem> {
    let delivery = app.service().test_webhook(&permit.context, id).await?;
    Ok((StatusCode::ACCEPTED, Json(wire::delivery(&delivery))))
}
