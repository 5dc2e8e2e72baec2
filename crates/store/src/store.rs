//! The store: opened once by `server`, used by `service`, closed at shutdown.
//!
//! [`Store::write`] queues an operation for the one writer, [`Store::read`] for the readers. Both return when the operation has
//! its outcome; a write's is durable by then. The threads are the store's own and have their own runtimes, so the store works
//! under any runtime and outlives a busy one.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use claviger_domain::Timestamp;
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::dialect::Backend;
use crate::job::{Message, submit};
use crate::journal::Journal;
use crate::postgres::connect::Connector;
use crate::reader::{self, SharedQueue, Source};
use crate::sqlite::directory::size_bytes;
use crate::writer::{Counters, Writer};
use crate::{StoreError, Tx, migrate};

/// Where the data is.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A directory on a local file system. It is made when it is missing, and is this process's alone.
    Sqlite {
        /// The directory.
        directory: PathBuf,
    },
    /// A PostgreSQL database, 15 or later.
    Postgres {
        /// `postgres://user:password@host/database?sslmode=require`, or `?host=/run/postgresql` for a Unix socket.
        url: String,
    },
}

/// How to open a store.
#[derive(Debug)]
pub struct Options {
    now: Timestamp,
    readers: u32,
    queue_length: usize,
    resync: Option<Resync>,
    unsafe_synchronous_off: bool,
}

/// What runs on a new connection before it is written to.
pub(crate) struct Resync(Box<dyn Fn(&mut Tx) -> ResyncFuture<'_> + Send>);

type ResyncFuture<'t> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + 't>>;

/// SQLite or PostgreSQL, opened. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    location: Location,
    writes: mpsc::Sender<Message>,
    reads: mpsc::Sender<Message>,
    counters: Arc<Counters>,
    /// Ready when the threads have ended: the readers first, then the writer.
    ended: Mutex<Option<Ended>>,
}

#[derive(Debug)]
struct Ended {
    readers: mpsc::Receiver<()>,
    writer: oneshot::Receiver<()>,
}

/// What the store counts, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreStats {
    /// Commits tried.
    pub batches: u64,
    /// Write operations run, those included that were rolled back.
    pub operations: u64,
    /// Commits that failed.
    pub failed_commits: u64,
    /// Times the database was taken again after its connection broke.
    pub reconnects: u64,
    /// Write operations that wait.
    pub queue_length: u64,
    /// A commit failed for good, or the store is closed: writes are refused until the server is restarted.
    pub writer_stopped: bool,
    /// The database cannot be reached at present: writes are refused.
    pub disconnected: bool,
}

// === impl Options ===

impl Options {
    /// Four readers, 4,096 operations in each queue. `now` is noted where a migration is applied.
    pub const fn new(now: Timestamp) -> Self {
        Self {
            now,
            readers: 4,
            queue_length: 4_096,
            resync: None,
            unsafe_synchronous_off: false,
        }
    }

    /// How many connections read at once, at least one.
    #[must_use]
    pub fn readers(mut self, readers: u32) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// How many operations may wait in each queue, at least one; beyond it callers get [`StoreError::Overloaded`].
    #[must_use]
    pub fn queue_length(mut self, operations: usize) -> Self {
        self.queue_length = operations.max(1);
        self
    }

    /// PostgreSQL only: `hook` runs on each new writing connection after one broke, with the lock held and before the next write
    /// is taken, so that whoever follows the change feed can catch up with commits whose outcome it did not learn. It only reads:
    /// what it changes is rolled back. When it fails the connection is made again.
    #[must_use]
    pub fn resync(
        mut self,
        hook: impl AsyncFn(&mut Tx) -> Result<(), StoreError> + Send + Sync + 'static,
    ) -> Self {
        let hook = Arc::new(hook);
        self.resync = Some(Resync(Box::new(move |tx| {
            let hook = Arc::clone(&hook);
            Box::pin(async move { hook(tx).await })
        })));
        self
    }

    /// SQLite only: acknowledge before the disk has it. The negative control of the power-cut test, and nothing else.
    #[doc(hidden)]
    #[must_use]
    pub const fn unsafe_synchronous_off(mut self, off: bool) -> Self {
        self.unsafe_synchronous_off = off;
        self
    }
}

// === impl Resync ===

impl Resync {
    pub(crate) async fn run(&self, tx: &mut Tx) -> Result<(), StoreError> {
        self.0(tx).await
    }
}

impl std::fmt::Debug for Resync {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resync(…)")
    }
}

// === impl Location ===

impl Location {
    const fn backend(&self) -> Backend {
        match self {
            Self::Sqlite { .. } => Backend::Sqlite,
            Self::Postgres { .. } => Backend::Postgres,
        }
    }
}

impl std::fmt::Debug for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite { directory } => f.debug_struct("Sqlite").field("directory", directory).finish(),
            // The URL may hold a password.
            Self::Postgres { .. } => f.debug_struct("Postgres").finish_non_exhaustive(),
        }
    }
}

// === impl Store ===

impl Store {
    /// Opens the store, takes it for this process, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another server has it, [`StoreError::Open`], [`StoreError::Schema`],
    /// [`StoreError::Unavailable`]. Nothing keeps running then.
    pub async fn open(location: Location, options: Options) -> Result<Self, StoreError> {
        let (writes, write_queue) = mpsc::channel(options.queue_length);
        let (reads, read_queue) = mpsc::channel(options.queue_length);
        let counters = Arc::new(Counters::default());
        let (now, readers) = (options.now, options.readers);
        let source = match &location {
            Location::Sqlite { directory } => Source::Sqlite(directory.clone()),
            Location::Postgres { url } => Source::Postgres(Connector::new(url)?),
        };
        let writer = start_writer(write_queue, source.clone(), options, Arc::clone(&counters)).await?;
        let readers = start_readers(read_queue, &source, readers)?;
        let ended = Mutex::new(Some(Ended { readers, writer }));
        let store = Self {
            inner: Arc::new(Inner {
                location,
                writes,
                reads,
                counters,
                ended,
            }),
        };
        match migrate::run(&store, now).await {
            Ok(()) => Ok(store),
            Err(error) => {
                store.close().await;
                Err(error)
            }
        }
    }

    /// Runs `operation` in a transaction that may write; its changes are durable when this returns `Ok`, and its hooks
    /// ([`Tx::after_commit`]) have run. An `Err` of the operation undoes it alone.
    ///
    /// The operation shares a commit with others and keeps them waiting: it awaits the store and nothing else. It runs to its
    /// end even when the caller stops waiting.
    ///
    /// ```no_run
    /// # async fn example(store: &claviger_store::Store) -> Result<(), claviger_store::StoreError> {
    /// let name = "release-bot".to_owned();
    /// let changed = store
    ///     .write(async move |tx| {
    ///         let changed = tx.execute("UPDATE setting SET value = $1 WHERE key = 'name'", &[name.into()]).await?;
    ///         tx.after_commit(Box::new(|| println!("durable")));
    ///         Ok::<_, claviger_store::StoreError>(changed)
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// What the operation returns; [`StoreError::Overloaded`], [`StoreError::WriterStopped`], [`StoreError::StorageFull`],
    /// [`StoreError::Unavailable`], [`StoreError::Closed`]: nothing was changed; [`StoreError::OutcomeUnknown`].
    pub async fn write<F, T, E>(&self, operation: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        submit(&self.inner.writes, operation, StoreError::OutcomeUnknown).await
    }

    /// Runs `operation` on one snapshot. It cannot write.
    ///
    /// # Errors
    /// What the operation returns; [`StoreError::Overloaded`], [`StoreError::Unavailable`], [`StoreError::Closed`].
    pub async fn read<F, T, E>(&self, operation: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        submit(&self.inner.reads, operation, StoreError::Closed).await
    }

    /// Has the journal written by every operation that is queued from now on ([`Tx::journal`]). Once, before anything is acknowledged
    /// that a restore must not undo.
    ///
    /// # Errors
    /// [`StoreError::Closed`].
    pub async fn attach_journal(&self, journal: Journal) -> Result<(), StoreError> {
        let attached = self.inner.writes.send(Message::Attach(Box::new(journal))).await;
        attached.map_err(|_| StoreError::Closed)
    }

    /// Finishes what is queued, takes nothing more, and gives the store up for the next process. Later calls of any kind get
    /// [`StoreError::Closed`]; closing twice is closing once.
    pub async fn close(&self) {
        let Some(mut ended) = self.inner.ended.lock().await.take() else {
            return;
        };
        // A queue without a thread is closed already. Readers go first: SQLite's log is emptied only when nobody reads.
        let _closing = self.inner.reads.send(Message::Close).await;
        let _all_ended = ended.readers.recv().await;
        let _closing = self.inner.writes.send(Message::Close).await;
        let _ended = ended.writer.await;
    }

    /// `sqlite` or `postgresql`.
    pub fn backend_name(&self) -> &'static str {
        self.inner.location.backend().as_str()
    }

    /// What the store has counted so far.
    pub fn stats(&self) -> StoreStats {
        let counters = &self.inner.counters;
        let waiting = self.inner.writes.max_capacity() - self.inner.writes.capacity();
        StoreStats {
            batches: counters.batches.load(Ordering::Relaxed),
            operations: counters.operations.load(Ordering::Relaxed),
            failed_commits: counters.failed_commits.load(Ordering::Relaxed),
            reconnects: counters.reconnects.load(Ordering::Relaxed),
            queue_length: waiting as u64,
            writer_stopped: counters.stopped.load(Ordering::Acquire) || self.inner.writes.is_closed(),
            disconnected: counters.disconnected.load(Ordering::Relaxed),
        }
    }

    /// The bytes on disk: the database and its log, or what PostgreSQL says of the database.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn size_bytes(&self) -> Result<u64, StoreError> {
        if let Location::Sqlite { directory } = &self.inner.location {
            return size_bytes(directory).map_err(|error| StoreError::Unavailable(error.to_string()));
        }
        self.read(async |tx| {
            let row = tx
                .query_opt("SELECT pg_database_size(current_database())", &[])
                .await?;
            row.map_or(Ok(0), |row| row.get(0))
        })
        .await
    }
}

/// Starts the writer and waits until it has the database.
async fn start_writer(
    queue: mpsc::Receiver<Message>,
    source: Source,
    options: Options,
    counters: Arc<Counters>,
) -> Result<oneshot::Receiver<()>, StoreError> {
    let (opened, opening) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    start_thread("store-writer", &source.clone(), async move || {
        let taken = match source {
            Source::Sqlite(directory) => Writer::open_sqlite(&directory, options.unsafe_synchronous_off),
            Source::Postgres(connector) => Writer::open_postgres(connector, options.resync).await,
        };
        match taken {
            Ok(taken) => {
                // Whoever opened the store may have gone away; then the queue is closed, and the writer ends by itself.
                let _heard = opened.send(Ok(()));
                Writer::new(queue, taken, counters).run().await;
            }
            Err(error) => {
                let _heard = opened.send(Err(error));
            }
        }
        drop(end);
    })?;
    opening
        .await
        .unwrap_or_else(|_| Err(StoreError::internal("the writer ended while it opened the store")))?;
    Ok(ended)
}

/// Starts the readers; the returned end of a channel is closed when all have ended.
fn start_readers(
    queue: mpsc::Receiver<Message>,
    source: &Source,
    readers: u32,
) -> Result<mpsc::Receiver<()>, StoreError> {
    let queue: SharedQueue = Arc::new(Mutex::new(queue));
    let (end, ended) = mpsc::channel(1);
    for _ in 0..readers {
        let (queue, reads, end) = (Arc::clone(&queue), source.clone(), end.clone());
        start_thread("store-reader", source, async move || {
            reader::run(queue, reads).await;
            drop(end);
        })?;
    }
    Ok(ended)
}

/// Starts a thread with a runtime of its own that runs `work`, which need not be able to move between threads.
fn start_thread<W>(name: &str, source: &Source, work: W) -> Result<(), StoreError>
where
    W: AsyncFnOnce() + Send + 'static,
{
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    if matches!(source, Source::Postgres(_)) {
        runtime.enable_all();
    }
    let runtime = runtime
        .build()
        .map_err(|error| StoreError::Open(format!("cannot start a runtime: {error}")))?;
    let thread = std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || runtime.block_on(work()));
    thread
        .map(drop)
        .map_err(|error| StoreError::Open(format!("cannot start a thread: {error}")))
}
