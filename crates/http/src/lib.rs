//! The HTTP door: router, guard, limits, one file per endpoint.
//!
//! A request passes [`layers`] (name, limits, one log line), the [`guard`] (credential → permit) and one handler, which turns the body into
//! domain values, makes one call to `service` and turns the result into an `api` type. Faults become a [`problem`] in one place. Invariants:
//! no rules, no SQL, no clock and no second error format here.

mod app;
pub mod credentials;
pub mod guard;
pub mod json;
mod layers;
mod peer;
pub mod problem;
pub mod query;

pub use app::App;
pub use layers::body::RequestLimits;
pub use layers::request_id::RequestId;
pub use peer::Peer;
