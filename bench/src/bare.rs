//! The bare server: hyper, and an answer that never changes. What HTTP costs before anything is done.
//!
//! Invariant: it answers with the very status, headers and body that the server under test gave to one verify, on the same runtime and
//! allocator, and looks at nothing of the request. Runs as a child process of the bench, `claviger-bench bare --listen ADDRESS`, which
//! writes the answer to its standard input.

use std::convert::Infallible;
use std::io::Read as _;
use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONNECTION, CONTENT_LENGTH, DATE, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// An answer that never changes.
#[derive(Debug, Clone)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// Serves until it is killed.
///
/// # Errors
/// When no answer comes in, or the address is taken.
pub(crate) fn run(address: SocketAddr) -> Result<()> {
    let mut text = Vec::new();
    std::io::stdin().read_to_end(&mut text)?;
    let answer = Answer::parse(&text)?;
    // One worker, as the server under test has one core.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(serve(address, answer))
}

async fn serve(address: SocketAddr, answer: Answer) -> Result<()> {
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answer = answer.clone();
        tokio::spawn(async move {
            let respond = service_fn(move |_: Request<Incoming>| {
                let response = answer.response();
                async move { Ok::<_, Infallible>(response) }
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), respond);
            // A load generator that hangs up is no fault.
            let _ended = connection.await;
        });
    }
}

// === impl Answer ===

impl Answer {
    /// Reads an answer as it stands on the wire.
    fn parse(text: &[u8]) -> Result<Self> {
        let end = text.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.context("the answer has no end of its header")?;
        let head = std::str::from_utf8(&text[..end])?;
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .context("the answer has no status")?;
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(':').context("a header field has no colon")?;
            let name: HeaderName = name.parse()?;
            // These are hyper's own.
            if ![DATE, CONTENT_LENGTH, CONNECTION].contains(&name) {
                headers.append(name, HeaderValue::from_str(value.trim())?);
            }
        }
        Ok(Self {
            status: status.parse()?,
            headers,
            body: Bytes::copy_from_slice(&text[end + 4..]),
        })
    }

    fn response(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body.clone()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_keeps_all_but_the_fields_that_hyper_writes() {
        let wire = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\ndate: x\r\nx-request-id: a\r\n\r\n{}";

        let answer = Answer::parse(wire).unwrap();

        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.headers.len(), 2);
        assert_eq!(answer.headers["x-request-id"], "a");
        assert_eq!(&answer.body[..], b"{}");
    }

    #[test]
    fn half_an_answer_is_refused() {
        assert!(Answer::parse(b"HTTP/1.1 200 OK\r\nx: y\r\n").is_err());
    }
}
