//! Tokens for tests, in the words of the specification.

use std::time::Duration;

use claviger_service::Clock as _;
use serde_json::{Map, Value, json};

use crate::{Answer, Caller, TestClock};

/// A token that the administrator is about to issue.
pub struct TokenBuilder<'a> {
    issuer: Caller,
    clock: &'a TestClock,
    body: Map<String, Value>,
}

// === impl TokenBuilder ===

/// Why a test makes a token that needs a reason.
const REASON: &str = "a test needs it";

impl<'a> TokenBuilder<'a> {
    pub(crate) fn new(issuer: &Caller, clock: &'a TestClock, name: String) -> Self {
        let body = [("name", name), ("scopes", String::new())];
        let mut body: Map<_, _> = body
            .map(|(key, value)| (key.to_owned(), Value::from(value)))
            .into_iter()
            .collect();
        body.insert("scopes".to_owned(), json!(["*"]));
        Self {
            issuer: issuer.clone(),
            clock,
            body,
        }
    }

    /// With this name; `token 1`, `token 2` … unless said.
    #[must_use]
    pub fn name(self, name: &str) -> Self {
        self.field("name", name)
    }

    /// With this description.
    #[must_use]
    pub fn description(self, description: &str) -> Self {
        self.field("description", description)
    }

    /// With these scopes and no others.
    #[must_use]
    pub fn scopes<const N: usize>(self, scopes: [&str; N]) -> Self {
        self.field("scopes", scopes.to_vec())
    }

    /// Ending that long after now, to the microsecond.
    #[must_use]
    pub fn expires_in(self, time: Duration) -> Self {
        let at = self.clock.now() + time;
        self.field("expires_at", at.to_string())
    }

    /// Ending in so many days: 7, 30, 60 or 90.
    #[must_use]
    pub fn expires_in_days(self, days: u32) -> Self {
        self.field("expires_in_days", days)
    }

    /// Without an end.
    #[must_use]
    pub fn never_expires(self) -> Self {
        self.field("never_expires", true).field("reason", REASON)
    }

    /// Acting as itself instead of as the administrator.
    #[must_use]
    pub fn global(self) -> Self {
        self.field("type", "global").field("reason", REASON)
    }

    /// Issued by someone else.
    #[must_use]
    pub fn issued_by(mut self, issuer: &Caller) -> Self {
        self.issuer = issuer.clone();
        self
    }

    /// Any field of the request.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.body.insert(name.to_owned(), value.into());
        self
    }

    /// Issues it.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn issue(self) -> Caller {
        let issuer = self.issuer.clone();
        let answer = self.try_issue().await;
        answer.expect_status(201);
        let token = answer.json()["token"].clone();
        issuer.with_token(&answer.at("/secret"), token)
    }

    /// Asks for it and gives the answer as it is.
    pub async fn try_issue(self) -> Answer {
        self.issuer.post("/v1/tokens", Value::Object(self.body)).await
    }
}
