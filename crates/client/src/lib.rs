//! Typed client of the public API: one method per operation, the wire types of `claviger-api` in and out.
//!
//! Invariant: the credential goes to the server that was named and nowhere else. Redirects are not followed, the proxy
//! environment is not read, and no `Debug`, error or observer shows a token. Called by the command line and by programs that
//! manage tokens.
//!
//! Nothing is retried: a time-out leaves the outcome unknown, and only the caller knows whether a second try is welcome. Calls
//! that make something take an idempotency key; the same call with the same key is answered again instead of done again.
//!
//! ```no_run
//! use claviger_api::tokens::IssueToken;
//! use claviger_client::{Client, Credential};
//!
//! # async fn example(token: &str) -> Result<(), claviger_client::Error> {
//! let client = Client::new("https://claviger.example.org", Credential::new(token)?)?;
//! let body = IssueToken {
//!     name: "release pipeline".to_owned(),
//!     scopes: vec!["deployments:write".to_owned()],
//!     ..IssueToken::default()
//! };
//! let issued = client.issue_token(&body, Some("release-pipeline-2026-11")).await?;
//! assert_eq!(issued.token.name, body.name);
//! # Ok(())
//! # }
//! ```

mod audit;
mod calendar_feeds;
mod call;
mod client;
mod credential;
mod deployments;
mod environments;
mod error;
mod explain;
mod id;
mod invitations;
mod pages;
mod peppers;
mod roles;
mod scopes;
mod services;
mod sessions;
mod setup;
mod system;
mod teams;
mod tokens;
mod users;
mod verify;
mod webhooks;

pub use audit::AuditExport;
pub use client::{Client, ClientBuilder, DEFAULT_TIMEOUT, Exchange};
pub use credential::Credential;
pub use error::Error;
pub use pages::{Listed, Pages};
