//! `/v1/tokens`: issue, list, show, update, regenerate, revoke, delete; and what a token may do about itself.

pub(crate) mod bulk_revoke;
pub(crate) mod delete;
pub(crate) mod finish_rotation;
pub(crate) mod issue;
pub(crate) mod list;
pub(crate) mod regenerate;
pub(crate) mod report_leak;
pub(crate) mod revoke;
pub(crate) mod revoke_own;
pub(crate) mod show;
pub(crate) mod show_own;
pub(crate) mod terms;
pub(crate) mod update;
pub(crate) mod wire;
