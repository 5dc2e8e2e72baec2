//! `POST /v1/webhooks`

use axum::extract::State;
use claviger_api::webhooks::{CreateWebhook, WebhookWithSecret};
use claviger_domain::TeamId;
use claviger_domain::name::Description;
use claviger_domain::webhook::parse_events;
use claviger_service::webhooks::NewWebhook;
use http::StatusCode;

use super::wire;
use crate::app::App;
use crate::fields::{Fields, id, optional};
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::GuardedBody;
use crate::problem::Problem;

/// Create a webhook
///
/// Names a place that is told when tokens come near their end, reach it, or are presented after it; and shows the secret that signs, this
/// once. A team's webhook takes a token that reaches the team, the organization's one that reaches all of it.
#[utoipa::path(
    post,
    path = "/v1/webhooks",
    tag = "webhooks",
    security(("token" = ["webhooks:write"])),
    request_body = CreateWebhook,
    responses(
        (status = 201, description = "The webhook and its secret.", body = WebhookWithSecret),
        (status = 404, description = "`team_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`webhook_limit_reached`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
    ),
)]
pub(crate) async fn create_webhook(
    permit: Permit<scope::WebhooksWrite>,
    State(app): State<App>,
    Json(body): Json<CreateWebhook>,
) -> Result<(StatusCode, Json<WebhookWithSecret>), Problem> {
    let new = parsed(body)?;
    let made = app.service().create_webhook(&permit.context, new).await?;
    Ok((StatusCode::CREATED, Json(wire::with_secret(&made))))
}

fn parsed(body: CreateWebhook) -> Result<NewWebhook, Problem> {
    let mut fields = Fields::default();
    let team = fields.take(optional("team", body.team.as_deref(), id::<TeamId>));
    let description = fields.take(optional(
        "description",
        body.description.as_deref(),
        Description::parse,
    ));
    let events = fields.take_all(parse_events("events", body.events.as_deref()));
    let (Some(team), Some(description), Some(events)) = (team, description, events) else {
        return Err(fields.refused());
    };
    Ok(NewWebhook {
        team,
        url: body.url,
        description: description.unwrap_or_default(),
        events,
    })
}
