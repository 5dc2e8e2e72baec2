//! The verifier through its public functions: what it decides, what it remembers, and that it does so while it is changed.
//!
//! `decisions` reads as the specification · `changes`, `overlap`, `uses` and `rotation` tell what each change does · `model` compares random
//! sequences with a plain map · `concurrent` reads while it writes.
#![cfg(not(loom))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod changes;
mod concurrent;
mod decisions;
mod model;
mod overlap;
mod rotation;
mod support;
mod uses;
