//! Moves SQLite's log into the database file, off the commit path.
//!
//! One thread with a connection of its own runs a PASSIVE checkpoint when the writer says that the log has grown, and each
//! second while there are commits. A passive checkpoint never makes the writer wait. Under a load without pauses it also never
//! catches up, so beyond [`LOG_BYTES_MAX`] the writer runs the (then short) rest itself between two commits; after that the log
//! begins anew. A failed flush here stops the writer as one in a commit does.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::StoreError;
use crate::sqlite::directory::log_file;
use crate::sqlite::{Role, SqliteConnection};

/// How many rows the writer changes before it wakes the thread: about 4,000 pages of log.
const ROWS_PER_WAKE: u64 = 4_096;
/// How long commits may wait for their checkpoint.
const TICK: Duration = Duration::from_secs(1);
/// Beyond this the writer helps.
const LOG_BYTES_MAX: u64 = 128 << 20;

/// The thread, as the writer sees it.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    rows_since_wake: u64,
    /// The log's file.
    log: PathBuf,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    /// A flush failed.
    failed: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// There were commits since the last checkpoint.
    dirty: bool,
    /// The log has grown by enough to begin at once.
    urgent: bool,
    stop: bool,
}

// === impl Checkpointer ===

impl Checkpointer {
    /// Starts the thread on the database `file`.
    ///
    /// # Errors
    /// Those of [`SqliteConnection::open`], and [`StoreError::Open`] when there is no thread to be had.
    pub(crate) fn start(file: &Path) -> Result<Self, StoreError> {
        let connection = SqliteConnection::open(file, Role::Checkpointer)?;
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            wake: Condvar::new(),
            failed: AtomicBool::new(false),
        });
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".into())
            .spawn({
                let shared = Arc::clone(&shared);
                move || run(connection, &shared)
            });
        let thread = thread.map_err(|error| StoreError::Open(format!("cannot start a thread: {error}")))?;
        Ok(Self {
            shared,
            thread: Some(thread),
            rows_since_wake: 0,
            log: log_file(file),
        })
    }

    /// Called by the writer after each commit.
    pub(crate) fn committed(&mut self, rows: u64) {
        self.rows_since_wake += rows;
        let urgent = self.rows_since_wake >= ROWS_PER_WAKE;
        let mut state = self.shared.lock();
        let news = urgent || !state.dirty;
        state.dirty = true;
        state.urgent |= urgent;
        drop(state);
        if urgent {
            self.rows_since_wake = 0;
        }
        if news {
            self.shared.wake.notify_one();
        }
    }

    /// True when the log is so long that the writer should run a checkpoint itself.
    pub(crate) fn is_behind(&self) -> bool {
        std::fs::metadata(&self.log).is_ok_and(|log| log.len() > LOG_BYTES_MAX)
    }

    /// True after a flush failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.shared.failed.load(Ordering::Acquire)
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the checkpoint thread panicked");
        }
    }
}

// === impl Shared ===

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is something to do. False = stop.
    fn wait(&self) -> bool {
        let state = self.lock();
        let idle = self.wake.wait_while(state, |state| !state.stop && !state.dirty);
        let state = idle.unwrap_or_else(PoisonError::into_inner);
        let gathering = self
            .wake
            .wait_timeout_while(state, TICK, |state| !state.stop && !state.urgent);
        let (mut state, _) = gathering.unwrap_or_else(PoisonError::into_inner);
        state.dirty = false;
        state.urgent = false;
        !state.stop
    }
}

fn run(mut connection: SqliteConnection, shared: &Shared) {
    while shared.wait() {
        match passive(&mut connection) {
            Ok(()) => {}
            Err(error) if connection.has_failed() => {
                tracing::error!(%error, "a checkpoint failed to reach the disk: nothing more is acknowledged");
                shared.failed.store(true, Ordering::Release);
                return;
            }
            Err(error) => tracing::warn!(%error, "a checkpoint did not finish, the next one goes on"),
        }
    }
}

/// Moves what can be moved without making anybody wait.
pub(crate) fn passive(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    connection.run("PRAGMA wal_checkpoint(PASSIVE)")
}

/// Moves everything and empties the log. Other connections must be closed.
pub(crate) fn truncate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    connection.run("PRAGMA wal_checkpoint(TRUNCATE)")
}
