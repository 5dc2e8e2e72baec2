//! Wire types and problem codes of the native API. No behaviour, and no other room.
//!
//! The OpenAPI document is made from these types, and their docstrings are the reference documentation: they are written for
//! the person who calls the API. Instants are RFC 3339 in UTC; `null` means never. Adding an optional field is compatible;
//! everything else waits for `/v2`.

pub mod audit;
pub mod calendar_feeds;
pub mod deployments;
pub mod environments;
pub mod explain;
pub mod invitations;
pub mod limits;
pub mod page;
pub mod peppers;
pub mod problem;
pub mod roles;
pub mod scopes;
pub mod services;
pub mod sessions;
pub mod setup;
pub mod stages;
pub mod teams;
pub mod tokens;
pub mod users;
pub mod verify;
pub mod webhooks;
