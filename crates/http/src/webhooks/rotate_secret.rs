//! `POST /v1/webhooks/{id}/rotate-secret`

use axum::extract::State;
use claviger_api::webhooks::WebhookWithSecret;
use claviger_domain::WebhookId;

use super::wire;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::PathId;

/// Rotate a webhook's secret
///
/// Shows a new secret, this once. For 24 hours every event bears a signature under each of the two, so that the receiver can change over;
/// a second rotation in that time ends the oldest at once.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/rotate-secret",
    tag = "webhooks",
    security(("token" = ["webhooks:write"])),
    params(("id" = String, Path, description = "The webhook's handle.", example = "whk_01k9zv5m3r000")),
    responses(
        (status = 200, description = "The webhook and its new secret.", body = WebhookWithSecret),
        (status = 404, description = "`webhook_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn rotate_webhook_secret(
    permit: Permit<scope::WebhooksWrite>,
    State(app): State<App>,
    PathId(id): PathId<WebhookId>,
) -> Result<Json<WebhookWithSecret>, Problem> {
    let rotated = app.service().rotate_webhook_secret(&permit.context, id).await?;
    Ok(Json(wire::with_secret(&rotated)))
}
