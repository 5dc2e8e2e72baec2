//! Why an input was refused: the offending field, a stable code, and a sentence for its author.

use std::fmt;

/// One refused field of an input.
///
/// `field` is the path in the caller's own body (`expires_at`, `scopes[2]`); `code` is stable once released; `detail` is a
/// sentence that starts in lower case and ends without a period, with the caller's input in backticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Path of the field in the caller's body.
    pub field: String,
    /// Stable name of the reason.
    pub code: &'static str,
    /// The reason for a person.
    pub detail: String,
}

impl FieldError {
    /// An error for `field` with its stable `code`.
    pub fn new(field: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            code,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.detail)
    }
}

impl std::error::Error for FieldError {}
