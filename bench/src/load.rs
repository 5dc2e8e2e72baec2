//! The load generator: keep-alive connections, each asking again as soon as it was answered, on one thread.
//!
//! Invariant: it does the same little work whatever the server: writes prepared bytes, finds the end of the answer, looks at its
//! first bytes. Requests come from a [`Traffic`], which also sees the answers. Raw HTTP/1.1 over TCP or a Unix socket, no client
//! library, because the generator must not be the slowest part.

mod answer;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

pub(crate) use answer::{Answer, Shape};

/// Where requests go.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// TCP.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

/// What is asked, and what becomes of the answers.
pub(crate) trait Traffic {
    /// Writes the next request into `request`, which is empty; false when there is none left.
    fn next(&mut self, request: &mut Vec<u8>) -> bool;

    /// Takes note of an answer. An error ends the run.
    fn answered(&mut self, answer: Answer<'_>, took: Duration) -> Result<()>;
}

/// What a run did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// Requests that were answered.
    pub(crate) answered: u64,
    /// From the first request to the last answer.
    pub(crate) took: Duration,
}

/// Open connections to one server.
pub(crate) enum Connections {
    Tcp(Vec<TcpStream>),
    Unix(Vec<UnixStream>),
}

/// The bytes an answer is read into; none of the answers here is longer.
const ANSWER_BYTES: usize = 256 * 1024;

impl Run {
    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        // A count of requests is far below 2^53.
        let answered = f64::from(u32::try_from(self.answered).unwrap_or(u32::MAX));
        answered / self.took.as_secs_f64()
    }
}

/// Runs a future of this module on a fresh runtime of this thread.
///
/// # Errors
/// Those of the future.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(work)
}

// === impl Connections ===

impl Connections {
    /// Opens `count` connections.
    ///
    /// # Errors
    /// When the server does not take one.
    pub(crate) async fn open(target: &Target, count: u32) -> Result<Self> {
        match target {
            Target::Tcp(address) => {
                let mut streams = Vec::new();
                for _ in 0..count {
                    let stream = TcpStream::connect(address).await?;
                    stream.set_nodelay(true)?;
                    streams.push(stream);
                }
                Ok(Self::Tcp(streams))
            }
            Target::Unix(path) => {
                let mut streams = Vec::new();
                for _ in 0..count {
                    streams.push(UnixStream::connect(path).await?);
                }
                Ok(Self::Unix(streams))
            }
        }
    }

    /// Asks on all connections at once until the time is over or nothing is left to ask, and waits for the answers under way.
    ///
    /// # Errors
    /// When a connection breaks, an answer cannot be read, or the traffic refuses one.
    pub(crate) async fn drive(&mut self, traffic: &RefCell<impl Traffic>, time: Duration) -> Result<Run> {
        match self {
            Self::Tcp(streams) => drive(streams, traffic, time).await,
            Self::Unix(streams) => drive(streams, traffic, time).await,
        }
    }
}

async fn drive<S>(streams: &mut [S], traffic: &RefCell<impl Traffic>, time: Duration) -> Result<Run>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let start = Instant::now();
    let end = start + time;
    let mut loops = Vec::new();
    for stream in streams {
        loops.push(Box::pin(ask_until(stream, traffic, end)));
    }
    let answered = join(loops).await?;
    Ok(Run {
        answered,
        took: start.elapsed(),
    })
}

/// One connection's loop.
async fn ask_until<S>(stream: &mut S, traffic: &RefCell<impl Traffic>, end: Instant) -> Result<u64>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = Vec::with_capacity(1_024);
    let mut buffer = vec![0; ANSWER_BYTES];
    let mut shape = Shape::default();
    let mut answered = 0;
    let mut now = Instant::now();
    while now < end {
        request.clear();
        if !traffic.borrow_mut().next(&mut request) {
            break;
        }
        let asked = now;
        stream.write_all(&request).await.context("the server hung up")?;
        let bytes = read_answer(stream, &mut buffer, &mut shape).await?;
        now = Instant::now();
        let answer = Answer::of(&buffer[..bytes], &shape)?;
        traffic.borrow_mut().answered(answer, now - asked)?;
        answered += 1;
    }
    Ok(answered)
}

/// Reads one whole answer; nothing follows it, because nothing was asked meanwhile.
async fn read_answer<S>(stream: &mut S, buffer: &mut [u8], shape: &mut Shape) -> Result<usize>
where
    S: AsyncRead + Unpin,
{
    let mut filled = 0;
    loop {
        let bytes = stream
            .read(&mut buffer[filled..])
            .await
            .context("the server hung up")?;
        ensure!(
            bytes > 0,
            "the server hung up, or its answer is longer than {ANSWER_BYTES} bytes"
        );
        filled += bytes;
        match shape.total(&buffer[..filled])? {
            Some(total) if total == filled => return Ok(filled),
            Some(total) if total < filled => bail!("the server sent more than was asked for"),
            _ => {}
        }
    }
}

/// Polls all loops until each has ended; the first error ends them all. Each has its own wake-up, so that an answer on one connection
/// costs a look at that one only.
async fn join<F>(loops: Vec<F>) -> Result<u64>
where
    F: Future<Output = Result<u64>> + Unpin,
{
    let mut set = FuturesUnordered::from_iter(loops);
    let mut answered = 0;
    while let Some(ended) = set.next().await {
        answered += ended?;
    }
    Ok(answered)
}

/// Does `work` on a thread that never sleeps while it waits. To wake a thread on another core is paid by whoever sends, so a server would be
/// charged for each rest that it gives the generator: more, the slower it is.
///
/// # Errors
/// Those of `work`.
pub(crate) async fn awake<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let look_again = async {
        loop {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        done = work => done,
        never = look_again => never,
    }
}

/// Asks once on a connection of its own and gives the whole answer as it stood on the wire.
///
/// # Errors
/// When there is no server, or no answer.
pub(crate) async fn ask_once(target: &Target, request: &[u8]) -> Result<Vec<u8>> {
    let once = RefCell::new(Once {
        request: Some(request.to_vec()),
        answer: Vec::new(),
    });
    let mut connection = Connections::open(target, 1).await?;
    connection.drive(&once, Duration::from_secs(120)).await?;
    Ok(once.into_inner().answer)
}

struct Once {
    request: Option<Vec<u8>>,
    answer: Vec<u8>,
}

impl Traffic for Once {
    fn next(&mut self, request: &mut Vec<u8>) -> bool {
        match self.request.take() {
            Some(wanted) => {
                request.extend_from_slice(&wanted);
                true
            }
            None => false,
        }
    }

    fn answered(&mut self, answer: Answer<'_>, _: Duration) -> Result<()> {
        self.answer = answer.wire.to_vec();
        Ok(())
    }
}
