//! Why the store did not do what it was asked.
//!
//! Invariant: every variant but [`StoreError::OutcomeUnknown`] means that nothing was changed. Returned by every call of this
//! room; `service` turns it into its own error.

/// Why a call of the store failed. Cheap to clone: one failed commit answers every operation of its batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another server holds the store. The sentence says who and what to do.
    #[error("{0}")]
    InUse(String),
    /// The store cannot be opened: address, permissions, version of the database.
    #[error("{0}")]
    Open(String),
    /// The stored schema and this binary do not fit together.
    #[error("{0}")]
    Schema(String),
    /// The queue of operations is full; the same call may go through later.
    #[error("the store's queue is full")]
    Overloaded,
    /// A commit or a flush failed, so that this process acknowledges nothing more until it is restarted (reliability.md §4a).
    #[error("the store stopped writing after a failed commit; restart the server")]
    WriterStopped,
    /// The connection broke while the database was committing: the change is there or it is not, and will not change its mind.
    #[error("the outcome of the change is unknown")]
    OutcomeUnknown,
    /// The database cannot be reached, or did not answer in time.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// There is no space left. Writes go on by themselves once there is.
    #[error("the disk is full")]
    StorageFull,
    /// A unique or other constraint refused the row.
    #[error("a constraint refused the row: {0}")]
    Conflict(String),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// A fault of ours: SQL that does not fit the schema, a row that does not fit its type, an operation that panicked.
    #[error("the store failed: {0}")]
    Internal(String),
}

impl StoreError {
    /// A fault of ours, with what the log should know.
    pub fn internal(context: impl std::fmt::Display) -> Self {
        Self::Internal(context.to_string())
    }
}
