//! `DELETE /v1/webhooks/{id}`

use axum::extract::State;
use claviger_domain::WebhookId;
use http::StatusCode;

use crate::app::App;
use crate::guard::{Permit, scope};
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::PathId;

/// Delete a webhook
///
/// Drops it with its deliveries; what is on its way may still arrive.
#[utoipa::path(
    delete,
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    security(("token" = ["webhooks:write"])),
    params(("id" = String, Path, description = "The webhook's handle.", example = "whk_01k9zv5m3r000")),
    responses(
        (status = 204, description = "It is gone."),
        (status = 404, description = "`webhook_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn delete_webhook(
    permit: Permit<scope::WebhooksWrite>,
    State(app): State<App>,
    PathId(id): PathId<WebhookId>,
) -> Result<StatusCode, Problem> {
    app.service().delete_webhook(&permit.context, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
