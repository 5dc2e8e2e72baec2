//! `/v1/audit`: list, export, verify.

pub(crate) mod export;
pub(crate) mod list;
pub(crate) mod verify;
pub(crate) mod wire;
