//! What tests are made of: whole servers with a clock and a random source under the test's control, a private PostgreSQL, the built
//! program as a child, and the torture programme. Ships nowhere.
//!
//! ```no_run
//! use claviger_testkit::TestServer;
//! use serde_json::json;
//!
//! # async fn example() {
//! let server = TestServer::start().await;
//! let ci = server.token().name("ci").scopes(["deployments:write"]).issue().await;
//!
//! let answer = ci.post("/v1/deployments", json!({ "service": "search", "version": "1.4.2" })).await;
//!
//! answer.expect_status(201);
//! # }
//! ```

mod answer;
pub mod binary;
mod caller;
mod clock;
mod logs;
mod macros;
pub mod mail;
pub mod postgres;
mod random;
pub mod receiver;
mod server;
pub mod shadow;
mod token_builder;
pub mod torture;

pub use answer::Answer;
pub use caller::Caller;
pub use clock::{START, TestClock};
pub use random::TestRandom;
pub use server::{Backend, TestServer, TestServerBuilder};
pub use token_builder::TokenBuilder;
