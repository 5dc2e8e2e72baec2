//! The audit trail: who changed what, bound together by hashes.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// One event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditEvent {
    /// Place in the chain: 1, 2, 3, … without a gap.
    pub seq: u64,
    /// When.
    pub at: String,
    /// Who: a user (`usr_…`), a token that acts as itself (`tok_…`), `holder:tok_…`, `operator` or `system`.
    pub actor: String,
    /// The token (`tok_…`) or session (`ses_…`) that the actor presented.
    pub via: Option<String>,
    /// What.
    #[schema(example = "token.issued")]
    pub action: String,
    /// The thing that changed.
    pub subject: String,
    /// What changed.
    pub detail: serde_json::Value,
    /// The request that caused it.
    pub request_id: String,
    /// Whence the request came.
    pub address: Option<String>,
    /// SHA-256 over the hash of the event before and this event, in hex.
    pub hash: String,
}

/// Which events to list; the newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAudit {
    /// Only this action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Only events about this thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Only events by this actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Only events at or after this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Only events before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Rows of a page, 1–200; 50 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before, with the same filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Whether the chain holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditVerdict {
    /// True when every link holds and nothing is missing at the end.
    pub intact: bool,
    /// Events that were read.
    pub events: u64,
    /// Place of the last event.
    pub head_seq: u64,
    /// Hash of the last event, in hex. Keep it elsewhere to prove later that nothing before it changed.
    pub head_hash: String,
    /// The first fault; `null` when there is none.
    pub fault: Option<AuditFault>,
}

/// Where the chain breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditFault {
    /// The event at which it was seen.
    pub seq: u64,
    /// `event_changed`, `event_missing`, `tail_missing` or `head_changed`.
    pub code: String,
    /// The same for a person.
    pub detail: String,
}
