//! `/v1/deployments`: report and list.

pub(crate) mod list;
pub(crate) mod report;
pub(crate) mod wire;
