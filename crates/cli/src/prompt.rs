//! Questions to a person, on the terminal.
//!
//! Invariant: nothing is asked unless the standard input is a terminal; a script never waits for an answer.

use std::io::{self, IsTerminal as _};

use inquire::{Confirm, InquireError, Password, PasswordDisplayMode};

use crate::exit::{Failure, Outcome};

/// Whether somebody is there to answer.
pub(crate) fn possible() -> bool {
    io::stdin().is_terminal()
}

/// Asks yes or no; Enter and Escape mean no.
pub(crate) fn confirm(question: &str) -> Outcome<bool> {
    match Confirm::new(question).with_default(false).prompt() {
        Ok(answer) => Ok(answer),
        Err(InquireError::OperationCanceled | InquireError::OperationInterrupted) => Ok(false),
        Err(error) => Err(Failure::Failed(error.into())),
    }
}

/// Asks for a secret, without showing it.
pub(crate) fn secret(question: &str) -> Outcome<String> {
    let prompt = Password::new(question)
        .with_display_mode(PasswordDisplayMode::Hidden)
        .without_confirmation();
    prompt.prompt().map_err(|error| match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => {
            Failure::usage("no token was given")
        }
        error => Failure::Failed(error.into()),
    })
}
