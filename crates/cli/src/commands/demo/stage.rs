//! How the demo looks: numbered steps, what was sent, what came back.
//!
//! Invariant: the status that is shown is the one that came over the wire.

use std::{
    fmt::Display,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
};

use claviger_client::{Client, Credential};
use serde::Serialize;

use crate::{
    exit::{Failure, Outcome},
    output,
};

/// A client whose requests are shown.
pub(super) struct Actor {
    pub(super) client: Client,
    /// What stands for its token: the hint, or that it has none.
    who: String,
    status: Arc<AtomicU16>,
}

// === impl Actor ===

impl Actor {
    /// Somebody who presents `token`, or nothing.
    pub(super) fn new(url: &str, token: Option<&str>) -> Outcome<Self> {
        let status = Arc::new(AtomicU16::new(0));
        let seen = Arc::clone(&status);
        let mut builder = Client::builder(url)
            .observer(move |exchange| seen.store(exchange.status.unwrap_or(0), Ordering::Relaxed));
        let mut who = "without a token".to_owned();
        if let Some(token) = token {
            builder = builder.credential(Credential::new(token)?);
            who = format!("Authorization: Bearer …{}", hint(token));
        }
        Ok(Self {
            client: builder.build()?,
            who,
            status,
        })
    }

    /// Shows a request that is about to be sent.
    pub(super) fn sends(&self, method: &str, path: &str, body: Option<&impl Serialize>) -> Outcome<()> {
        output::line(&format!("   → {method} {path}   {}", self.who))?;
        if let Some(body) = body {
            output::line(&format!("     {}", json(body)?))?;
        }
        Ok(())
    }

    /// Shows what came back: the status, and the words that matter of the body.
    pub(super) fn gets(&self, words: impl Display) -> Outcome<()> {
        output::line(&format!("   ← {} {words}", self.status.load(Ordering::Relaxed)))
    }
}

/// A body as it travels.
pub(super) fn json(body: &impl Serialize) -> Outcome<String> {
    serde_json::to_string(body).map_err(|error| Failure::Failed(error.into()))
}

/// Begins a step.
pub(super) fn step(number: u8, what: &str) -> Outcome<()> {
    output::page("")?;
    output::line(&format!("{number}  {what}"))
}

/// A word of explanation within a step.
pub(super) fn aside(text: &str) -> Outcome<()> {
    output::line(&format!("   {text}"))
}

/// A line at the end.
pub(super) fn last_word(text: &str) -> Outcome<()> {
    output::page("")?;
    output::line(text)
}

/// The last four characters of a token, as lists show them.
pub(super) fn hint(token: &str) -> &str {
    let start = token.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
    &token[start..]
}
