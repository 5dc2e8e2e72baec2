//! The nouns and rules of Claviger, pure: no I/O, no clock, no random source, no SQL, no HTTP.
//!
//! Everything that comes from outside is parsed into these types at the door, so that the rooms above have nothing left to
//! validate. Start with [`token`]: the record, its states and the rules of its life.

pub mod audit;
pub mod authority;
pub mod calendar;
pub mod deployment;
pub mod environment;
pub mod explain;
pub mod id;
pub mod invalid;
pub mod name;
pub mod owner;
pub mod password;
pub mod person;
pub mod policy;
pub mod receipt;
pub mod reminder;
pub mod resource;
pub mod role;
pub mod scope;
pub mod service;
pub mod session;
mod sorted;
pub mod stage;
pub mod team;
pub mod terms;
pub mod time;
pub mod token;
pub mod webhook;

pub use id::{
    CalendarFeedId, DeliveryId, DeploymentId, EnvironmentId, InvitationId, OrgId, OwnerId, ServiceId,
    SessionId, StageId, TeamId, TokenId, UserId, WebhookId,
};
pub use invalid::FieldError;
pub use scope::{Scope, ScopeSet};
pub use sorted::Sorted;
pub use time::Timestamp;
