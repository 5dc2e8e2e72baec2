//! Accepting connections and ending them: the only place that owns sockets.
//!
//! [`serve`] takes bound listeners (TCP, Unix socket), speaks HTTP/1.1 and HTTP/2 with prior knowledge on each connection, and
//! hands every request to one hyper service with a [`Peer`] in its extensions; plain verify calls are answered before hyper
//! (`express`). Every limit of a connection is a field of
//! [`ConnectionLimits`]; a client can hold a connection only as long as those fields allow. Called once, by the start of the server.

mod connection;
mod express;
mod io;
mod limits;
mod state;

use std::{convert::Infallible, error::Error, future::Future, sync::Arc, time::Duration};

use claviger_http::{Express, Peer};
use hyper::{
    Request, Response,
    body::{Body, Incoming},
    service::Service,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tracing::{debug, warn};

pub use limits::ConnectionLimits;

use connection::{Phase, Protocols};

/// A bound socket that accepts connections.
#[derive(Debug)]
pub enum Listener {
    /// TCP; its connections carry [`Peer::Tcp`].
    Tcp(TcpListener),
    /// A Unix socket; its connections carry [`Peer::Unix`]. The file belongs to whoever bound it.
    Unix(UnixListener),
}

/// How the connections ended when the server stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every request that had begun was answered.
    Finished,
    /// [`ConnectionLimits::drain`] passed first; this many connections were cut.
    Cut {
        /// Connections still open at the deadline.
        connections: u32,
    },
}

/// Serves `service`, and before it `express` if there is one, on all `listeners` until `shutdown` resolves, then stops accepting, lets begun requests finish and returns.
///
/// Idle connections are closed at once when the shutdown begins; after [`ConnectionLimits::drain`] the rest is cut.
pub async fn serve<S, B>(
    listeners: Vec<Listener>,
    service: S,
    express: Option<Arc<Express>>,
    limits: ConnectionLimits,
    shutdown: impl Future<Output = ()>,
) -> Drained
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (phase, _) = watch::channel(Phase::Serving);
    let slots = Arc::new(Semaphore::new(limits.connections as usize));
    let shared = Shared {
        service,
        express,
        protocols: Arc::new(Protocols::new(&limits)),
        limits,
        slots: Arc::clone(&slots),
        phase: phase.clone(),
    };
    let mut accepting = JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept(listener, shared.clone()));
    }
    drop(shared);

    shutdown.await;
    // Dropping the accept loops closes the listening sockets: a new client is refused by the kernel, not kept waiting.
    accepting.shutdown().await;
    phase.send_replace(Phase::Draining);
    drain(&slots, &limits, &phase).await
}

/// Waits until every connection has given back its slot, or cuts those that do not in time.
async fn drain(slots: &Semaphore, limits: &ConnectionLimits, phase: &watch::Sender<Phase>) -> Drained {
    let all = slots.acquire_many(limits.connections);
    if timeout(limits.drain, all).await.is_ok() {
        return Drained::Finished;
    }
    let free = u32::try_from(slots.available_permits()).unwrap_or(u32::MAX);
    let connections = limits.connections.saturating_sub(free);
    phase.send_replace(Phase::Closed);
    // A connection notices the phase at its next poll; only a handler that blocks its thread could exceed this.
    let gone = timeout(Duration::from_secs(1), slots.acquire_many(limits.connections)).await;
    if gone.is_err() {
        warn!("connections did not end within a second of being cut");
    }
    Drained::Cut { connections }
}

/// What every accept loop and every connection needs.
#[derive(Clone)]
struct Shared<S> {
    service: S,
    express: Option<Arc<Express>>,
    protocols: Arc<Protocols>,
    limits: ConnectionLimits,
    slots: Arc<Semaphore>,
    phase: watch::Sender<Phase>,
}

/// Accepts for ever; ends by being aborted.
async fn accept<S, B>(listener: Listener, shared: Shared<S>)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    loop {
        // The slot comes before the connection: over the cap, clients wait in the kernel's queue.
        let Ok(slot) = Arc::clone(&shared.slots).acquire_owned().await else {
            return;
        };
        match &listener {
            Listener::Tcp(tcp) => match tcp.accept().await {
                Ok((stream, address)) => {
                    // Answers are single small writes; waiting for more to send would only add delay.
                    if let Err(error) = stream.set_nodelay(true) {
                        debug!(%error, "a connection kept delayed sends");
                    }
                    start(stream, Peer::Tcp(address), slot, &shared);
                }
                Err(error) => accept_failed(&error).await,
            },
            Listener::Unix(unix) => match unix.accept().await {
                Ok((stream, _)) => start(stream, Peer::Unix, slot, &shared),
                Err(error) => accept_failed(&error).await,
            },
        }
    }
}

/// A client that vanished while being accepted is nothing; anything else (no descriptors left) gets a pause, not a busy loop.
async fn accept_failed(error: &std::io::Error) {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    ) {
        return;
    }
    warn!(%error, "a connection could not be accepted");
    sleep(Duration::from_millis(100)).await;
}

/// Gives a connection its own task; the slot comes back when the task ends, also by a panic.
fn start<I, S, B>(stream: I, peer: Peer, slot: OwnedSemaphorePermit, shared: &Shared<S>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let service = shared.service.clone();
    let express = shared.express.clone();
    let protocols = Arc::clone(&shared.protocols);
    let limits = shared.limits;
    let phase = shared.phase.subscribe();
    tokio::spawn(async move {
        connection::drive(
            stream,
            peer,
            service,
            express.as_deref(),
            &protocols,
            &limits,
            phase,
        )
        .await;
        drop(slot);
    });
}

#[cfg(test)]
mod tests;
