//! `/v1/tokens`: the life of a token, one file per operation.

mod bulk;
mod delete;
mod holders;
mod issue;
mod leak;
mod list;
mod own;
mod regenerate;
mod revoke;
mod rotation;
mod show;
mod update;
