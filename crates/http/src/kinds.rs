//! `/v1/kinds`: the kinds of resources that roles are about.

pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod put;
