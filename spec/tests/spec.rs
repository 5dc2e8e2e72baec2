//! The specification of Claviger: what it promises, as tests over HTTP against a running server, on both stores.
//!
//! The modules mirror the URLs: `tokens/issue.rs` is `POST /v1/tokens`. A test states one behaviour, in a sentence that is its name;
//! where the whole answer is in the test, it is the contract. Clock and randomness are seeded, so nothing is redacted and nothing
//! sleeps. `UPDATE_EXPECT=1 cargo test -p claviger-spec sqlite` rewrites the answers (one store, since both must give the same);
//! read the difference before you believe it. Begin with `tokens/issue.rs`. The torture programme is a target of its own,
//! `reliability`, because it wants the machine for itself.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod asking;
mod busy;
mod crowd;
mod raw;
mod roles;
mod scan;
mod tamper;

mod audit;
mod backup;
mod costs;
mod credentials;
mod deployments;
mod docs_page;
mod environments;
mod explain;
mod fuzz;
mod idempotency;
mod limits;
mod matrix;
mod networks;
mod openapi;
mod operations;
mod organizations;
mod paths;
mod people;
mod peppers;
mod policy;
mod properties;
mod query_tokens;
mod rates;
mod reminders;
mod scopes;
mod secrets_at_rest;
mod services;
mod sessions;
mod setup;
mod smuggling;
mod stages;
mod statements;
mod teams;
mod tokens;
mod verify;
