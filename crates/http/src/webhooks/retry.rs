//! `POST /v1/webhooks/{id}/deliveries/{delivery_id}/retry`

use axum::extract::State;
use claviger_api::webhooks::Delivery;
use claviger_domain::{DeliveryId, WebhookId};
use http::StatusCode;

use super::wire;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::PathIds;

/// Retry a delivery
///
/// Delivers it once more, at once and with all ten tries before it, whether it was delivered, given up or still waits. The receiver sees
/// the same `webhook-id`.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/deliveries/{delivery_id}/retry",
    tag = "webhooks",
    security(("token" = ["webhooks:write"])),
    params(
        ("id" = String, Path, description = "The webhook's handle.", example = "whk_01k9zv5m3r000"),
        ("delivery_id" = String, Path, description = "The delivery's handle.", example = "dlv_01k9zv5m3r000"),
    ),
    responses(
        (status = 202, description = "The delivery.", body = Delivery),
        (status = 404, description = "`webhook_not_found`, `delivery_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`webhook_disabled`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn retry_delivery(
    permit: Permit<scope::WebhooksWrite>,
    State(app): State<App>,
    PathIds(id, delivery): PathIds<WebhookId, DeliveryId>,
) -> Result<(StatusCode, Json<Delivery>), Problem> {
    let delivery = app
        .service()
        .retry_delivery(&permit.context, id, delivery)
        .await?;
    Ok((StatusCode::ACCEPTED, Json(wire::delivery(&delivery))))
}
