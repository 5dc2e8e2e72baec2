//! The door as a whole: real service, store and verifier below it, no socket above it.

mod house;
mod pages;
mod refusals;
mod tokens;
mod verify;
