//! `/v1/users`: list, show, change, deactivate, reactivate; passwords of people.

pub(crate) mod change_password;
pub(crate) mod deactivate;
pub(crate) mod issue_reset;
pub(crate) mod list;
pub(crate) mod reactivate;
pub(crate) mod show;
pub(crate) mod show_own;
pub(crate) mod update;
pub(crate) mod wire;
