//! A connection while it sends nothing but plain verify calls: read, answer, write, with as little in between as there can be.
//!
//! [`ride`] serves a connection as long as the HTTP room's [`Express`] lane takes its requests. The first one that it does not take
//! goes to hyper with everything that was read ([`Rewound`]), and the connection stays there. The limits hold here too: a
//! connection that sends nothing for too long is closed, a reader that takes nothing is cut, and a request that comes in pieces is
//! hyper's after [`PATIENCE`], with hyper's limits for slow ones.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use claviger_http::{Express, MAX_EXPRESS_BYTES, Peer, Step};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::ConnectionLimits;
use super::connection::Phase;

/// How long the rest of a request may take to come, all of it, before it is hyper's to wait for.
const PATIENCE: Duration = Duration::from_millis(100);

/// Serves plain verify calls until something else comes, which is hyper's like all that follows: the stream is given back for it.
/// `None` when the client went or a limit was reached: the connection is over. Without a lane everything is hyper's.
pub(super) async fn ride<I>(
    mut stream: I,
    peer: Peer,
    express: Option<&Express>,
    limits: &ConnectionLimits,
    phase: &mut watch::Receiver<Phase>,
) -> Option<Rewound<I>>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let Some(express) = express else {
        return Some(Rewound::new(stream, Vec::new()));
    };
    let mut received = Vec::with_capacity(MAX_EXPRESS_BYTES);
    let mut answer = Vec::with_capacity(1_024);
    let mut last = Instant::now();
    // For the first request the clock runs from the connection, as it does with hyper.
    let mut allowed = limits.header_time.min(limits.idle);
    let mut shutdown = pin!(phase.wait_for(|phase| *phase != Phase::Serving));
    let mut watch = pin!(sleep_until(last + allowed));
    loop {
        // What was left behind an answered request is looked at before more is read.
        if received.is_empty() {
            tokio::select! {
                biased;
                // Nothing is in progress here: a goodbye is in order whatever the phase.
                _ = shutdown.as_mut() => return None,
                read = stream.read_buf(&mut received) => match read {
                    Ok(0) | Err(_) => return None,
                    Ok(_) => {}
                },
                () = watch.as_mut() => {
                    if last.elapsed() >= allowed {
                        return None;
                    }
                    watch.as_mut().reset(last + allowed);
                    continue;
                }
            }
        }
        if !answer_all(&mut stream, peer, express, &mut received, &mut answer).await {
            return Some(Rewound::new(stream, received));
        }
        if write(&mut stream, &mut answer, limits).await.is_err() {
            return None;
        }
        last = Instant::now();
        allowed = limits.idle;
    }
}

/// Answers every whole request of `received` into `answer`. False when what is left is hyper's: it is not for the lane, or its rest
/// does not come.
async fn answer_all<I>(
    stream: &mut I,
    peer: Peer,
    express: &Express,
    received: &mut Vec<u8>,
    answer: &mut Vec<u8>,
) -> bool
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let mut done = 0;
    // From the first look at half a request, however its bytes trickle in.
    let mut until = None;
    loop {
        match express.answer(&received[done..], peer, answer) {
            Step::Answered(bytes) => done += bytes,
            Step::Incomplete if done == received.len() => {
                received.clear();
                return true;
            }
            Step::Incomplete if answer.is_empty() => {
                let until = *until.get_or_insert_with(|| Instant::now() + PATIENCE);
                let more = timeout_at(until, stream.read_buf(received)).await;
                if !matches!(more, Ok(Ok(1..))) {
                    return false;
                }
            }
            // What was answered goes out first; the rest is looked at again then.
            Step::Incomplete | Step::Other if !answer.is_empty() => {
                received.drain(..done);
                return true;
            }
            Step::Incomplete | Step::Other => return false,
        }
    }
}

async fn write<I>(stream: &mut I, answer: &mut Vec<u8>, limits: &ConnectionLimits) -> io::Result<()>
where
    I: AsyncWrite + Unpin,
{
    let mut rest = answer.as_slice();
    // An answer fits what the kernel keeps for a reader, as a rule: no clock is asked, and none is set.
    let at_once = poll_fn(|cx| Poll::Ready(Pin::new(&mut *stream).poll_write(cx, rest))).await;
    if let Poll::Ready(written) = at_once {
        rest = &rest[written?..];
    }
    if !rest.is_empty() {
        let written = timeout(limits.write, stream.write_all(rest)).await;
        written.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    }
    answer.clear();
    Ok(())
}

/// A stream that gives what was read from it once more.
pub(super) struct Rewound<I> {
    before: Bytes,
    inner: I,
}

impl<I> Rewound<I> {
    fn new(inner: I, read: Vec<u8>) -> Self {
        Self {
            before: read.into(),
            inner,
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Rewound<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.before.is_empty() {
            return Pin::new(&mut self.inner).poll_read(cx, buffer);
        }
        let length = self.before.len().min(buffer.remaining());
        buffer.put_slice(&self.before[..length]);
        self.before.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Rewound<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
