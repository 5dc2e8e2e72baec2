//! The hot path: a presented token to a decision, in memory, without waiting.
//!
//! Every door asks [`Verifier::check`]; nothing else decides whether a token is good. `service` keeps the verifier in step with
//! the store: it loads everything before the doors open, and after each commit, before it answers, it calls
//! [`Verifier::apply`]. Nothing here reads a clock, touches the store, allocates on the way to a decision, or does work that grows
//! with the number of tokens.
//!
//! The map: [`decision`](Decision) what is asked and answered · [`change`](Change) what the writer tells · `verifier` the two paths ·
//! [`index`] key → record, the concurrent part · `policies`, `owners` what many records share · `uses` last uses on their way to
//! the store · `refusals` ended tokens that were presented · [`budget`] what is left of limits · `accounts` whose budget is whose ·
//! `peppers` one or two keys of the digest · `counters` decisions by code.
//!
//! Invariant: when [`Verifier::apply`] has returned, no check that starts afterwards decides by what was before.

mod accounts;
pub mod budget;
mod change;
mod chunked;
mod counters;
mod decision;
pub mod index;
mod owners;
mod peppers;
mod policies;
mod refusals;
mod sync;
mod uses;
mod verifier;

pub use budget::Levels;
pub use change::{Applied, Change, Entry, Owner, PreviousSecret};
pub use decision::{Allowance, Decision, Denial, DenialCode, PolicyPair, Presentation, Required, Verified};
pub use index::{Full, MAX_TOKENS};
pub use owners::{MAX_ORGANIZATIONS, MAX_OWNERS};
pub use peppers::{Peppers, Redigest};
pub use policies::MAX_POLICIES;
pub use refusals::MAX_REFUSALS;
pub use uses::{MAX_ADDRESSES, SecretRole, Use};
pub use verifier::{MAX_REDIGESTS, Verifier};
