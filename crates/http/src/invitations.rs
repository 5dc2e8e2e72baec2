//! `/v1/invitations`: create, list, withdraw, accept.

pub(crate) mod accept;
pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod wire;
pub(crate) mod withdraw;
