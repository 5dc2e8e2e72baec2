//! Every limit of a connection, reached. Time is tokio's paused clock where only time is at stake; sockets are real elsewhere.

mod http1;
mod http2;
mod sockets;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;

use bytes::Bytes;
use claviger_http::Peer;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::ConnectionLimits;
use super::connection::{Phase, Protocols, drive};

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// A connection that is served in memory.
struct Served {
    client: DuplexStream,
    server: JoinHandle<()>,
    /// Keeps the phase alive; a test may change it.
    phase: watch::Sender<Phase>,
}

/// Serves one in-memory connection whose pipe holds `pipe` bytes.
fn served<F, R>(limits: ConnectionLimits, pipe: usize, handler: F) -> Served
where
    F: Fn(Request<Incoming>) -> R + Send + Sync + 'static,
    R: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let (client, stream) = duplex(pipe);
    let (phase, seen) = watch::channel(Phase::Serving);
    let peer = Peer::Tcp(SocketAddr::from(([192, 0, 2, 7], 7)));
    let server = tokio::spawn(async move {
        let service = service_fn(move |request| {
            let answer = handler(request);
            async move { Ok::<_, Infallible>(answer.await) }
        });
        drive(
            stream,
            peer,
            service,
            None,
            &Protocols::new(&limits),
            &limits,
            seen,
        )
        .await;
    });
    Served {
        client,
        server,
        phase,
    }
}

async fn hello(_: Request<Incoming>) -> Response<Full<Bytes>> {
    Response::new(Full::from("hello"))
}

impl Served {
    async fn send(&mut self, bytes: &[u8]) {
        self.client.write_all(bytes).await.unwrap();
    }

    /// Reads one answer of `hello`.
    async fn hello(&mut self) {
        let mut seen = Vec::new();
        while !seen.ends_with(b"hello") {
            assert_ne!(
                self.client.read_buf(&mut seen).await.unwrap(),
                0,
                "closed too early"
            );
        }
    }

    /// Reads until the server closes.
    async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        // A cut connection may end in an error; what came before it counts.
        let _ = self.client.read_to_end(&mut rest).await;
        String::from_utf8_lossy(&rest).into_owned()
    }
}
