//! The one thread that changes anything: group commit (reliability.md §2, §4).
//!
//! It takes what is queued, runs each operation under its own savepoint, commits once for all, runs the hooks in order, and
//! only then answers. It never waits for more to come: while one commit reaches the disk the next batch gathers by itself.
//! Invariant: nobody is answered "done" before the commit is durable and its hooks have run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::changes;
use crate::job::{Job, Message};
use crate::journal::{Journal, JournalLine};
use crate::postgres::connect::{Connector, give_lock_back};
use crate::sqlite::checkpoint::{self, Checkpointer};
use crate::sqlite::directory::DataDirectory;
use crate::sqlite::{Role, SqliteConnection};
use crate::store::Resync;
use crate::transaction::{Connection, Hook};
use crate::{StoreError, Tx};

/// The most operations that share a commit.
const OPERATIONS_PER_BATCH: usize = 256;
/// A batch that has changed so many rows is committed before the next operation, so that nobody waits long behind a bulk.
const ROWS_PER_BATCH: u64 = 8_192;
/// The first and the longest pause between two attempts to reach the database again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// What the writer counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) batches: AtomicU64,
    pub(crate) operations: AtomicU64,
    pub(crate) failed_commits: AtomicU64,
    pub(crate) reconnects: AtomicU64,
    pub(crate) stopped: AtomicBool,
    pub(crate) disconnected: AtomicBool,
}

/// The writer's thread.
pub(crate) struct Writer {
    queue: mpsc::Receiver<Message>,
    tx: Tx,
    home: Home,
    counters: Arc<Counters>,
    journal: Option<Box<Journal>>,
    /// Lines of commits whose outcome is unknown, until the database says it.
    in_doubt: Vec<JournalLine>,
}

/// What belongs to the writer beside its connection.
pub(crate) enum Home {
    /// SQLite. The fields are given up in this order.
    Sqlite {
        /// Moves the log into the file.
        checkpointer: Checkpointer,
        /// Keeps other processes out.
        directory: DataDirectory,
    },
    /// PostgreSQL.
    Postgres {
        /// Makes the next connection.
        connector: Connector,
        /// Runs on it before the next write.
        resync: Option<Resync>,
    },
}

// === impl Writer ===

impl Writer {
    /// Takes the data directory for SQLite.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Open`].
    pub(crate) fn open_sqlite(
        directory: &std::path::Path,
        unsafe_synchronous_off: bool,
    ) -> Result<(Tx, Home), StoreError> {
        let directory = DataDirectory::lock(directory)?;
        let connection = SqliteConnection::open(
            &directory.database(),
            Role::Writer {
                unsafe_synchronous_off,
            },
        )?;
        let checkpointer = Checkpointer::start(&directory.database())?;
        Ok((
            Tx::new(Connection::Sqlite(connection), true),
            Home::Sqlite {
                checkpointer,
                directory,
            },
        ))
    }

    /// Takes the database for PostgreSQL.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Open`], [`StoreError::Unavailable`].
    pub(crate) async fn open_postgres(
        connector: Connector,
        resync: Option<Resync>,
    ) -> Result<(Tx, Home), StoreError> {
        let connection = connector.writer().await?;
        Ok((
            Tx::new(Connection::Postgres(connection), true),
            Home::Postgres { connector, resync },
        ))
    }

    pub(crate) fn new(
        queue: mpsc::Receiver<Message>,
        (tx, home): (Tx, Home),
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            queue,
            tx,
            home,
            counters,
            journal: None,
            in_doubt: Vec::new(),
        }
    }

    /// Runs until the queue is closed and empty.
    pub(crate) async fn run(mut self) {
        loop {
            let message = match self.tx.connection() {
                Connection::Sqlite(_) => self.queue.recv().await,
                Connection::Postgres(connection) => tokio::select! {
                    biased;
                    message = self.queue.recv() => message,
                    () = connection.closed() => {
                        self.reconnect().await;
                        continue;
                    }
                },
            };
            match message {
                Some(Message::Operate(job)) => self.batch(job).await,
                Some(Message::Attach(journal)) => self.journal = Some(journal),
                Some(Message::Close) => self.queue.close(),
                None => break,
            }
        }
        self.close().await;
    }

    async fn batch(&mut self, first: Box<dyn Job>) {
        if self.is_stopped() {
            return first.answer(Err(StoreError::WriterStopped));
        }
        let (jobs, failure) = self.gather(first).await;
        let rows = self.tx.rows_written();
        let lines = self.tx.take_lines();
        let committed = match failure {
            None => self.tx.commit().await,
            Some(error) => {
                self.tx.abandon().await;
                Err(error)
            }
        };
        let journaled = self.write_journal(&committed, lines);
        let outcome = self.conclude(committed).and(journaled);
        self.counters.batches.fetch_add(1, Ordering::Relaxed);
        self.counters
            .operations
            .fetch_add(jobs.len() as u64, Ordering::Relaxed);
        for job in jobs {
            job.answer(outcome.clone());
        }
        self.tidy(rows).await;
    }

    /// Runs what is queued. The second is why all of it has to be given up.
    async fn gather(&mut self, first: Box<dyn Job>) -> (Vec<Box<dyn Job>>, Option<StoreError>) {
        let mut jobs = Vec::new();
        let mut next = Some(first);
        while let Some(mut job) = next.take() {
            let keep = job.run(&mut self.tx).await;
            jobs.push(job);
            if let Err(error) = self.tx.end_operation(keep).await {
                return (jobs, Some(error));
            }
            if jobs.len() < OPERATIONS_PER_BATCH && self.tx.rows_written() < ROWS_PER_BATCH {
                next = self.try_next();
            }
        }
        (jobs, None)
    }

    fn try_next(&mut self) -> Option<Box<dyn Job>> {
        loop {
            match self.queue.try_recv() {
                Ok(Message::Operate(job)) => return Some(job),
                Ok(Message::Attach(journal)) => self.journal = Some(journal),
                Ok(Message::Close) => self.queue.close(),
                Err(_) => return None,
            }
        }
    }

    /// Has the lines of a commit on disk before anybody is answered. Those of a commit whose outcome is unknown wait until the database
    /// says it: a line about what never happened could widen something again.
    fn write_journal(
        &mut self,
        committed: &Result<Vec<Hook>, StoreError>,
        lines: Vec<JournalLine>,
    ) -> Result<(), StoreError> {
        match committed {
            Ok(_) => self.append(&lines),
            Err(StoreError::OutcomeUnknown) => {
                self.in_doubt.extend(lines);
                Ok(())
            }
            Err(_) => Ok(()),
        }
    }

    fn append(&mut self, lines: &[JournalLine]) -> Result<(), StoreError> {
        let Some(journal) = self.journal.as_mut().filter(|_| !lines.is_empty()) else {
            return Ok(());
        };
        journal.append(lines).map_err(|error| {
            // The changes stand and are applied; only nobody may be told.
            self.stop(&error.to_string());
            StoreError::OutcomeUnknown
        })
    }

    /// Writes the lines of those commits in doubt that turn out to have been made, before anything else is written. A crash before leaves
    /// the database beyond its journal, and the next start writes them.
    async fn settle_doubt(&mut self) {
        if self.in_doubt.is_empty() {
            return;
        }
        let head = changes::head(&mut self.tx).await;
        self.tx.abandon().await;
        match head {
            Ok(head) => {
                let mut lines = std::mem::take(&mut self.in_doubt);
                lines.retain(|line| line.epoch <= head);
                // Whoever asked was told that the outcome is unknown; a failure stops the writer.
                let _ = self.append(&lines);
            }
            Err(error) => self.stop(&error.to_string()),
        }
    }

    /// Runs the hooks of a commit, or decides what its failure means.
    fn conclude(&self, committed: Result<Vec<Hook>, StoreError>) -> Result<(), StoreError> {
        let error = match committed {
            Ok(hooks) => {
                let ran = catch_unwind(AssertUnwindSafe(|| hooks.into_iter().for_each(|hook| hook())));
                return ran.map_err(|_| {
                    self.stop("a hook panicked after a commit");
                    StoreError::OutcomeUnknown
                });
            }
            Err(error) => error,
        };
        self.counters.failed_commits.fetch_add(1, Ordering::Relaxed);
        let recoverable = matches!(self.home, Home::Postgres { .. }) || error == StoreError::StorageFull;
        if recoverable {
            tracing::warn!(%error, "a commit failed");
            return Err(error);
        }
        // After a failed flush the kernel may drop the pages and succeed the next time (reliability.md §4a).
        self.stop(&error.to_string());
        Err(StoreError::WriterStopped)
    }

    fn stop(&self, reason: &str) {
        tracing::error!(
            reason,
            "the store stopped writing: nothing more is acknowledged until the server is restarted"
        );
        self.counters.stopped.store(true, Ordering::Release);
    }

    fn is_stopped(&self) -> bool {
        if let Home::Sqlite { checkpointer, .. } = &self.home
            && checkpointer.has_failed()
        {
            self.counters.stopped.store(true, Ordering::Release);
        }
        self.counters.stopped.load(Ordering::Acquire)
    }

    /// What is due between two batches, when nobody waits for it.
    async fn tidy(&mut self, rows: u64) {
        match (&mut self.home, self.tx.connection()) {
            (Home::Sqlite { checkpointer, .. }, Connection::Sqlite(connection)) => {
                checkpointer.committed(rows);
                if checkpointer.is_behind() {
                    let moved = checkpoint::passive(connection);
                    if connection.has_failed() {
                        self.stop("a checkpoint failed");
                    } else if let Err(error) = moved {
                        tracing::warn!(%error, "a checkpoint did not finish, the next one goes on");
                    }
                }
            }
            (_, Connection::Postgres(connection)) if connection.is_lost() => self.reconnect().await,
            _ => {}
        }
    }

    /// Takes the database again, and learns from it what was in doubt.
    async fn reconnect(&mut self) {
        self.wait_for_database().await;
        self.settle_doubt().await;
    }

    /// Until the database is back every write is refused at once instead of waiting.
    async fn wait_for_database(&mut self) {
        let Self {
            queue,
            tx,
            home: Home::Postgres { connector, resync },
            counters,
            journal,
            ..
        } = self
        else {
            return;
        };
        tracing::warn!("the connection to the database broke");
        counters.disconnected.store(true, Ordering::Relaxed);
        let mut again = pin!(take_again(connector, resync.as_ref(), tx));
        loop {
            tokio::select! {
                biased;
                () = &mut again => break,
                message = queue.recv() => match message {
                    Some(Message::Operate(job)) => {
                        job.answer(Err(StoreError::Unavailable("the connection to the database broke".to_owned())));
                    }
                    Some(Message::Attach(attached)) => *journal = Some(attached),
                    Some(Message::Close) => queue.close(),
                    None => return,
                },
            }
        }
        tracing::info!("the connection to the database is back");
        counters.disconnected.store(false, Ordering::Relaxed);
        counters.reconnects.fetch_add(1, Ordering::Relaxed);
    }

    async fn close(self) {
        match (self.tx.into_connection(), self.home) {
            (
                Connection::Sqlite(mut connection),
                Home::Sqlite {
                    checkpointer,
                    directory,
                },
            ) => {
                drop(checkpointer);
                // A log that stays is recovered by the next start.
                if let Err(error) = checkpoint::truncate(&mut connection) {
                    tracing::warn!(%error, "the log could not be emptied");
                }
                drop(connection);
                drop(directory);
            }
            (Connection::Postgres(mut connection), _) => {
                give_lock_back(&mut connection).await;
                connection.close().await;
            }
            (Connection::Sqlite(_), Home::Postgres { .. }) => {}
        }
    }
}

/// Tries until there is a connection with the lock on which `resync` ran.
async fn take_again(connector: &Connector, resync: Option<&Resync>, tx: &mut Tx) {
    let (mut pause, longest) = PAUSES;
    loop {
        match taken(connector, resync, tx).await {
            Ok(()) => return,
            Err(error) => tracing::warn!(%error, "the database cannot be taken yet"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(longest);
    }
}

async fn taken(connector: &Connector, resync: Option<&Resync>, tx: &mut Tx) -> Result<(), StoreError> {
    tx.replace(Connection::Postgres(connector.writer().await?));
    if let Some(resync) = resync {
        let resynced = resync.run(tx).await;
        tx.abandon().await;
        resynced?;
    }
    Ok(())
}
