//! Time as an argument. Only `server` has a clock that reads the real one.

use std::time::Duration;

use claviger_domain::Timestamp;

/// The two times of a process.
pub trait Clock: Send + Sync {
    /// Wall time: for what is stored and shown. It may jump.
    fn now(&self) -> Timestamp;

    /// Time since an arbitrary instant that never goes back: for durations.
    fn monotonic(&self) -> Duration;
}
