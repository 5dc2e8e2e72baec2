//! Webhooks: places that are told of events, what they are told, and how it went.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::tokens::TokenType;

/// A webhook to create.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWebhook {
    /// Where events are posted: `https`, at most 2,048 bytes. It is called only while it leads to a public address, or to one that the
    /// operator allows.
    #[schema(example = "https://example.org/hooks/claviger")]
    pub url: String,
    /// At most 350 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `token.expiring`, `token.expired`, `token.refused_after_expiry`; all of them unless you say otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["token.expiring"]))]
    pub events: Option<Vec<String>>,
    /// The team whose tokens, and whose services' tokens, it hears of; all of the organization's unless you name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
}

/// What to change of a webhook. Absent fields stay as they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateWebhook {
    /// Another address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A new description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Other events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<String>>,
    /// `false`: it is told nothing, and what still waited is given up. `true`: it is told again what happens from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// A webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Webhook {
    /// The handle.
    #[schema(example = "whk_01k9zv5m3r000")]
    pub id: String,
    /// Where events are posted.
    pub url: String,
    /// For people; may be empty.
    pub description: String,
    /// Which events it hears of.
    #[schema(example = json!(["token.expiring"]))]
    pub events: Vec<String>,
    /// The team whose tokens it hears of; `null` = all of the organization's.
    pub team: Option<String>,
    /// Whether it is told anything.
    pub enabled: bool,
    /// Since when it is told nothing.
    pub disabled_at: Option<String>,
    /// Why: `requested`, or `gone` when the receiver answered 410.
    pub disabled_reason: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// The principal that made it.
    pub created_by: String,
    /// When it last changed.
    pub updated_at: String,
}

/// A webhook with a new secret, which is shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookWithSecret {
    /// The record.
    pub webhook: Webhook,
    /// What the receiver checks signatures with, as Standard Webhooks writes it. After a rotation the secret before signs beside it for
    /// 24 hours.
    #[schema(example = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")]
    pub secret: String,
}

/// Which webhooks to list, the newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListWebhooks {
    /// Only those of this team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Rows of a page, 1–200; 50 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before, with the same filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is going to be tried, or tried again.
    Pending,
    /// The receiver took it: a status from 200 to 299.
    Delivered,
    /// It was given up: after ten tries, at a 410, or because the webhook was disabled.
    Failed,
}

/// An event on its way to a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// The handle. The receiver sees it as `webhook-id`, the same at every try.
    #[schema(example = "dlv_01k9zv5m3r000")]
    pub id: String,
    /// What happened.
    #[schema(example = "token.expiring")]
    pub event: String,
    /// The token that it is about; `null` for a test.
    pub token: Option<String>,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was made.
    pub created_at: String,
    /// When it is tried next; `null` = not again.
    pub next_attempt_at: Option<String>,
    /// When it was last tried.
    pub last_attempt_at: Option<String>,
    /// The status that the receiver last answered with.
    pub last_status: Option<u32>,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

/// Which of a webhook's deliveries to list, the newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListDeliveries {
    /// Only those in this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<DeliveryState>,
    /// Rows of a page, 1–200; 50 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before, with the same filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// The body that a webhook receives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookPayload {
    /// What happened: `token.expiring`, `token.expired`, `token.refused_after_expiry` or `webhook.test`.
    #[serde(rename = "type")]
    pub event: String,
    /// When.
    pub timestamp: String,
    /// About what.
    pub data: WebhookData,
}

/// What a webhook is told about. Never a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookData {
    /// The token; absent in a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<WebhookToken>,
    /// For `token.expiring`, how near the end is: 60, 30, 14, 7 or 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold_days: Option<u32>,
    /// The webhook; only in a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
}

/// A token as it was when the event happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookToken {
    /// The handle.
    #[schema(example = "tok_01k9zv5m3r000")]
    pub id: String,
    /// What kind of principal it acts as.
    #[serde(rename = "type")]
    pub token_type: TokenType,
    /// Its name.
    pub name: String,
    /// The last four characters of the secret.
    pub hint: String,
    /// The principal it acts as.
    pub owner: String,
    /// The team whose token it is, or whose service's; `null` for the other types.
    pub team: Option<String>,
    /// The service whose token it is; `null` for the other types.
    pub service: Option<String>,
    /// When it ends, or ended.
    pub expires_at: Option<String>,
    /// When it was last accepted; `null` = never.
    pub last_used_at: Option<String>,
}
