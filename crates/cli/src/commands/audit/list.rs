//! `claviger audit list`: the trail, the newest event first.

use clap::Args;
use claviger_api::audit::{AuditEvent, ListAudit};
use serde_json::Value;

use crate::{
    exit::{self, Exit, Outcome},
    expiry::instant,
    paging::{self, Paging},
    remote::Remote,
};

/// List audit events, the newest first.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct List {
    /// Only this action, such as `token.issued`.
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only events about this thing.
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// Only events by this actor.
    #[arg(long, value_name = "ID")]
    actor: Option<String>,
    /// Only events at or after this instant.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    since: Option<String>,
    /// Only events before this instant.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    until: Option<String>,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    remote: Remote,
}

// === impl List ===

impl List {
    pub(super) async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let start = |limit, cursor| ListAudit {
            action: self.action,
            subject: self.subject,
            actor: self.actor,
            since: self.since,
            until: self.until,
            limit: Some(limit),
            cursor,
        };
        let page = self.paging.read(&client, start).await?;
        let headings = ["SEQ", "AT", "ACTOR", "ACTION", "SUBJECT", "DETAIL", "REQUEST"];
        paging::show(&page, self.remote.json, &headings, row)?;
        Ok(Exit::Done)
    }
}

fn row(event: &AuditEvent) -> Vec<String> {
    vec![
        event.seq.to_string(),
        event.at.clone(),
        event.actor.clone(),
        event.action.clone(),
        event.subject.clone(),
        detail(&event.detail),
        event.request_id.clone(),
    ]
}

/// What changed, as words that a line can break between.
fn detail(detail: &Value) -> String {
    let Value::Object(fields) = detail else {
        return detail.to_string();
    };
    let fields = fields.iter().map(|(name, value)| match value {
        Value::String(text) => format!("{name}={text}"),
        value => format!("{name}={value}"),
    });
    fields.collect::<Vec<_>>().join(" ")
}
