//! How a command ends: its exit code, and the last words of a failure.
//!
//! Invariant: 0 done · 1 done, and the answer is no · 2 the question was wrong · 3 the server refused · 4 something failed. The
//! codes stand in every command's help and, from there, in `docs/reference/cli.md`.

use std::{io, process::ExitCode};

use claviger_client::Error;

use crate::output;

/// The exit codes, for the help of the whole program.
pub(crate) const ALL: &str = "\
Exit codes:
  0  done
  1  done, and the answer is no: the token is not valid, the trail is not intact, the scan found something
  2  wrong usage: the command line, a file that it names, or the configuration
  3  refused by the server (4xx)
  4  failed: the server (5xx), the network, or the output";

/// The exit codes of a command that calls the server.
pub(crate) const REMOTE: &str = "\
Exit codes:
  0  done
  2  wrong usage: the command line, or a file that it names
  3  refused by the server (4xx)
  4  failed: the server (5xx), the network, or the output";

/// The exit codes of a command that calls the server and may be called off by its person.
pub(crate) const CONFIRMED: &str = "\
Exit codes:
  0  done
  1  not done, because you said no when asked
  2  wrong usage: the command line, or a file that it names
  3  refused by the server (4xx)
  4  failed: the server (5xx), the network, or the output";

/// The exit codes of a command that starts from the configuration.
pub(crate) const CONFIGURED: &str = "\
Exit codes:
  0  done
  2  wrong usage: the command line, or the configuration
  4  failed";

/// The exit codes of a command that only prints.
pub(crate) const PRINTED: &str = "\
Exit codes:
  0  done
  2  wrong usage
  4  failed: the output cannot be written";

/// What a command that ran to its end found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Exit code 0.
    Done,
    /// Exit code 1: the answer is no.
    Negative,
}

/// Why a command did not run to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line, a file that it names, or the configuration is wrong: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// A call of the server gave no answer: exit code 3 when the server refused, 4 when something failed.
    #[error(transparent)]
    Call(#[from] Error),
    /// Nobody reads the output any more: exit code 4, in silence.
    #[error("the output was closed")]
    Closed,
    /// Everything else: exit code 4.
    #[error("{0:#}")]
    Failed(anyhow::Error),
}

/// What a command gives back.
pub(crate) type Outcome<T = Exit> = Result<T, Failure>;

// === impl Failure ===

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    fn code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Call(Error::Argument { .. }) => 2,
            Self::Call(Error::Problem(problem)) if (400..500).contains(&problem.status) => 3,
            Self::Call(_) | Self::Closed | Self::Failed(_) => 4,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Failed(error.into()),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

/// Says why a command failed, and gives the process its exit code.
pub(crate) fn conclude(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(Exit::Done) => ExitCode::SUCCESS,
        Ok(Exit::Negative) => ExitCode::from(1),
        Err(failure) => {
            explain(&failure);
            ExitCode::from(failure.code())
        }
    }
}

fn explain(failure: &Failure) {
    match failure {
        Failure::Closed => {}
        Failure::Call(error) => {
            output::note(&format!("error: {error}"));
            let fields = error.problem().map(|problem| problem.errors.as_slice());
            // A single refused field is often the whole detail.
            let told = |detail: &str| error.to_string().contains(detail);
            for field in fields
                .unwrap_or_default()
                .iter()
                .filter(|field| !told(&field.detail))
            {
                output::note(&format!("  {}: {} ({})", field.field, field.detail, field.code));
            }
            if let Some(cause) = cause(error) {
                output::note(&format!("  cause: {cause}"));
            }
            if let Some(id) = error.request_id() {
                output::note(&format!("  request: {id}"));
            }
        }
        Failure::Usage(_) | Failure::Failed(_) => {
            let words = format!("error: {failure}");
            words.lines().for_each(output::note);
        }
    }
}

/// The innermost cause of a failed transport: the operating system's own words.
fn cause(error: &Error) -> Option<String> {
    let mut cause = std::error::Error::source(error)?;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    Some(cause.to_string())
}

#[cfg(test)]
mod tests {
    use claviger_api::problem::Problem;

    use super::*;

    fn problem(status: u16) -> Failure {
        Failure::Call(Error::Problem(Box::new(Problem {
            kind: String::new(),
            title: String::new(),
            status,
            code: String::new(),
            detail: String::new(),
            request_id: String::new(),
            errors: Vec::new(),
        })))
    }

    #[test]
    fn a_refusal_is_told_from_a_failure() {
        assert_eq!(Failure::usage("x").code(), 2);
        assert_eq!(problem(400).code(), 3);
        assert_eq!(problem(429).code(), 3);
        assert_eq!(problem(503).code(), 4);
        assert_eq!(Failure::Closed.code(), 4);
        assert_eq!(Failure::from(anyhow::anyhow!("x")).code(), 4);
    }
}
