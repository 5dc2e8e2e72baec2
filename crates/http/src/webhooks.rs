//! `/v1/webhooks`: create, list, show, update, delete; secrets and deliveries.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod list_deliveries;
pub(crate) mod retry;
pub(crate) mod rotate_secret;
pub(crate) mod show;
pub(crate) mod test;
pub(crate) mod update;
pub(crate) mod wire;
