//! Backup and restore of the embedded database as files.
//!
//! A backup is one snapshot, taken through SQLite beside a running server and without its lock: it reads what is committed and keeps
//! nobody from writing. A restore takes the data directory's lock, so it refuses to run beside a server, and puts the new file in the
//! place of the old one in one step. What has ended since the backup is in the revocation journal, which neither touches.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::checkpoint;
use super::directory::{DataDirectory, database_file};
use super::{Role, SqliteConnection};
use crate::StoreError;
use crate::durable::sync_name;

/// Writes a backup of the database in `directory` to the file `to`, which must not be there; gives its bytes. Durable when this
/// returns. Cost: reads and writes the whole database; the log cannot shrink meanwhile.
///
/// # Errors
/// [`StoreError::Open`] when either cannot be used; [`StoreError::StorageFull`], [`StoreError::Unavailable`].
pub fn backup(directory: &Path, to: &Path) -> Result<u64, StoreError> {
    let database = database_file(directory);
    if !database.exists() {
        return Err(StoreError::Open(format!(
            "there is no database in `{}`",
            directory.display()
        )));
    }
    let failed = |error: io::Error| StoreError::Open(format!("cannot write `{}`: {error}", to.display()));
    let partial = beside(to, ".partial");
    if to.exists() {
        return Err(StoreError::Open(format!(
            "`{}` is there already; a backup overwrites nothing",
            to.display()
        )));
    }
    remove(&partial).map_err(failed)?;
    private(&partial).map_err(failed)?;
    let mut source = SqliteConnection::open(&database, Role::Checkpointer)?;
    source.vacuum_into(&partial)?;
    drop(source);
    File::open(&partial)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(&partial, to))
        .and_then(|()| sync_name(to))
        .and_then(|()| fs::metadata(to))
        .map(|metadata| metadata.len())
        .map_err(failed)
}

/// Puts the backup `from` in the place of the database in `directory`. The replaced database is kept as `claviger.db.replaced`.
///
/// # Errors
/// [`StoreError::InUse`] beside a server; [`StoreError::Open`] when `from` is no backup of ours or a file cannot be used: then the
/// database is as before.
pub fn restore(directory: &Path, from: &Path) -> Result<(), StoreError> {
    let failed = |error: io::Error| StoreError::Open(format!("cannot restore `{}`: {error}", from.display()));
    let lock = DataDirectory::lock(directory)?;
    let database = lock.database();
    let next = beside(&database, ".restoring");
    remove(&next).map_err(failed)?;
    private(&next).map_err(failed)?;
    fs::copy(from, &next).map_err(failed)?;
    check(&next, from)?;
    empty_log(&database)?;
    let replaced = beside(&database, ".replaced");
    remove(&replaced)
        .and_then(|()| fs::hard_link(&database, &replaced))
        .and_then(|()| File::open(&next)?.sync_all())
        .and_then(|()| fs::rename(&next, &database))
        .and_then(|()| sync_name(&database))
        .map_err(failed)
}

/// Shows that the file is a sound database of ours.
fn check(file: &Path, from: &Path) -> Result<(), StoreError> {
    let unsound = |reason: &dyn std::fmt::Display| {
        StoreError::Open(format!("`{}` is no backup of Claviger: {reason}", from.display()))
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(file, flags).map_err(|error| unsound(&error))?;
    let steps = db.query_row("SELECT COUNT(*) FROM schema_migration", [], |row| {
        row.get::<_, i64>(0)
    });
    steps.map_err(|error| unsound(&error))?;
    let said = db.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    match said {
        Ok(said) if said == "ok" => Ok(()),
        Ok(said) => Err(unsound(&said)),
        Err(error) => Err(unsound(&error)),
    }
}

/// Moves what is in the log into the file, and removes the log: it must not be read over another file.
fn empty_log(database: &Path) -> Result<(), StoreError> {
    let mut connection = SqliteConnection::open(database, Role::Checkpointer)?;
    checkpoint::truncate(&mut connection)?;
    drop(connection);
    for suffix in ["-wal", "-shm"] {
        remove(&beside(database, suffix)).map_err(|error| StoreError::Open(error.to_string()))?;
    }
    Ok(())
}

fn private(path: &Path) -> io::Result<()> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    made.map(drop)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
