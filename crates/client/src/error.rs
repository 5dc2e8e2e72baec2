//! Why a call gave no answer of its type.
//!
//! Invariant: no variant holds a credential, a body or a query string.

use claviger_api::problem::Problem;

/// Why a call gave no answer of its type.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server refused or failed, and said why. Decide by `code`.
    #[error("{} ({}, {})", .0.detail, .0.status, .0.code)]
    Problem(Box<Problem>),
    /// The request did not reach the server, or its answer did not come back whole. Unless
    /// [`Error::is_unreached`], the outcome is unknown: read before you repeat, or repeat with the same idempotency key.
    #[error("{}", transport(.0))]
    Transport(#[source] reqwest::Error),
    /// The answer is none of Claviger's: a proxy's page, a redirect, another server, another version.
    #[error("unexpected answer with status {status}: {detail}")]
    Unexpected {
        /// The HTTP status.
        status: u16,
        /// The answer's `x-request-id`.
        request_id: Option<String>,
        /// What is wrong with it.
        detail: String,
    },
    /// An argument cannot be sent; nothing was.
    #[error("{argument} {detail}")]
    Argument {
        /// Which one.
        argument: &'static str,
        /// What is wrong with it; never quotes it, because it may be a secret in the wrong place.
        detail: &'static str,
    },
}

// === impl Error ===

impl Error {
    /// The problem, when the server answered with one.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            _ => None,
        }
    }

    /// The name of the request in the server's log, when an answer came.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Problem(problem) => Some(&problem.request_id),
            Self::Unexpected { request_id, .. } => request_id.as_deref(),
            Self::Transport(_) | Self::Argument { .. } => None,
        }
    }

    /// True when the server certainly did not see the request.
    pub fn is_unreached(&self) -> bool {
        match self {
            Self::Transport(error) => error.is_connect() || error.is_builder(),
            Self::Argument { .. } => true,
            Self::Problem(_) | Self::Unexpected { .. } => false,
        }
    }

    pub(crate) fn argument(argument: &'static str, detail: &'static str) -> Self {
        Self::Argument { argument, detail }
    }

    /// A failure of the transport, without the URL: its query may name people.
    pub(crate) fn transport(error: reqwest::Error) -> Self {
        Self::Transport(error.without_url())
    }
}

fn transport(error: &reqwest::Error) -> &'static str {
    if error.is_connect() {
        "cannot connect to the server"
    } else if error.is_timeout() {
        "no answer in time; the outcome is unknown"
    } else {
        "the connection broke; the outcome is unknown"
    }
}
