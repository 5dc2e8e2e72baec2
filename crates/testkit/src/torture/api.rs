//! The calls that a programme makes. A call has an answer or none: what became of a call without one is unknown.

use std::time::Duration;

use anyhow::{Result, bail};
use reqwest::Method;
use serde_json::{Value, json};

/// No operation of a healthy server takes this long.
const LIMIT: Duration = Duration::from_secs(20);

/// Calls one server with one token.
#[derive(Debug, Clone)]
pub(super) struct Api {
    http: reqwest::Client,
    base: String,
    token: String,
}

/// What became of a call.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// The server answered.
    Answered { status: u16, body: Value },
    /// No answer: the call may have been carried out or not.
    Lost(String),
}

// === impl Reply ===

impl Reply {
    /// The body when the server says that it did it.
    pub(super) fn done(&self) -> Option<&Value> {
        match self {
            Self::Answered { status, body } if (200..300).contains(status) => Some(body),
            _ => None,
        }
    }

    fn ok(self, what: &str) -> Result<Value> {
        match self {
            Self::Answered { status, body } if (200..300).contains(&status) => Ok(body),
            Self::Answered { status, body } => bail!("{what} was answered {status}: {body}"),
            Self::Lost(error) => bail!("{what} got no answer: {error}"),
        }
    }
}

// === impl Api ===

impl Api {
    pub(super) fn new(http: &reqwest::Client, base: String, token: &str) -> Self {
        Self {
            http: http.clone(),
            base,
            token: token.to_owned(),
        }
    }

    /// The same server under another address, as a proxy before it.
    pub(super) fn through(&self, base: String) -> Self {
        Self { base, ..self.clone() }
    }

    /// A client without keep-alive, so that a killed server leaves no half-dead connections behind.
    pub(super) fn fresh_connections() -> Result<reqwest::Client> {
        Ok(reqwest::Client::builder().no_proxy().timeout(LIMIT).build()?)
    }

    /// One call. `key` is an Idempotency-Key.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Reply {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.token);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Reply::Lost(format!("{error:?}")),
        };
        let status = response.status().as_u16();
        // An answer that breaks off in its body says nothing certain.
        match response.bytes().await {
            Ok(bytes) => Reply::Answered {
                status,
                body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            },
            Err(error) => Reply::Lost(format!("{error:?}")),
        }
    }

    /// GET of something that must be there.
    pub(super) async fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, None, None).await.ok(path)
    }

    /// POST that must succeed.
    pub(super) async fn post(&self, path: &str, key: Option<&str>, body: Option<&Value>) -> Result<Value> {
        self.call(Method::POST, path, key, body).await.ok(path)
    }

    /// What `/v1/verify` says of this string: `valid`, `revoked`, `unknown` …
    pub(super) async fn verify(&self, secret: &str) -> Result<String> {
        let decision = self
            .post("/v1/verify", None, Some(&json!({ "token": secret })))
            .await?;
        match decision.get("code").and_then(Value::as_str) {
            Some(code) => Ok(code.to_owned()),
            None => bail!("a decision without a code: {decision}"),
        }
    }

    /// The status that the bearer of this string gets when it asks about itself.
    pub(super) async fn bearer_status(&self, secret: &str) -> Result<u16> {
        let request = self
            .http
            .get(format!("{}/v1/tokens/self", self.base))
            .bearer_auth(secret);
        let response = request.send().await?;
        let status = response.status().as_u16();
        // Read to its end, so that the connection is used again.
        response.bytes().await?;
        Ok(status)
    }

    /// A page of text, as it is.
    pub(super) async fn text(&self, path: &str) -> Result<String> {
        let request = self
            .http
            .get(format!("{}{path}", self.base))
            .bearer_auth(&self.token);
        Ok(request.send().await?.error_for_status()?.text().await?)
    }

    /// All rows of a list, page by page.
    pub(super) async fn all(&self, path: &str, query: &str) -> Result<Vec<Value>> {
        let mut rows = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut page = self.get(&format!("{path}?limit=200&{query}{cursor}")).await?;
            match page.get_mut("data").map(Value::take) {
                Some(Value::Array(data)) => rows.extend(data),
                _ => bail!("a list without data: {page}"),
            }
            match page.get("next_cursor").and_then(Value::as_str) {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(rows),
            }
        }
    }
}
