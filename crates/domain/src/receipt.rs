//! The receipt: what a narrowing change answers with, once no verifier accepts the old state any more.

use serde::{Deserialize, Serialize};

/// Proof that a change has reached every verifier (reliability.md §3 calls the epoch a sequence).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Place of the change in the ordered feed of changes; grows by one per change.
    pub epoch: u64,
    /// Verifiers that confirmed the change before the answer.
    pub confirmed: u32,
    /// Verifiers that were fenced off because they did not confirm in time; they answer nothing until they caught up.
    pub fenced: u32,
    /// From the commit of the change until the last verifier confirmed it, in whole milliseconds.
    pub slowest_ms: u64,
}
