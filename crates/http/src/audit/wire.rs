//! Between the audit trail and its wire types.

use std::fmt::Write;

use claviger_api::audit as api;
use claviger_service::audit::{Entry, Verdict};
use serde::Deserialize;
use utoipa::IntoParams;

/// What to export.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportAudit {
    /// Only events at or after this instant.
    pub(crate) since: Option<String>,
    /// Only events before this instant.
    pub(crate) until: Option<String>,
}

/// One event.
pub(crate) fn event(entry: &Entry) -> api::AuditEvent {
    let event = &entry.event;
    api::AuditEvent {
        seq: event.seq,
        at: event.at.to_string(),
        actor: event.actor.clone(),
        via: event.via.clone(),
        action: event.action.clone(),
        subject: event.subject.clone(),
        // It was written as an object; a row that somebody spoilt is shown as the text it is.
        detail: serde_json::from_str(&event.detail).unwrap_or_else(|_| event.detail.clone().into()),
        request_id: event.request_id.clone(),
        address: event.address.clone(),
        hash: hex(&entry.hash),
    }
}

/// Whether the chain holds.
pub(crate) fn verdict(verdict: &Verdict) -> api::AuditVerdict {
    api::AuditVerdict {
        intact: verdict.fault.is_none(),
        events: verdict.events,
        head_seq: verdict.head_seq,
        head_hash: hex(&verdict.head_hash),
        fault: verdict.fault.as_ref().map(|fault| api::AuditFault {
            seq: fault.seq,
            code: fault.code.as_str().to_owned(),
            detail: fault.code.sentence().to_owned(),
        }),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
