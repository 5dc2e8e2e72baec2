//! `PATCH /v1/webhooks/{id}`

use axum::extract::State;
use claviger_api::webhooks::{UpdateWebhook, Webhook};
use claviger_domain::WebhookId;
use claviger_domain::name::Description;
use claviger_domain::webhook::parse_events;
use claviger_service::webhooks::WebhookChanges;

use super::wire;
use crate::app::App;
use crate::fields::{Fields, optional};
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::GuardedBody;
use crate::problem::Problem;
use crate::query::PathId;

/// Update a webhook
///
/// Changes address, description, events and whether it is told anything; absent fields stay.
#[utoipa::path(
    patch,
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    security(("token" = ["webhooks:write"])),
    params(("id" = String, Path, description = "The webhook's handle.", example = "whk_01k9zv5m3r000")),
    request_body = UpdateWebhook,
    responses(
        (status = 200, description = "The webhook after the change.", body = Webhook),
        (status = 404, description = "`webhook_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
    ),
)]
pub(crate) async fn update_webhook(
    permit: Permit<scope::WebhooksWrite>,
    State(app): State<App>,
    PathId(id): PathId<WebhookId>,
    Json(body): Json<UpdateWebhook>,
) -> Result<Json<Webhook>, Problem> {
    let changes = parsed(body)?;
    let webhook = app.service().update_webhook(&permit.context, id, changes).await?;
    Ok(Json(wire::webhook(&webhook)))
}

fn parsed(body: UpdateWebhook) -> Result<WebhookChanges, Problem> {
    let mut fields = Fields::default();
    let description = fields.take(optional(
        "description",
        body.description.as_deref(),
        Description::parse,
    ));
    let events = match &body.events {
        Some(texts) => fields.take_all(parse_events("events", Some(texts)).map(Some)),
        None => Some(None),
    };
    let (Some(description), Some(events)) = (description, events) else {
        return Err(fields.refused());
    };
    Ok(WebhookChanges {
        url: body.url,
        description,
        events,
        enabled: body.enabled,
    })
}
