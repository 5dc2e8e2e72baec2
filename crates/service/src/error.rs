//! What can go wrong in an operation, named for what its caller can do about it.
//!
//! Each error has a public sentence (its `Display`) and, where there is one, a private context that only the log sees. One
//! place, `http::problem`, turns it into an answer.

use claviger_domain::{FieldError, ScopeSet};
use claviger_store::StoreError;
use claviger_token::RandomUnavailable;

/// The result of an operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation was not done. Nothing was changed, save where [`Error::Unavailable`] says that the outcome is unknown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing, or the caller may not know that there is.
    #[error("there is no such {what}")]
    NotFound {
        /// The noun: `token`.
        what: &'static str,
    },
    /// The caller must prove who they are, or prove it again.
    #[error(transparent)]
    Unproven(#[from] Unproven),
    /// The caller may see the thing and not do this.
    #[error("{who} lacks `{missing}`")]
    Forbidden {
        /// The caller, in words.
        who: &'static str,
        /// The scopes that would be needed.
        missing: ScopeSet,
    },
    /// A rule outside the token forbids it.
    #[error("{detail}")]
    Refused {
        /// Stable name.
        code: &'static str,
        /// The reason for a person.
        detail: String,
    },
    /// The state of things forbids it.
    #[error("{detail}")]
    Conflict {
        /// Stable name.
        code: &'static str,
        /// The reason for a person.
        detail: String,
    },
    /// The input is at fault.
    #[error("the input was refused")]
    Invalid(Vec<FieldError>),
    /// It was there once and will not come back.
    #[error("{detail}")]
    Gone {
        /// Stable name.
        code: &'static str,
        /// The reason for a person.
        detail: String,
    },
    /// Well-formed, and contradicts what was said before.
    #[error("{detail}")]
    Unprocessable {
        /// Stable name.
        code: &'static str,
        /// The reason for a person.
        detail: String,
    },
    /// Too many wrong guesses; no more are looked at for a while.
    #[error("too many wrong ones, try again in {retry_after_seconds} s")]
    TooManyAttempts {
        /// When to try again.
        retry_after_seconds: u32,
    },
    /// Too much at once; the same call may go through later.
    #[error("the server is busy, try again in {retry_after_seconds} s")]
    Busy {
        /// When to try again.
        retry_after_seconds: u32,
    },
    /// The store cannot take the change now.
    #[error("{detail}")]
    Unavailable {
        /// Stable name: `store_unavailable`, `writer_stopped`, `outcome_unknown`, `random_unavailable`.
        code: &'static str,
        /// The reason for a person.
        detail: &'static str,
        /// For the log.
        context: String,
    },
    /// The disk is full. Nothing was changed.
    #[error("the server's disk is full")]
    StorageFull,
    /// A fault of ours.
    #[error("the server failed; its log knows more under this request id")]
    Internal {
        /// For the log.
        context: String,
    },
}

/// What of a person is not proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// There is no such person, the password is wrong, or the person may not act: nobody is told which.
    #[error("no active account has this address and this password")]
    SignIn,
    /// There is no such session, or it is over: nobody is told which.
    #[error("there is no session any more; sign in")]
    Session,
    /// The password was not shown lately enough for this.
    #[error("this needs a sign-in within the last 5 minutes; confirm the password first")]
    Recently,
}

impl Error {
    /// A fault of ours, with what the log should know.
    pub fn internal(context: impl std::fmt::Display) -> Self {
        Self::Internal {
            context: context.to_string(),
        }
    }

    /// One refused field.
    pub fn field(field: &str, code: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(field, code, detail)])
    }

    pub(crate) fn not_found(what: &'static str) -> Self {
        Self::NotFound { what }
    }

    pub(crate) fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Conflict {
            code,
            detail: detail.into(),
        }
    }
}

impl From<FieldError> for Error {
    fn from(error: FieldError) -> Self {
        Self::Invalid(vec![error])
    }
}

impl From<Vec<FieldError>> for Error {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::Invalid(errors)
    }
}

impl From<RandomUnavailable> for Error {
    fn from(error: RandomUnavailable) -> Self {
        Self::Unavailable {
            code: "random_unavailable",
            detail: "the operating system gave no random bytes; nothing was changed",
            context: error.to_string(),
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let unavailable = |code, detail| Self::Unavailable {
            code,
            detail,
            context: error.to_string(),
        };
        match &error {
            StoreError::StorageFull => Self::StorageFull,
            StoreError::Overloaded => Self::Busy {
                retry_after_seconds: 1,
            },
            StoreError::WriterStopped => unavailable(
                "writer_stopped",
                "the server takes no changes after a failed commit; verification goes on, and the operator must restart it",
            ),
            StoreError::OutcomeUnknown => unavailable(
                "outcome_unknown",
                "the change may be done or not; look, or repeat the call with the same Idempotency-Key",
            ),
            StoreError::Unavailable(_) | StoreError::Closed => unavailable(
                "store_unavailable",
                "the store cannot be reached; nothing was changed, try again",
            ),
            _ => Self::internal(error),
        }
    }
}
