//! The data directory of the SQLite backend: `claviger.db` and its lock.
//!
//! Invariant: one process at a time. The lock is `flock` on the file `lock`, held as long as [`DataDirectory`] lives; the
//! operating system gives it up when the process ends, however it ends. Nobody but the owner can read the directory.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::StoreError;
use crate::durable::sync_directory;

/// A locked data directory.
#[derive(Debug)]
pub(crate) struct DataDirectory {
    path: PathBuf,
    /// Holds the lock.
    _lock: File,
}

impl DataDirectory {
    /// Makes the directory (0700) and the database file (0600) where they are missing, and takes the lock.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process has the lock; [`StoreError::Open`] when the directory cannot be used.
    pub(crate) fn lock(path: &Path) -> Result<Self, StoreError> {
        let opened = |error: io::Error| {
            StoreError::Open(format!(
                "cannot use the data directory `{}`: {error}",
                path.display()
            ))
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(opened)?;
        let lock = private_file(&path.join("lock")).map_err(opened)?;
        take(&lock, path)?;
        private_file(&database_file(path)).map_err(opened)?;
        // The names of the new files must survive a power cut as well as what is in them.
        sync_directory(path).map_err(opened)?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// The database file.
    pub(crate) fn database(&self) -> PathBuf {
        database_file(&self.path)
    }
}

/// Where the database of a data directory lies.
pub(crate) fn database_file(directory: &Path) -> PathBuf {
    directory.join("claviger.db")
}

/// Where the log of a database file lies.
pub(crate) fn log_file(database: &Path) -> PathBuf {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// The bytes of the database and its log on disk.
pub(crate) fn size_bytes(directory: &Path) -> io::Result<u64> {
    let database = database_file(directory);
    let log_bytes = match std::fs::metadata(log_file(&database)) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    Ok(std::fs::metadata(database)?.len() + log_bytes)
}

fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

fn take(mut lock: &File, directory: &Path) -> Result<(), StoreError> {
    let shown = directory.display();
    match flock(lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(error) if error == rustix::io::Errno::WOULDBLOCK => {
            let mut holder = String::new();
            let known = lock.take(32).read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
            let holder = if known {
                format!("process {}", holder.trim())
            } else {
                "another process".to_owned()
            };
            return Err(StoreError::InUse(format!(
                "the data directory `{shown}` is in use by {holder}; one server at a time may write to it, because two would \
                 not know of each other's revocations: stop the other one, or choose another directory"
            )));
        }
        Err(error) => {
            return Err(StoreError::Open(format!(
                "cannot lock the data directory `{shown}`: {error}"
            )));
        }
    }
    let written = lock
        .set_len(0)
        .and_then(|()| lock.rewind())
        .and_then(|()| writeln!(lock, "{}", std::process::id()));
    written
        .map_err(|error| StoreError::Open(format!("cannot write to the data directory `{shown}`: {error}")))
}
