//! `/v1/roles`: named sets of actions on kinds of resources.

pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod put;
pub(crate) mod wire;
