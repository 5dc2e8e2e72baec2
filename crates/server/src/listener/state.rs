//! What the parts of one connection tell each other: is a request in progress, has one begun, when did something last happen.
//!
//! Written by the service and body wrappers (`connection`), read by the socket wrapper (`io`) and by the connection's watch. On
//! the way of a request it costs a few uncontended atomics and one clock read.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
};

use tokio::time::{Duration, Instant};

use super::ConnectionLimits;

// Relaxed everywhere: the connection's task is woken through the runtime, which orders memory; a number that is one event old only
// moves a deadline by that event.

/// The state of one connection.
#[derive(Debug)]
pub(super) struct ConnectionState {
    /// Requests between their header and the end of their answer.
    in_progress: AtomicU32,
    /// Those of them whose answer has begun.
    answering: AtomicU32,
    /// Requests so far; names the header that is being read.
    requests: AtomicU64,
    /// Bytes of a header have come and no request yet.
    header_begun: AtomicBool,
    /// Header times are measured on HTTP/1 and for the first request only.
    http2: AtomicBool,
    /// The last answer left a body unread.
    lingers: AtomicBool,
    /// Bytes that the client took.
    written: AtomicU64,
    /// The last beginning, progress or end of an answer, in microseconds since `opened`.
    last_event: AtomicU64,
    opened: Instant,
}

/// What the watch of a connection does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing before this instant.
    Wait(Instant),
    /// No request for too long: say goodbye.
    Retire,
    /// The reader takes nothing: close.
    Cut,
}

impl ConnectionState {
    /// A connection that was opened now. Its first header counts as begun.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            in_progress: AtomicU32::new(0),
            answering: AtomicU32::new(0),
            requests: AtomicU64::new(0),
            header_begun: AtomicBool::new(true),
            http2: AtomicBool::new(false),
            lingers: AtomicBool::new(false),
            written: AtomicU64::new(0),
            last_event: AtomicU64::new(0),
            opened: Instant::now(),
        })
    }

    /// Bytes came from the client.
    pub(super) fn bytes_arrived(&self) {
        if self.in_progress.load(Relaxed) == 0 && !self.http2.load(Relaxed) {
            self.header_begun.store(true, Relaxed);
        }
    }

    /// The client took bytes.
    pub(super) fn bytes_taken(&self, bytes: usize) {
        // Only the connection's own task writes, so a load and a store lose nothing.
        let more = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.written
            .store(self.written.load(Relaxed).saturating_add(more), Relaxed);
    }

    /// Bytes that the client took so far.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Relaxed)
    }

    /// The number of the header that is being read, if one is.
    pub(super) fn header_in_progress(&self) -> Option<u64> {
        self.header_begun
            .load(Relaxed)
            .then(|| self.requests.load(Relaxed))
    }

    /// A header is complete; the request lasts until the guard is dropped.
    pub(super) fn request_begins(self: &Arc<Self>, http2: bool) -> RequestGuard {
        self.requests.fetch_add(1, Relaxed);
        self.header_begun.store(false, Relaxed);
        self.http2.store(http2, Relaxed);
        self.in_progress.fetch_add(1, Relaxed);
        RequestGuard {
            state: Arc::clone(self),
            answering: false,
        }
    }

    /// Whether the last answer left a body unread.
    pub(super) fn lingers(&self) -> bool {
        self.lingers.load(Relaxed)
    }

    /// What to do at `now`.
    pub(super) fn verdict(&self, now: Instant, limits: &ConnectionLimits) -> Verdict {
        let last = self.opened + Duration::from_micros(self.last_event.load(Relaxed));
        if self.answering.load(Relaxed) > 0 {
            let stalled = last + limits.write;
            return if now >= stalled {
                Verdict::Cut
            } else {
                Verdict::Wait(stalled)
            };
        }
        if self.in_progress.load(Relaxed) > 0 {
            return Verdict::Wait(now + limits.idle.min(limits.write));
        }
        let retired = last + limits.idle;
        if now >= retired {
            Verdict::Retire
        } else {
            Verdict::Wait(retired)
        }
    }

    fn event(&self) {
        let micros = u64::try_from(self.opened.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.last_event.store(micros, Relaxed);
    }
}

/// One request in progress.
#[derive(Debug)]
pub(super) struct RequestGuard {
    state: Arc<ConnectionState>,
    answering: bool,
}

impl RequestGuard {
    /// The answer's head goes out; `unread` says that the request's body is left unread.
    pub(super) fn answer_begins(&mut self, unread: bool) {
        self.answering = true;
        self.state.answering.fetch_add(1, Relaxed);
        self.state.lingers.store(unread, Relaxed);
        self.state.event();
    }

    /// A part of the answer was taken.
    pub(super) fn answer_moves(&self) {
        self.state.event();
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        if self.answering {
            self.state.answering.fetch_sub(1, Relaxed);
        }
        self.state.in_progress.fetch_sub(1, Relaxed);
        self.state.event();
    }
}
