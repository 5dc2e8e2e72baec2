//! `/v1/scopes`: the catalogue.

pub(crate) mod list;
