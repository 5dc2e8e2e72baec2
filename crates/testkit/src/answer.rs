//! What a server answered, and how a test looks at it.
//!
//! [`Answer::expect`] compares the whole answer, status and body, with the text that stands in the test; `UPDATE_EXPECT=1` rewrites
//! it. The text is the body as it was sent, laid out for a reader: keys keep their order, what fits on a line stays on one.

mod layout;

use expect_test::Expect;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl Answer {
    /// Compares status and body with the text in the test.
    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "`answer.expect(expect![…])` reads better in a thousand tests"
    )]
    pub fn expect(&self, expected: Expect) -> &Self {
        expected.assert_eq(&self.text());
        self
    }

    /// Status and body as [`Answer::expect`] compares them.
    pub fn text(&self) -> String {
        let body = layout::of(&self.body);
        format!("{} {}", self.status, body.as_deref().unwrap_or(&self.body))
            .trim_end()
            .to_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("the body is no JSON ({error}): {}", self.text()),
        }
    }

    /// The body as a type of the API.
    ///
    /// # Panics
    /// When it is not of that type.
    #[track_caller]
    pub fn parse<T: serde::de::DeserializeOwned>(&self) -> T {
        match serde_json::from_str(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("the body is of another type ({error}): {}", self.text()),
        }
    }

    /// The text at this place of the JSON body, `/token/id`.
    ///
    /// # Panics
    /// When there is no text.
    #[track_caller]
    pub fn at(&self, pointer: &str) -> String {
        match self.json().pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            _ => panic!("there is no text at {pointer}: {}", self.text()),
        }
    }

    /// The stable name of the problem; `None` when the answer is none.
    pub fn problem_code(&self) -> Option<String> {
        let body: Value = serde_json::from_str(&self.body).ok()?;
        let code = body.get("code")?.as_str()?;
        (self.header("content-type") == Some("application/problem+json")).then(|| code.to_owned())
    }

    /// A header's value, when it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The cookie that it sets, `name=value`, without its attributes.
    pub fn cookie(&self) -> Option<&str> {
        self.header("set-cookie")?.split(';').next()
    }

    /// Fails unless the status is this one; shows the whole answer then.
    #[track_caller]
    pub fn expect_status(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}
