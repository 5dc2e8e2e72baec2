//! From a configuration to a running server, and back: open, serve, end.
//!
//! Invariants: the verifier knows every token before a socket is bound; at the end connections finish first, then what is pending
//! is written, then the store is closed. Used by [`run`](crate::run()), by `claviger demo` and by the test servers, which bring a
//! clock and a random source of their own.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use anyhow::{Context as _, Result};
use claviger_http::App;
use claviger_service::{Clock, Feed, Metrics, Parts, Service, WithoutJournal, keys::Key};
use claviger_store::{Location, Options, Store, Tx, tokens};
use claviger_token::{PepperId, RandomSource};
use claviger_verify::{Peppers, Verifier};
use prometheus_client::registry::Registry;
use tokio::sync::oneshot;

use crate::{
    bind::{self, Bound},
    clock::SystemClock,
    config::{Config, Database, Limits},
    keys,
    listener::{self, Drained},
    outbound::{Rules, World},
    random::OsRandom,
};

/// What a server takes from the world around it.
#[derive(Clone)]
pub struct Surroundings {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of secrets and ids.
    pub random: Arc<dyn RandomSource>,
}

/// A server whose sockets are bound and whose verifier knows every token. [`Server::serve`] makes it answer.
pub struct Server {
    service: Service,
    store: Store,
    app: App,
    bound: Bound,
    limits: Limits,
}

// === impl Surroundings ===

impl Surroundings {
    /// The real clock and the operating system's random source.
    pub fn system() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            random: Arc::new(OsRandom),
        }
    }
}

// === impl Server ===

impl Server {
    /// Opens the store, finds the keys, loads the verifier and binds the sockets. Cost: about a second for a million tokens.
    ///
    /// # Errors
    /// With a sentence for the operator: the store is in use or unreachable, keys are missing, exposed, weak or foreign, an address is
    /// taken.
    pub async fn open(config: &Config, surroundings: Surroundings) -> Result<Self> {
        let mut registry = Registry::default();
        let (store, service) =
            open_service(config, surroundings, &mut registry, WithoutJournal::Refuse).await?;
        let app = App::new(
            service.clone(),
            registry,
            config.limits.request,
            config.clients.clone(),
        )?;
        let bound = match bind::bind(config).await {
            Ok(bound) => bound,
            Err(error) => {
                store.close().await;
                return Err(error);
            }
        };
        Ok(Self {
            service,
            store,
            app,
            bound,
            limits: config.limits,
        })
    }

    /// Where TCP clients connect.
    pub fn address(&self) -> SocketAddr {
        self.bound.address
    }

    /// The operations, for what is done at the machine itself.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Answers until `shutdown` resolves; then lets begun requests finish, writes what is pending and closes the store.
    ///
    /// # Errors
    /// When a background job panicked. What was acknowledged is on disk all the same.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> Result<Drained> {
        let (end_jobs, jobs_end) = oneshot::channel::<()>();
        let jobs = tokio::spawn(self.service.clone().run_jobs(async {
            // Resolves when the sender is dropped too: then the server is ending all the same.
            let _ = jobs_end.await;
        }));
        let (end_outbox, outbox_end) = oneshot::channel::<()>();
        let outbox = tokio::spawn(self.service.clone().run_outbox(async {
            let _ = outbox_end.await;
        }));
        let express = Arc::new(claviger_http::Express::new(self.app.clone()));
        let service = claviger_http::service(self.app);
        let drained = listener::serve(
            self.bound.listeners,
            service,
            Some(express),
            self.limits.connection,
            shutdown,
        )
        .await;
        // Both have listened until now, so there is a receiver unless they panicked.
        let _ = end_outbox.send(());
        let outbox = outbox.await;
        let _ = end_jobs.send(());
        let jobs = jobs.await;
        self.store.close().await;
        drop(self.bound.socket);
        jobs.context("a background job panicked")?;
        outbox.context("the outbox panicked")?;
        Ok(drained)
    }
}

/// Opens everything but the sockets.
pub(crate) async fn open_service(
    config: &Config,
    surroundings: Surroundings,
    registry: &mut Registry,
    without: WithoutJournal,
) -> Result<(Store, Service)> {
    // The store leads to the feed, the feed to the verifier, the verifier to the keys, and which keys are right the store knows.
    let later = Arc::new(OnceLock::new());
    let store = open_store(config, Arc::clone(&later), &surroundings).await?;
    match open_over(&store, config, surroundings, registry, &later, without).await {
        Ok(service) => Ok((store, service)),
        Err(error) => {
            // The next start may be in this very process.
            store.close().await;
            Err(error)
        }
    }
}

/// Finds the keys and fills the verifier, over an open store.
async fn open_over(
    store: &Store,
    config: &Config,
    surroundings: Surroundings,
    registry: &mut Registry,
    later: &OnceLock<Arc<Feed>>,
    without: WithoutJournal,
) -> Result<Service> {
    let keys = keys::open(
        &config.keys,
        config.keys_dir.clone(),
        &peppers_in_use(store, &surroundings).await?,
        &*surroundings.random,
    )?;
    let peppers = keys.ring.peppers();
    let peppers = Peppers {
        current: peppers.current.pepper(),
        previous: peppers.previous.as_ref().map(Key::pepper),
    };
    let verifier = Arc::new(Verifier::new(config.prefix, peppers));
    let feed = Arc::clone(later.get_or_init(|| Arc::new(Feed::new(Arc::clone(&verifier)))));
    let service = Service::open(Parts {
        store: store.clone(),
        verifier,
        feed,
        clock: surroundings.clock,
        random: surroundings.random,
        keys: keys.ring,
        key_store: keys.store,
        prefix: config.prefix,
        metrics: Metrics::register(registry),
        outbound: Arc::new(World::new(
            Rules::new(config.allow_private.clone()),
            config.mailbox.as_ref(),
        )?),
        journal: Some((config.journal.clone(), without)),
    })
    .await?;
    Ok(service)
}

async fn open_store(
    config: &Config,
    feed: Arc<OnceLock<Arc<Feed>>>,
    surroundings: &Surroundings,
) -> Result<Store> {
    let location = match &config.database {
        Database::Sqlite => Location::Sqlite {
            directory: config.data_dir.clone(),
        },
        Database::Postgres(url) => Location::Postgres {
            url: url.expose().to_owned(),
        },
    };
    let options = Options::new(surroundings.clock.now())
        .unsafe_synchronous_off(config.unsafe_synchronous_off)
        .resync(async move |tx: &mut Tx| match feed.get() {
            Some(feed) => feed.catch_up(tx).await,
            // Before there is a feed no change can be on its way.
            None => Ok(()),
        });
    Ok(Store::open(location, options).await?)
}

/// The peppers under which the store holds tokens, dead ones included.
async fn peppers_in_use(store: &Store, surroundings: &Surroundings) -> Result<Vec<PepperId>> {
    let now = surroundings.clock.now();
    let counts = store
        .read(async move |tx: &mut Tx| tokens::pepper_counts(tx, now).await)
        .await?;
    Ok(counts.into_iter().map(|count| count.pepper).collect())
}
