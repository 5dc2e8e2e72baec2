//! What an error of the driver or the server means.
//!
//! The one question that decides durability is whether the server answered ([`is_refusal`]): then nothing was changed; else
//! nobody knows, and the connection is not used again.

use tokio_postgres::error::{Severity, SqlState};

use crate::StoreError;

/// True when the server answered and the connection lives on.
pub(super) fn is_refusal(error: &tokio_postgres::Error) -> bool {
    match error.as_db_error() {
        Some(answer) => !matches!(answer.parsed_severity(), Some(Severity::Fatal | Severity::Panic)),
        // A value that does not fit its parameter or column: nothing was sent, or all was read.
        None => {
            !error.is_closed()
                && std::error::Error::source(error).is_none_or(|source| !source.is::<std::io::Error>())
        }
    }
}

/// The error as this room names it.
pub(super) fn named(error: &tokio_postgres::Error) -> StoreError {
    let Some(answer) = error.as_db_error() else {
        return if is_refusal(error) {
            StoreError::internal(described(error))
        } else {
            StoreError::Unavailable(described(error))
        };
    };
    let code = answer.code();
    let text = format!("{} ({})", answer.message(), code.code());
    if *code == SqlState::DISK_FULL {
        StoreError::StorageFull
    } else if code.code().starts_with("23") {
        StoreError::Conflict(text)
    } else if !is_refusal(error)
        || matches!(
            code.code().get(..2),
            Some("08" | "40" | "53" | "55" | "57" | "58")
        )
        || *code == SqlState::READ_ONLY_SQL_TRANSACTION
    {
        StoreError::Unavailable(text)
    } else {
        StoreError::internal(text)
    }
}

/// The error with its causes: tokio-postgres says only "db error" by itself.
pub(super) fn described(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
