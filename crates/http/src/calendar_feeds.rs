//! `/v1/calendar-feeds`: create, list, revoke; and `/v1/calendar`, where calendar programs read them.

pub(crate) mod create;
mod ics;
pub(crate) mod list;
pub(crate) mod read;
pub(crate) mod revoke;
mod wire;
