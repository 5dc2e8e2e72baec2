//! SQLite and PostgreSQL behind one API, with one text of SQL.
//!
//! [`Store::write`] and [`Store::read`] run operations, [`Tx`] is where they run statements, and there is one module of plain
//! functions per noun: rows in, rows out, no rules. Invariants: what was acknowledged is on disk; the plaintext of a token is
//! never here; both backends pass one conformance suite (`tests/conformance/`).
//!
//! | file | what |
//! | --- | --- |
//! | `store`, `job` | opening, queues, closing |
//! | `writer`, `reader` | the threads; group commit |
//! | `transaction`, `value` | statements, parameters, rows |
//! | `sqlite`, `postgres`, `dialect` | what differs |
//! | `migrate`, `migrations/` | the schema |
//! | `named` | lists in the order of names |
//! | `journal` | what has ended, outside the database |
//! | `durable` | names of files that survive a power cut |
//! | the public modules | one noun each: rows in, rows out |

pub mod audit;
pub mod calendar_feeds;
pub mod changes;
pub mod deliveries;
pub mod deployments;
mod dialect;
mod durable;
pub mod environments;
mod error;
pub mod heads;
pub mod idempotency;
pub mod invitations;
mod job;
pub mod journal;
mod migrate;
mod named;
pub mod names;
pub mod notices;
pub mod organizations;
pub mod passwords;
pub mod policies;
mod postgres;
mod reader;
pub mod roles;
pub mod services;
pub mod sessions;
pub mod settings;
mod sqlite;
pub mod stages;
mod store;
pub mod teams;
pub mod tokens;
mod transaction;
pub mod users;
mod value;
pub mod webhooks;
mod writer;

pub use dialect::{Backend, Sql};
pub use error::StoreError;
pub use named::NamePage;
pub use sqlite::backup::{backup, restore};
pub use store::{Location, Options, Store, StoreStats};
pub use transaction::{Hook, Tx};
pub use value::{FromValue, Row, Value, ValueRef};
