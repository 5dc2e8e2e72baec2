//! What both backends promise: one suite, run on SQLite and on PostgreSQL.
//!
//! Each behaviour is a function that takes a [`Home`], an empty place for one store; `on_both_stores!` makes two tests of it. What
//! only one backend can suffer is in `sqlite_failures` and `postgres_failures`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod engine;
mod feeds;
mod home;
mod journal;
mod lists;
mod people;
mod postgres_failures;
mod proxy;
mod queues;
mod reminders;
mod rotation;
mod schema;
mod sessions;
mod sqlite_failures;
mod stages;
mod teams;
mod tokens;
mod values;

// The room above everything depends on this one; only this file of it is needed here.
#[path = "../../../testkit/src/postgres.rs"]
pub mod postgres;

pub(crate) use home::Home;

/// Makes two tests of each function: `name::sqlite` and `name::postgres`.
macro_rules! on_both_stores {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test]
            async fn sqlite() {
                super::$name(crate::Home::sqlite()).await;
            }

            #[tokio::test]
            async fn postgres() {
                super::$name(crate::Home::postgres()).await;
            }
        }
    )+};
}

pub(crate) use on_both_stores;
