//! Requests that issue tokens, and requests that revoke those that were issued.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::load::{Answer, Traffic};
use crate::seeded::{self, Lot};

/// Issues one token after the other, and remembers which.
#[derive(Default)]
pub(super) struct Issues {
    number: u64,
    /// `POST /v1/tokens` without its length and body.
    head: Vec<u8>,
    issued: Vec<String>,
}

/// Revokes tokens that were issued, as long as there are any, and keeps how long each receipt took.
#[derive(Default)]
pub(super) struct Revokes {
    authorization: String,
    waiting: Vec<String>,
    /// How many are to be left for others.
    spared: usize,
    receipts: Vec<f64>,
}

/// A whole request of the caller.
///
/// # Errors
/// Never in practice.
pub(super) fn request(method: &str, path: &str, body: &str) -> Result<Vec<u8>> {
    let length = body.len();
    let kind = if body.is_empty() {
        ""
    } else {
        "content-type: application/json\r\n"
    };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\n{}{kind}",
        authorization()?
    );
    Ok(format!("{head}content-length: {length}\r\n\r\n{body}").into_bytes())
}

fn authorization() -> Result<String> {
    let caller = seeded::secret(Lot::Caller, 0)?;
    Ok(format!("authorization: Bearer {}\r\n", caller.expose()))
}

// === impl Issues ===

impl Issues {
    pub(super) fn new() -> Result<Self> {
        let head = format!(
            "POST /v1/tokens HTTP/1.1\r\nhost: localhost\r\n{}content-type: application/json\r\n",
            authorization()?
        );
        Ok(Self {
            head: head.into_bytes(),
            ..Self::default()
        })
    }
}

impl Traffic for Issues {
    fn next(&mut self, request: &mut Vec<u8>) -> bool {
        let number = self.number;
        self.number += 1;
        let body = format!(
            "{{\"name\":\"issued {number:08}\",\"type\":\"global\",\"reason\":\"measuring\",\"scopes\":[\"deployments:write\"]}}"
        );
        request.extend_from_slice(&self.head);
        request.extend_from_slice(format!("content-length: {}\r\n\r\n{body}", body.len()).as_bytes());
        true
    }

    fn answered(&mut self, answer: Answer<'_>, _: Duration) -> Result<()> {
        let body = String::from_utf8_lossy(answer.body);
        ensure!(answer.status == 201, "issuing answered {}: {body}", answer.status);
        let id = body
            .split_once("\"id\":\"")
            .and_then(|(_, rest)| rest.split_once('"'));
        self.issued
            .push(id.context("an issued token has no id")?.0.to_owned());
        Ok(())
    }
}

// === impl Revokes ===

impl Revokes {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            authorization: authorization()?,
            ..Self::default()
        })
    }

    /// Takes over what was issued.
    pub(super) fn take_from(&mut self, issues: &mut Issues) {
        self.waiting.append(&mut issues.issued);
    }

    /// Leaves half of those that wait now.
    pub(super) fn spare_half(&mut self) {
        self.spared = self.waiting.len() / 2;
    }

    /// Leaves none.
    pub(super) fn spare_none(&mut self) {
        self.spared = 0;
    }

    /// Milliseconds of each receipt since the last call.
    pub(super) fn take_receipts(&mut self) -> Vec<f64> {
        std::mem::take(&mut self.receipts)
    }
}

impl Traffic for Revokes {
    fn next(&mut self, request: &mut Vec<u8>) -> bool {
        if self.waiting.len() <= self.spared {
            return false;
        }
        let Some(id) = self.waiting.pop() else {
            return false;
        };
        let text = format!(
            "POST /v1/tokens/{id}/revoke HTTP/1.1\r\nhost: localhost\r\n{}content-length: 0\r\n\r\n",
            self.authorization
        );
        request.extend_from_slice(text.as_bytes());
        true
    }

    fn answered(&mut self, answer: Answer<'_>, took: Duration) -> Result<()> {
        let body = String::from_utf8_lossy(answer.body);
        ensure!(
            answer.status == 200 && body.contains("\"receipt\""),
            "revoking answered {}: {body}",
            answer.status
        );
        self.receipts.push(took.as_secs_f64() * 1e3);
        Ok(())
    }
}
