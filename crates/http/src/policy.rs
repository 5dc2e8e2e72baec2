//! `/v1/policy`: how long tokens live, and what becomes of those that nobody uses.

pub(crate) mod put;
pub(crate) mod show;
mod wire;
