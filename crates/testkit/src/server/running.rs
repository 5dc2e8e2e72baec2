//! The server inside a test server: its runtime, its task, its end.

use std::sync::{Arc, PoisonError};

use anyhow::{Context as _, Result};
use claviger_server::{Server, Surroundings, config::Config, logging};
use claviger_service::Service;
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
    task::JoinHandle,
};

use crate::{
    TestClock, TestRandom,
    caller::Address,
    logs::{Logs, capture_thread},
};

/// Enough to show a race, and little enough for many servers side by side.
const THREADS: usize = 2;

pub(super) struct Running {
    service: Service,
    end: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<Result<()>>>,
    /// Gone only while it is being dropped.
    runtime: Option<Runtime>,
}

// === impl Running ===

impl Running {
    /// Opens the server and lets it answer; `address` is where, from then on.
    pub(super) async fn start(
        config: &Config,
        clock: &TestClock,
        random: &Arc<TestRandom>,
        logs: &Logs,
        address: &Address,
    ) -> Result<Self> {
        let dispatch = logging::dispatch(config.log, logs.clone());
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("test-server")
            .on_thread_start(move || capture_thread(&dispatch))
            .enable_all()
            .build()?;
        let surroundings = Surroundings {
            clock: Arc::new(clock.clone()),
            random: Arc::clone(random) as _,
        };
        let config = config.clone();
        let open = runtime.spawn(async move { Server::open(&config, surroundings).await });
        let opened = open.await.context("opening panicked").and_then(|opened| opened);
        let server = match opened {
            Ok(server) => server,
            Err(error) => {
                // As in `drop`: not here, where futures run.
                runtime.shutdown_background();
                return Err(error);
            }
        };
        *address.write().unwrap_or_else(PoisonError::into_inner) = server.address();
        let service = server.service().clone();
        let (end, ended) = oneshot::channel();
        let serving = runtime.spawn(async move {
            let drained = server.serve(async {
                // The sender is dropped when the test is over: an end as well.
                let _ = ended.await;
            });
            drained.await.map(|_| ())
        });
        Ok(Self {
            service,
            end: Some(end),
            serving: Some(serving),
            runtime: Some(runtime),
        })
    }

    pub(super) fn service(&self) -> &Service {
        &self.service
    }

    /// Ends the server in order; nothing when it has ended.
    pub(super) async fn stop(&mut self) -> Result<()> {
        // The receiver is gone when serving failed, which is reported next.
        let _ = self.end.take().map(|end| end.send(()));
        match self.serving.take() {
            Some(serving) => serving.await.context("serving panicked")?,
            None => Ok(()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A runtime may not be dropped where futures run, so it is told to end without being waited for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
