//! R21: the audit trail holds exactly one event for each operation that was done, in one unbroken chain.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::api::Api;

/// Reads the trail from where it stood last.
#[derive(Debug, Clone)]
pub(super) struct AuditReader {
    seq: u64,
    at: String,
    /// Events compared so far.
    pub(super) compared: u64,
}

impl AuditReader {
    /// Begins at the present end of the trail.
    pub(super) async fn begin(api: &Api) -> Result<Self> {
        let newest = api.get("/v1/audit/events?limit=1").await?;
        let newest = newest
            .pointer("/data/0")
            .context("the set-up left no audit event")?;
        Ok(Self {
            seq: seq_of(newest)?,
            at: text(newest, "at")?,
            compared: 0,
        })
    }

    /// Compares the events since the last time with those that must be there; gives what does not fit.
    pub(super) async fn compare(
        &mut self,
        api: &Api,
        expected: &HashMap<(&'static str, String), u32>,
    ) -> Result<Vec<String>> {
        let mut findings = Vec::new();
        let mut there: HashMap<(String, String), u32> = HashMap::new();
        for line in api
            .text(&format!("/v1/audit/export?since={}", self.at))
            .await?
            .lines()
        {
            let event: Value = serde_json::from_str(line)?;
            let seq = seq_of(&event)?;
            if seq <= self.seq {
                continue;
            }
            if seq != self.seq + 1 {
                findings.push(format!("after audit event {} comes {seq}", self.seq));
            }
            self.seq = seq;
            self.at = text(&event, "at")?;
            self.compared += 1;
            *there
                .entry((text(&event, "action")?, text(&event, "subject")?))
                .or_default() += 1;
        }
        for ((action, subject), count) in expected {
            let found = there
                .remove(&((*action).to_owned(), subject.clone()))
                .unwrap_or(0);
            if found != *count {
                findings.push(format!(
                    "{count} times {action} of {subject}, and {found} audit events"
                ));
            }
        }
        for ((action, subject), count) in there {
            findings.push(format!(
                "{count} audit events {action} of {subject} that nobody asked for"
            ));
        }
        let verdict = api.post("/v1/audit/verify", None, None).await?;
        if verdict.get("intact") != Some(&Value::Bool(true)) {
            findings.push(format!("the audit chain is broken: {verdict}"));
        }
        Ok(findings)
    }
}

fn seq_of(event: &Value) -> Result<u64> {
    event
        .get("seq")
        .and_then(Value::as_u64)
        .with_context(|| format!("an audit event without a place: {event}"))
}

fn text(event: &Value, key: &str) -> Result<String> {
    let text = event.get(key).and_then(Value::as_str);
    Ok(text
        .with_context(|| format!("an audit event without {key}: {event}"))?
        .to_owned())
}
