//! `/v1/sessions`, and the sessions of a person: one file per endpoint.

pub(crate) mod confirm;
mod cookie;
pub(crate) mod end;
pub(crate) mod end_all;
pub(crate) mod list;
pub(crate) mod show_own;
pub(crate) mod sign_in;
pub(crate) mod sign_out;
mod wire;
