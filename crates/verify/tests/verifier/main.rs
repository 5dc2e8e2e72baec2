//! The verifier through its public functions: what it decides, what it remembers, and that it does so while it is changed.
//!
//! `decisions` reads as the specification · `changes`, `overlap`, `uses` and `rotation` tell what each change does · `model` compares
//! random sequences with a plain map · `concurrent` reads while it writes · `limits` how often and whence · `oracle` compares limits
//! with another implementation.
#![cfg(not(loom))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod changes;
mod concurrent;
mod decisions;
mod limits;
mod model;
mod oracle;
mod overlap;
mod rotation;
mod support;
mod uses;
