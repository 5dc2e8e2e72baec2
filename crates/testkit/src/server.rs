//! A whole server for one test: real HTTP over loopback, a store of its own, time and randomness under the test's control.
//!
//! Invariants: the server is the shipped one, opened through `claviger_server`; with the same seed and the same calls it gives the same
//! bytes; it runs on threads of its own, so that its log is its own and a test that blocks does not stop it.

mod builder;
mod running;

use std::{
    path::Path,
    sync::{Arc, PoisonError},
};

use claviger_service::Service;
use serde_json::{Value, json};

use crate::{
    Caller, TestClock, TestRandom, TokenBuilder,
    caller::{Address, Forbidden},
    logs::Logs,
    shadow,
};
use running::Running;

pub use builder::{Backend, TestServerBuilder};

/// A server under test. Dropping it stops it and removes its data.
pub struct TestServer {
    running: Running,
    address: Address,
    clock: TestClock,
    random: Arc<TestRandom>,
    logs: Logs,
    admin: Option<Caller>,
    anonymous: Caller,
    /// What no answer may contain.
    forbidden: Forbidden,
    names: std::sync::atomic::AtomicU32,
    /// Last: removed when the server is gone.
    place: builder::Place,
}

// === impl TestServer ===

impl TestServer {
    /// A server on the embedded store, set up: `admin@example.org` of the organization `Example` is its administrator.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// The same on the given store.
    ///
    /// # Panics
    /// When it does not start; without PostgreSQL on this machine the message says what to install.
    pub async fn start_on(backend: Backend) -> Self {
        Self::builder().backend(backend).start().await
    }

    /// A server with other settings.
    pub fn builder() -> TestServerBuilder {
        TestServerBuilder::default()
    }

    /// The administrator: a personal token with every scope.
    ///
    /// # Panics
    /// When the server was started without one.
    #[track_caller]
    pub fn admin(&self) -> &Caller {
        match &self.admin {
            Some(admin) => admin,
            None => panic!("the server was started without an administrator"),
        }
    }

    /// Someone without a credential.
    pub fn anonymous(&self) -> &Caller {
        &self.anonymous
    }

    /// Someone who presents this string as a bearer.
    pub fn bearer(&self, credential: &str) -> Caller {
        self.anonymous.with_token(credential, Value::Null)
    }

    /// Somebody who signs in with this password.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn signed_in(&self, email: &str, password: &str) -> Caller {
        let body = json!({ "email": email, "password": password });
        let answer = self.anonymous.post("/v1/sessions", body).await;
        answer.expect_status(201);
        let Some(cookie) = answer.cookie() else {
            panic!("no cookie was set: {}", answer.text())
        };
        self.anonymous.with_session(cookie, answer.json())
    }

    /// Begins a token that the administrator issues: personal, unless said otherwise with all scopes, 90 days.
    pub fn token(&self) -> TokenBuilder<'_> {
        let number = self.names.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        TokenBuilder::new(self.admin(), &self.clock, format!("token {number}"))
    }

    /// The clock: it stands still until a test moves it.
    pub fn clock(&self) -> &TestClock {
        &self.clock
    }

    /// The random source, which ids and secrets come from.
    pub fn random(&self) -> &TestRandom {
        &self.random
    }

    /// The operations, for what has no endpoint.
    pub fn service(&self) -> &Service {
        self.running.service()
    }

    /// The address, `http://127.0.0.1:port`.
    pub fn base_url(&self) -> String {
        self.anonymous.base_url()
    }

    /// The data directory, with the embedded database (when that is the store) and the keys.
    pub fn data_dir(&self) -> &Path {
        self.place.directory()
    }

    /// The URL of the database; `None` on the embedded store.
    pub fn database_url(&self) -> Option<&str> {
        self.place.database_url()
    }

    /// The log so far, one JSON object a line.
    pub fn log_lines(&self) -> Vec<String> {
        self.logs.lines()
    }

    /// From now on every answer that contains one of these fails its test, but those to [`Caller::unwatched`].
    pub fn forbid(&self, marks: impl IntoIterator<Item = String>) {
        let forbidden = self.forbidden.write();
        forbidden.unwrap_or_else(PoisonError::into_inner).extend(marks);
    }

    /// Takes the marked organization out of the store, which every server has beside its own: for a test of what counts in the whole
    /// installation.
    ///
    /// # Panics
    /// When the store refuses.
    pub async fn lift_shadow(&self) {
        if let Err(error) = shadow::lift(self.service().store()).await {
            panic!("the shadow stays: {error:?}");
        }
    }

    /// Does now what background jobs would do within a minute: last uses, digests under a new pepper, the audit trail's anchor.
    ///
    /// # Panics
    /// When the store refuses.
    pub async fn flush(&self) {
        if let Err(error) = self.service().flush().await {
            panic!("the flush failed: {error:?}");
        }
    }

    /// Notices ends of tokens and delivers what is due now, and returns when nothing is on its way.
    ///
    /// # Panics
    /// When the store refuses.
    pub async fn settle(&self) {
        if let Err(error) = self.service().settle_outbox().await {
            panic!("the outbox does not settle: {error:?}");
        }
    }

    /// Stops the server in order and starts it again on the same data. Callers go on as before.
    ///
    /// # Panics
    /// When it does not stop or start.
    pub async fn restart(&mut self) {
        if let Err(error) = self.try_restart().await {
            panic!("the server did not start again: {error:?}");
        }
    }

    /// The same, for tests of a start that is refused.
    ///
    /// # Errors
    /// What the server says to its operator.
    ///
    /// # Panics
    /// When it does not stop.
    pub async fn try_restart(&mut self) -> anyhow::Result<()> {
        self.stop().await;
        let config = self.place.config();
        self.running = Running::start(config, &self.clock, &self.random, &self.logs, &self.address).await?;
        Ok(())
    }

    /// Stops the server in order. Nothing but [`TestServer::restart`], the log and the files is of use afterwards.
    ///
    /// # Panics
    /// When it does not end in order.
    pub async fn stop(&mut self) {
        if let Err(error) = self.running.stop().await {
            panic!("the server did not end in order: {error:?}");
        }
    }
}
