//! Posting to webhooks: one try, bounded in time and in what is read of the answer.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use claviger_service::outbound::{Post, SendError};
use reqwest::header::{CONTENT_TYPE, USER_AGENT};
use reqwest::redirect::Policy;

use super::resolver::{Guarded, NameResolver, NotPublic};
use super::rules::Rules;

/// The longest that one try may take.
const TRY: Duration = Duration::from_secs(20);
/// The longest until there is a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Bytes that are read of an answer's body, so that a receiver that says a few words is heard out.
const ANSWER_MAX: usize = 16 * 1024;
const AGENT: &str = concat!("Claviger/", env!("CARGO_PKG_VERSION"));

/// The client.
pub(super) struct Poster {
    rules: Arc<Rules>,
    client: reqwest::Client,
}

impl Poster {
    /// A client that calls what the rules let it, and knows names from `resolver`.
    ///
    /// # Errors
    /// When the machine has no certificates to trust.
    pub(super) fn new(rules: Arc<Rules>, resolver: Arc<dyn NameResolver>) -> Result<Self> {
        let client = reqwest::Client::builder()
            .dns_resolver(Guarded::new(Arc::clone(&rules), resolver))
            .redirect(Policy::none())
            .no_proxy()
            .timeout(TRY)
            .connect_timeout(CONNECT)
            // A kept connection would outlive the judgement of its address.
            .pool_max_idle_per_host(0)
            .http1_only()
            .build()
            .context("the client for webhooks could not be made")?;
        Ok(Self { rules, client })
    }

    /// Posts once and gives the status of the answer.
    ///
    /// # Errors
    /// A reason that names neither address nor network: who reads it may not know them, and could learn about ours.
    pub(super) async fn post(&self, post: Post) -> Result<u16, SendError> {
        let refused = |_| SendError("the address is not allowed".to_owned());
        let url = self.rules.address(&post.url).map_err(refused)?;
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, AGENT)
            .header("webhook-id", &post.id)
            .header("webhook-timestamp", post.timestamp)
            .header("webhook-signature", &post.signature)
            .body(post.body);
        let mut answer = request.send().await.map_err(|error| reason(&error))?;
        let status = answer.status().as_u16();
        let mut read = 0;
        while read < ANSWER_MAX {
            // The status is known; how the rest ends changes nothing.
            match answer.chunk().await {
                Ok(Some(chunk)) => read += chunk.len(),
                Ok(None) | Err(_) => break,
            }
        }
        Ok(status)
    }
}

fn reason(error: &reqwest::Error) -> SendError {
    let mut cause = error.source();
    while let Some(source) = cause {
        if source.is::<NotPublic>() {
            return SendError("the address is not allowed".to_owned());
        }
        cause = source.source();
    }
    let reason = if error.is_timeout() {
        "there was no answer in time"
    } else if error.is_connect() {
        "the receiver could not be reached"
    } else {
        "the connection broke, or the answer was no HTTP"
    };
    SendError(reason.to_owned())
}

#[cfg(test)]
mod tests;
