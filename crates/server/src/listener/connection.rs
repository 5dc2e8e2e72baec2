//! One connection from its first byte to its end: hyper between a [`WatchedIo`] and a service that is being counted.
//!
//! The connection's task waits for three things at once: hyper being done, the server's phase changing, and the watch that retires
//! idle connections and cuts those whose reader stalls.

use std::{
    convert::Infallible,
    error::Error,
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
};

use claviger_http::{Express, Peer};
use hyper::{
    Request, Response, StatusCode, Version,
    body::{Body, Frame, Incoming, SizeHint},
    service::Service,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use pin_project_lite::pin_project;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::{Instant, sleep_until},
};
use tracing::debug;

use super::{
    ConnectionLimits,
    express::ride,
    io::WatchedIo,
    limits::{HYPER_HEADER_FIELDS, PROGRESS_BYTES},
    state::{ConnectionState, RequestGuard, Verdict},
};

/// What the server is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Requests are welcome.
    Serving,
    /// Begun requests finish, connections end after them.
    Draining,
    /// Connections end now.
    Closed,
}

/// HTTP/1.1 and HTTP/2 as the limits want them; one for all connections.
pub(super) struct Protocols(auto::Builder<TokioExecutor>);

impl Protocols {
    pub(super) fn new(limits: &ConnectionLimits) -> Self {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        let mut http1 = builder.http1();
        http1
            .timer(TokioTimer::new())
            // hyper's own header timeout also ends idle connections; `WatchedIo` measures from the first byte instead.
            .header_read_timeout(None)
            .max_buf_size(limits.header_bytes.max(8192) as usize);
        if limits.header_fields != HYPER_HEADER_FIELDS {
            http1.max_headers(usize::from(limits.header_fields));
        }
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            .max_header_list_size(limits.header_bytes)
            .max_pending_accept_reset_streams(usize::from(limits.pending_resets))
            .max_local_error_reset_streams(usize::from(limits.error_resets))
            .initial_stream_window_size(64 * 1024)
            .initial_connection_window_size(1024 * 1024)
            .max_send_buf_size(64 * 1024)
            .keep_alive_interval(limits.ping)
            .keep_alive_timeout(limits.ping);
        Self(builder)
    }
}

/// Serves one connection until it ends.
pub(super) async fn drive<I, S, B>(
    stream: I,
    peer: Peer,
    service: S,
    express: Option<&Express>,
    protocols: &Protocols,
    limits: &ConnectionLimits,
    mut phase: watch::Receiver<Phase>,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + 'static,
    S::Future: Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let Some(stream) = ride(stream, peer, express, limits, &mut phase).await else {
        return;
    };
    let state = ConnectionState::new();
    let io = TokioIo::new(WatchedIo::new(stream, *limits, Arc::clone(&state)));
    let counted = Counted {
        service,
        peer,
        state: Arc::clone(&state),
    };
    let mut connection = pin!(protocols.0.serve_connection(io, counted));
    let mut watch = pin!(sleep_until(Instant::now() + limits.idle.min(limits.write)));
    let mut seen = Phase::Serving;
    let mut written_when_retired = None;
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    debug!(%error, "a connection ended early");
                }
                return;
            }
            // A closed channel would mean that the server is gone without a word.
            new = phase.wait_for(|new| *new != seen) => match new.map_or(Phase::Closed, |new| *new) {
                Phase::Closed => return,
                new => {
                    seen = new;
                    connection.as_mut().graceful_shutdown();
                }
            },
            () = watch.as_mut() => {
                let now = Instant::now();
                match state.verdict(now, limits) {
                    Verdict::Wait(until) => watch.as_mut().reset(until),
                    Verdict::Cut => return,
                    Verdict::Retire => {
                        let written = state.written();
                        match written_when_retired.replace(written) {
                            None => connection.as_mut().graceful_shutdown(),
                            // What remains of an answer may still be on its way to a slow reader.
                            Some(before) if written - before >= PROGRESS_BYTES => {}
                            Some(_) => return,
                        }
                        watch.as_mut().reset(now + limits.write);
                    }
                }
            }
        }
    }
}

/// The service of one connection: adds the peer to each request and keeps the state.
struct Counted<S> {
    service: S,
    peer: Peer,
    state: Arc<ConnectionState>,
}

impl<S, B> Service<Request<Incoming>> for Counted<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    B: Body,
{
    type Response = Response<CountedBody<B>>;
    type Error = Infallible;
    type Future = CountedFuture<S::Future>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let guard = self.state.request_begins(request.version() == Version::HTTP_2);
        request.extensions_mut().insert(self.peer);
        CountedFuture {
            future: self.service.call(request),
            guard: Some(guard),
        }
    }
}

pin_project! {
    /// The answer in the making.
    struct CountedFuture<F> {
        #[pin]
        future: F,
        guard: Option<RequestGuard>,
    }
}

impl<F, B> Future for CountedFuture<F>
where
    F: Future<Output = Result<Response<B>, Infallible>>,
    B: Body,
{
    type Output = Result<Response<CountedBody<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = match ready!(this.future.poll(cx)) {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let mut guard = this.guard.take();
        if let Some(guard) = &mut guard {
            guard.answer_begins(matches!(
                response.status(),
                StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE
            ));
        }
        Poll::Ready(Ok(response.map(|body| CountedBody { body, guard })))
    }
}

pin_project! {
    /// An answer's body; the request ends when it is dropped.
    struct CountedBody<B> {
        #[pin]
        body: B,
        guard: Option<RequestGuard>,
    }
}

impl<B: Body> Body for CountedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        if let Some(guard) = this.guard {
            guard.answer_moves();
        }
        this.body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
