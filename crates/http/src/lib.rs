//! The HTTP door: router, guard, limits, one file per endpoint.
//!
//! A request passes the layers (name, limits, one log line), the [`guard`] (credential → permit) and one handler, which turns the body into
//! domain values, makes one call to `service` and turns the result into an `api` type. Faults become a [`problem`] in one place. Invariants:
//! no rules, no SQL, no clock of its own and no second error format here. `server` calls [`App::new`] and [`service`].

mod app;
mod audit;
mod calendar_feeds;
mod clients;
mod costs;
pub mod credentials;
mod cross_site;
mod deployments;
mod environments;
mod explain;
mod fields;
pub mod guard;
pub mod idempotency;
mod invitations;
pub mod json;
mod kinds;
mod layers;
mod limits;
mod openapi;
mod passwords;
mod peer;
mod peppers;
mod policy;
pub mod problem;
pub mod query;
mod roles;
mod router;
mod scopes;
mod services;
mod sessions;
mod setup;
mod stages;
mod system;
mod teams;
mod tokens;
mod users;
mod verify;
mod webhooks;

pub use app::App;
pub use clients::{ClientRules, FailureLimit, ForwardingHeader, TrustedProxies};
pub use json::shape::JsonLimits;
pub use layers::body::RequestLimits;
pub use layers::request_id::RequestId;
pub use openapi::openapi_json;
pub use peer::Peer;
pub use verify::body::DoorBody;
pub use verify::door::{Answer, Door};
pub use verify::express::{Express, MAX_EXPRESS_BYTES, Step};
pub use webhooks::wire::webhook_body;

/// The hyper service that answers every request; one for all connections.
pub fn service(app: App) -> Door {
    Door::new(app)
}
