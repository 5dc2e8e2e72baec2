//! A socket that gives up on a client that is too slow.
//!
//! Wraps the stream below hyper. Reading: while a header is being read, waiting longer than `header_time` since its first byte is an
//! error. Writing: waiting longer than `write` for the client to take bytes is an error. Closing: after an answer that left the
//! request's body unread, a little of it is thrown away, so that the answer is not lost in a reset (RFC 9112 §9.6).

use std::{
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use super::{ConnectionLimits, limits::LINGER_BYTES, state::ConnectionState};

/// See the file's head.
pub(super) struct WatchedIo<I> {
    inner: I,
    limits: ConnectionLimits,
    state: Arc<ConnectionState>,
    /// The header being read (its number) and when it must be complete. A timer exists only while one waits.
    header: Option<(u64, Pin<Box<Sleep>>)>,
    write: Option<Pin<Box<Sleep>>>,
    linger: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<I> WatchedIo<I> {
    pub(super) fn new(inner: I, limits: ConnectionLimits, state: Arc<ConnectionState>) -> Self {
        Self {
            inner,
            limits,
            state,
            header: None,
            write: None,
            linger: None,
        }
    }

    /// Called when reading waits.
    fn poll_header_time(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(number) = self.state.header_in_progress() else {
            self.header = None;
            return Poll::Pending;
        };
        let timer = match &mut self.header {
            Some((of, timer)) if *of == number => timer,
            header => {
                let timer = Box::pin(sleep(self.limits.header_time));
                &mut header.insert((number, timer)).1
            }
        };
        timer
            .as_mut()
            .poll(cx)
            .map(|()| Err(too_slow("no complete header in time")))
    }

    fn count(&self, outcome: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = outcome {
            self.state.bytes_taken(*bytes);
        }
    }

    /// Called with the outcome of every write: a wait starts the clock, progress stops it.
    fn watch_write<T>(&mut self, outcome: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.write = None;
            return outcome;
        }
        let allowed = self.limits.write;
        let timer = self.write.get_or_insert_with(|| Box::pin(sleep(allowed)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(too_slow("the client takes no bytes")))
    }
}

fn too_slow(why: &'static str) -> io::Error {
    io::Error::new(ErrorKind::TimedOut, why)
}

impl<I: AsyncRead + Unpin> AsyncRead for WatchedIo<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut this.inner).poll_read(cx, buffer);
        if outcome.is_pending() {
            return this.poll_header_time(cx);
        }
        if buffer.filled().len() > before {
            this.state.bytes_arrived();
        }
        outcome
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for WatchedIo<I> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.inner).poll_write(cx, bytes);
        this.count(&outcome);
        this.watch_write(outcome, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.inner).poll_write_vectored(cx, slices);
        this.count(&outcome);
        this.watch_write(outcome, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.inner).poll_flush(cx);
        this.watch_write(outcome, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.linger.is_none() {
            let outcome = Pin::new(&mut this.inner).poll_shutdown(cx);
            ready!(this.watch_write(outcome, cx))?;
            if !this.state.lingers() {
                return Poll::Ready(Ok(()));
            }
        }
        let allowed = this.limits.linger;
        let (timer, budget) = this
            .linger
            .get_or_insert_with(|| (Box::pin(sleep(allowed)), LINGER_BYTES));
        let mut scratch = [0; 4096];
        while *budget > 0 {
            let room = scratch.len().min(*budget);
            let mut buffer = ReadBuf::new(&mut scratch[..room]);
            match Pin::new(&mut this.inner).poll_read(cx, &mut buffer) {
                Poll::Pending => break,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    *budget -= buffer.filled().len();
                }
                Poll::Ready(_) => return Poll::Ready(Ok(())),
            }
        }
        // With the budget spent the client's window fills up; it has until the timer to look at the answer.
        timer.as_mut().poll(cx).map(Ok)
    }
}
