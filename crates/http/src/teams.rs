//! `/v1/teams`: create, list, show, update, delete; and who belongs to a team.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod list_members;
pub(crate) mod remove_member;
pub(crate) mod set_member;
pub(crate) mod show;
pub(crate) mod update;
pub(crate) mod wire;
