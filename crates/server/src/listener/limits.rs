//! The limits of one connection, all in one place, each with its default.
//!
//! They come from the configuration file, so that a test can reach each of them quickly. What a limit means to a request's body or
//! to a handler is not here: those are the HTTP room's limits.

use std::time::Duration;

/// How much a client may take of one connection, and how many connections there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Open connections over all listeners. Above it accepting waits. Default 10,000.
    pub connections: u32,
    /// Time from the first byte of a request (for the first request: from the connection) to its complete header; then the
    /// connection is closed. On HTTP/2 only the first request counts, later ones fall under `idle`. Default 10 s.
    pub header_time: Duration,
    /// Bytes of a request line and all header fields, on HTTP/1 at least 8,192 (hyper's minimum). Above it 431. Default 16 KiB.
    pub header_bytes: u32,
    /// Header fields of one HTTP/1 request. Above it 431. Default 100; any other number costs an allocation per request.
    pub header_fields: u16,
    /// A connection without a request in progress is closed after this. Default 60 s.
    pub idle: Duration,
    /// A reader that takes nothing of an answer for this long loses the connection. Where HTTP/2 flow control hides the stall: at
    /// the latest after `idle` and `write` together. Default 30 s.
    pub write: Duration,
    /// Requests in progress on one HTTP/2 connection. Default 128.
    pub streams: u32,
    /// Streams a client may open and reset before they were accepted; above it GOAWAY (CVE-2023-44487). Default 20.
    pub pending_resets: u16,
    /// Streams we had to reset because of the client's errors; above it GOAWAY. Default 128.
    pub error_resets: u16,
    /// An HTTP/2 client is pinged after this much silence and closed when no answer comes in the same time. Default 20 s.
    pub ping: Duration,
    /// After the shutdown signal, the time for begun requests to finish. Default 10 s.
    pub drain: Duration,
    /// After an answer that leaves a request's body unread (408, 413), the time the client gets to read the answer before the
    /// connection is closed. Default 1 s.
    pub linger: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            header_time: Duration::from_secs(10),
            header_bytes: 16 * 1024,
            header_fields: HYPER_HEADER_FIELDS,
            idle: Duration::from_secs(60),
            write: Duration::from_secs(30),
            streams: 128,
            pending_resets: 20,
            error_resets: 128,
            ping: Duration::from_secs(20),
            drain: Duration::from_secs(10),
            linger: Duration::from_secs(1),
        }
    }
}

/// hyper's own number, for which it keeps the fields on the stack.
pub(super) const HYPER_HEADER_FIELDS: u16 = 100;

/// Bytes of an unread body that are thrown away during [`ConnectionLimits::linger`].
pub(super) const LINGER_BYTES: usize = 32 * 1024;

/// A retired connection stays while the client takes this much in each [`ConnectionLimits::write`]; pings alone are less.
pub(super) const PROGRESS_BYTES: u64 = 256;
