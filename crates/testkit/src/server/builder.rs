//! What a test may choose about its server, and where the server's data is.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{Arc, RwLock, atomic::AtomicU32},
    time::Duration,
};

use anyhow::{Context as _, Result};
use claviger_domain::token::{Expiry, PresentedIn};
use claviger_server::config::{Config, Environment, Overrides};
use claviger_service::{Clock as _, Origin};
use serde_json::Value;
use tempfile::TempDir;

use super::{TestServer, running::Running};
use crate::{Caller, TestClock, TestRandom, caller::Forbidden, logs::Logs, postgres::Postgres, shadow};

/// Which store a test server uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backend {
    /// The embedded store, in a directory of its own.
    #[default]
    Sqlite,
    /// A fresh database of the process's private PostgreSQL.
    Postgres,
}

/// A server to start.
#[derive(Debug)]
pub struct TestServerBuilder {
    backend: Backend,
    seed: u64,
    settings: Vec<(&'static str, String)>,
    administrator: bool,
}

/// Where a server's data is.
pub(super) struct Place {
    directory: TempDir,
    database_url: Option<String>,
    config: Config,
}

// === impl Backend ===

impl Backend {
    /// Both stores: what is promised is promised on each.
    pub const fn all() -> [Self; 2] {
        [Self::Sqlite, Self::Postgres]
    }
}

// === impl TestServerBuilder ===

impl Default for TestServerBuilder {
    fn default() -> Self {
        Self {
            backend: Backend::Sqlite,
            seed: 1,
            settings: Vec::new(),
            administrator: true,
        }
    }
}

impl TestServerBuilder {
    /// On this store.
    #[must_use]
    pub fn backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// With this seed. Servers with different seeds share no key, id or secret.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// With this setting of the configuration: `setting("limits.header_time", "100ms")`.
    #[must_use]
    pub fn setting(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((key, value.into()));
        self
    }

    /// As after the first start: nobody is set up.
    #[must_use]
    pub fn without_administrator(mut self) -> Self {
        self.administrator = false;
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(self) -> TestServer {
        match self.try_start().await {
            Ok(server) => server,
            Err(error) => panic!("the test server did not start: {error:?}"),
        }
    }

    /// Starts it, for tests of a start that is refused.
    ///
    /// # Errors
    /// What the server says to its operator.
    pub async fn try_start(self) -> Result<TestServer> {
        let place = self.place()?;
        let clock = TestClock::new();
        let random = Arc::new(TestRandom::new(self.seed));
        let logs = Logs::default();
        let unbound = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let address = Arc::new(RwLock::new(unbound));
        let running = Running::start(&place.config, &clock, &random, &logs, &address).await?;
        let forbidden = Forbidden::default();
        let anonymous = Caller::anonymous(http_client()?, Arc::clone(&address), Arc::clone(&forbidden));
        let mut server = TestServer {
            running,
            address,
            clock,
            random,
            logs,
            admin: None,
            anonymous,
            forbidden,
            names: AtomicU32::new(0),
            place,
        };
        if self.administrator {
            server.admin = Some(administrator(&server).await?);
            shadow::cast(server.service().store()).await?;
            server.forbid([shadow::MARK.to_owned(), shadow::DIGITS.to_owned()]);
        }
        Ok(server)
    }

    fn place(&self) -> Result<Place> {
        let directory = tempfile::Builder::new().prefix("claviger-test-").tempdir()?;
        let database_url = match self.backend {
            Backend::Sqlite => None,
            Backend::Postgres => Some(Postgres::shared().database().to_string()),
        };
        let path = directory
            .path()
            .to_str()
            .context("the temporary directory is not Unicode")?;
        let mut overrides = Overrides::new()
            .set("listen", "the test", Some("127.0.0.1:0".to_owned()))
            .set("data_dir", "the test", Some(path.to_owned()))
            // Tests fail on purpose, all from one address and mostly at one instant.
            .set("limits.failures", "the test", Some("0".to_owned()))
            .set("log.level", "the test", Some("debug".to_owned()))
            .set("database", "the test", database_url.clone())
            // Where a `Receiver` of webhooks listens; a test may say otherwise.
            .set("webhooks.allow_private", "the test", Some("127.0.0.1".to_owned()));
        // No file of the directory in which the tests run may have a say.
        let empty = directory.path().join("claviger.toml");
        std::fs::write(&empty, "")?;
        overrides.config = Some(empty);
        for (key, value) in &self.settings {
            overrides = overrides.set(key, "the test", Some(value.clone()));
        }
        let config = Config::load_from(&overrides, &Environment::default())?;
        Ok(Place {
            directory,
            database_url,
            config,
        })
    }
}

// === impl Place ===

impl Place {
    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(super) fn database_url(&self) -> Option<&str> {
        self.database_url.as_deref()
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }
}

/// Sets up the administrator, as `claviger init` does, with a token that does not end.
async fn administrator(server: &TestServer) -> Result<Caller> {
    let origin = Origin {
        request_id: "setup".to_owned(),
        address: None,
        presented_in: PresentedIn::Header,
        now: server.clock.now(),
    };
    let issued = server
        .service()
        .initialize(&origin, "admin@example.org", Some("Example"), Some(Expiry::Never))
        .await?;
    let secret = issued.secret.expose();
    let admin = server.anonymous.with_token(secret, Value::Null);
    let record = admin.get("/v1/tokens/self").await;
    Ok(server
        .anonymous
        .with_token(secret, record.expect_status(200).json()))
}

/// A client that goes where it is told: no proxy, no redirect, and an end to all waiting.
pub(crate) fn http_client() -> Result<reqwest::Client> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(60));
    Ok(client.build()?)
}
