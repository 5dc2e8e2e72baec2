//! The door as a whole: real service, store and verifier below it, no socket above it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod house;
mod pages;
mod refusals;
mod tokens;
mod verify;
