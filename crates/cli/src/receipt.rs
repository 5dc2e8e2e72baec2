//! A receipt, as a person sees it.

use claviger_api::tokens::Receipt;

/// The proof that a change reached every verifier, in a few words.
pub(crate) fn sentence(receipt: &Receipt) -> String {
    format!(
        "epoch {}, confirmed by {}, fenced {}, slowest {} ms",
        receipt.epoch, receipt.verifiers.confirmed, receipt.verifiers.fenced, receipt.slowest_ms
    )
}
