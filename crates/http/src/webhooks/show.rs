//! `GET /v1/webhooks/{id}`

use axum::extract::State;
use claviger_api::webhooks::Webhook;
use claviger_domain::WebhookId;

use super::wire;
use crate::app::App;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::PathId;

/// Show a webhook
///
/// And whether it is told anything. Its secret is not shown again.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    security(("token" = ["webhooks:read"])),
    params(("id" = String, Path, description = "The webhook's handle.", example = "whk_01k9zv5m3r000")),
    responses(
        (status = 200, description = "The webhook.", body = Webhook),
        (status = 404, description = "`webhook_not_found`: there is none, or none that you may know of.", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn show_webhook(
    permit: Permit<scope::WebhooksRead>,
    State(app): State<App>,
    PathId(id): PathId<WebhookId>,
) -> Result<Json<Webhook>, Problem> {
    let webhook = app.service().show_webhook(&permit.context, id).await?;
    Ok(Json(wire::webhook(&webhook)))
}
