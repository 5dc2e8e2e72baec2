//! Configuration, listeners, wiring, shutdown: the only room that reads the clock, the environment and the random source.
//!
//! The map: [`config`] says what an operator decides · `keys` holds what must not be in the database · [`outbound`] leads to
//! webhooks and mail · [`Server`] opens and serves · [`run()`] is `claviger serve` from the first line to the last, [`init`] and
//! [`reissue`] are `claviger init`, [`backup`] and [`restore`] the commands of these names. No rules here.

mod bind;
mod clock;
pub mod config;
mod hex;
mod keys;
pub mod listener;
pub mod logging;
mod operator;
pub mod outbound;
mod process;
mod random;
mod run;
mod wiring;

pub use claviger_service::WithoutJournal;
pub use clock::SystemClock;
pub use keys::KeysError;
pub use operator::{Administrator, backup, init, reissue, restore};
pub use random::OsRandom;
pub use run::run;
pub use wiring::{Server, Surroundings};

/// The OpenAPI document of the public API, as JSON.
pub fn openapi_json() -> String {
    claviger_http::openapi_json()
}
