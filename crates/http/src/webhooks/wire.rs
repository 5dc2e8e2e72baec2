//! Between the wire types of webhooks and the domain's, and the body that a webhook receives.

use claviger_api::webhooks as api;
use claviger_domain::reminder::Message;
use claviger_domain::token::Token;
use claviger_domain::webhook::{Delivery, DeliveryState, Webhook, WebhookEvent};
use claviger_service::webhooks::WithSecret;

use crate::tokens::wire::token as shown_token;

/// A webhook.
pub(crate) fn webhook(webhook: &Webhook) -> api::Webhook {
    api::Webhook {
        id: webhook.id.to_string(),
        url: webhook.url.clone(),
        description: webhook.description.as_str().to_owned(),
        events: webhook.events.iter().map(ToString::to_string).collect(),
        team: webhook.team.map(|team| team.to_string()),
        enabled: webhook.disabled.is_none(),
        disabled_at: webhook.disabled.map(|disabled| disabled.at.to_string()),
        disabled_reason: webhook
            .disabled
            .map(|disabled| disabled.reason.as_str().to_owned()),
        created_at: webhook.created_at.to_string(),
        created_by: webhook.created_by.to_string(),
        updated_at: webhook.updated_at.to_string(),
    }
}

/// A webhook with its new secret.
pub(crate) fn with_secret(made: &WithSecret) -> api::WebhookWithSecret {
    api::WebhookWithSecret {
        webhook: webhook(&made.webhook),
        secret: made.secret.expose().to_string(),
    }
}

/// A delivery.
pub(crate) fn delivery(delivery: &Delivery) -> api::Delivery {
    api::Delivery {
        id: delivery.id.to_string(),
        event: delivery.event.to_string(),
        token: delivery.token.map(|token| token.to_string()),
        state: match delivery.state {
            DeliveryState::Pending => api::DeliveryState::Pending,
            DeliveryState::Delivered => api::DeliveryState::Delivered,
            DeliveryState::Failed => api::DeliveryState::Failed,
        },
        attempts: delivery.attempts,
        created_at: delivery.created_at.to_string(),
        next_attempt_at: delivery.next_attempt_at.map(|at| at.to_string()),
        last_attempt_at: delivery.last_attempt_at.map(|at| at.to_string()),
        last_status: delivery.last_status,
        last_error: delivery.last_error.clone(),
    }
}

/// The named state.
pub(crate) fn parsed_state(state: api::DeliveryState) -> DeliveryState {
    match state {
        api::DeliveryState::Pending => DeliveryState::Pending,
        api::DeliveryState::Delivered => DeliveryState::Delivered,
        api::DeliveryState::Failed => DeliveryState::Failed,
    }
}

/// The body by which a webhook is told. It is kept as it is and repeated at every try, so that it can be signed.
pub fn webhook_body(message: &Message<'_>) -> String {
    let payload = match message {
        Message::Notice { kind, at, token } => api::WebhookPayload {
            event: kind.event().to_string(),
            timestamp: at.to_string(),
            data: api::WebhookData {
                token: Some(told_token(token)),
                threshold_days: kind.threshold_days(),
                webhook: None,
            },
        },
        Message::Test { at, webhook } => api::WebhookPayload {
            event: WebhookEvent::Test.to_string(),
            timestamp: at.to_string(),
            data: api::WebhookData {
                token: None,
                threshold_days: None,
                webhook: Some(webhook.to_string()),
            },
        },
    };
    // A struct of strings and numbers: writing it does not fail.
    serde_json::to_string(&payload).unwrap_or_default()
}

/// What of a token leaves the house.
fn told_token(token: &Token) -> api::WebhookToken {
    let shown = shown_token(token, None, token.updated_at);
    api::WebhookToken {
        id: shown.id,
        token_type: shown.token_type,
        name: shown.name,
        hint: shown.hint,
        owner: shown.owner,
        team: shown.team,
        service: shown.service,
        expires_at: shown.expires_at,
        last_used_at: shown.last_used_at,
    }
}
