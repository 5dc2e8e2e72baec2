//! What the crate promises about whole tokens: properties, statistics and the vectors that other languages share.
//!
//! Every random choice comes from a written seed, so a failure repeats.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod grammar;
mod scan;
mod seeded;
mod vectors;
