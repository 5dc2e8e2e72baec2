//! The SQLite backend: one connection and what its errors mean.
//!
//! Everything here is synchronous; [`crate::Tx`] wraps it in futures that are ready at once, and the threads of `writer` and
//! `reader` drive them. Invariant: the log is synced at every commit (`journal_mode=WAL`, `synchronous=FULL`, both read back),
//! and no commit ever runs a checkpoint.

pub(crate) mod backup;
pub(crate) mod checkpoint;
pub(crate) mod directory;

use std::collections::HashMap;
use std::path::Path;

use rusqlite::ffi;
use rusqlite::types::{ToSqlOutput, ValueRef as Stored};
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags, ToSql};

use crate::StoreError;
use crate::dialect::{Backend, Sql};
use crate::value::{Row, Source, Value, ValueRef};

/// How many statements a connection keeps prepared: more than the repositories have texts.
const PREPARED_STATEMENTS: usize = 256;
/// How long a statement waits for a lock that another process holds on the file (a `sqlite3` shell, a backup).
const BUSY_MILLISECONDS: u32 = 5_000;
/// After this the log file is cut back to this size when it starts over.
const LOG_LIMIT_BYTES: u32 = 64 << 20;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The only one that changes anything.
    Writer {
        /// Syncs nothing: the negative control of the power-cut test.
        unsafe_synchronous_off: bool,
    },
    /// Reads snapshots.
    Reader,
    /// Moves the log into the database file.
    Checkpointer,
}

/// One open connection.
pub(crate) struct SqliteConnection {
    db: Connection,
    /// Portable text to SQLite's.
    translated: HashMap<&'static str, Box<str>>,
    /// An I/O error or a damaged file was seen: after it nothing more may be acknowledged.
    failed: bool,
}

// === impl SqliteConnection ===

impl SqliteConnection {
    /// Opens the database file, which exists already.
    ///
    /// # Errors
    /// [`StoreError::Open`] when the file cannot be opened, is no database, or does not take the settings.
    pub(crate) fn open(file: &Path, role: Role) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened =
            Connection::open_with_flags(file, flags).and_then(|db| configure(&db, role).map(|()| db));
        let db = opened.map_err(|error| {
            StoreError::Open(format!("cannot open the database `{}`: {error}", file.display()))
        })?;
        let connection = Self {
            db,
            translated: HashMap::new(),
            failed: false,
        };
        connection.assert_durable(role)?;
        Ok(connection)
    }

    /// Reads back the two settings on which durability rests (reliability.md §4a).
    fn assert_durable(&self, role: Role) -> Result<(), StoreError> {
        let text = |pragma| {
            self.db
                .pragma_query_value(None, pragma, |row| row.get::<_, String>(0))
        };
        let number = |pragma| {
            self.db
                .pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
        };
        let mode = text("journal_mode").map_err(StoreError::internal)?;
        if mode != "wal" {
            let sentence = format!(
                "the data directory's file system cannot hold a write-ahead log (journal mode is `{mode}`); use a local one"
            );
            return Err(StoreError::Open(sentence));
        }
        let wanted = if role
            == (Role::Writer {
                unsafe_synchronous_off: true,
            }) {
            0
        } else {
            2
        };
        let synchronous = number("synchronous").map_err(StoreError::internal)?;
        if synchronous != wanted {
            return Err(StoreError::Open(format!(
                "synchronous is {synchronous}, not {wanted} (FULL)"
            )));
        }
        Ok(())
    }

    /// Runs statements without parameters or rows, as they are written for SQLite.
    pub(crate) fn run(&mut self, sql: &str) -> Result<(), StoreError> {
        if sql.is_empty() {
            return Ok(());
        }
        let ran = self.db.execute_batch(sql);
        ran.map_err(|error| self.noted(&error))
    }

    /// Runs one statement for its rows, each shown to `each` before the next is fetched.
    pub(crate) fn for_each<E: From<StoreError>>(
        &mut self,
        sql: &Sql,
        params: &[Value],
        mut each: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement = match prepared(&self.db, &mut self.translated, sql, params) {
            Ok(statement) => statement,
            Err(error) => return Err(refused(&mut self.failed, error).into()),
        };
        let mut rows = statement.raw_query();
        loop {
            match rows.next() {
                Ok(Some(row)) => each(&Row(Source::Sqlite(row)))?,
                Ok(None) => return Ok(()),
                Err(error) => return Err(noted(&mut self.failed, &error).into()),
            }
        }
    }

    /// Runs one statement for its rows, all of them.
    pub(crate) fn query(&mut self, sql: &Sql, params: &[Value]) -> Result<Vec<Row<'static>>, StoreError> {
        let mut rows = Vec::new();
        self.for_each(sql, params, |row| {
            let Source::Sqlite(row) = &row.0 else {
                return Ok(());
            };
            let count = row.as_ref().column_count();
            let mut values = Vec::with_capacity(count);
            for index in 0..count {
                let stored = row.get_ref(index).map_err(StoreError::internal)?;
                values.push(ValueRef::from_sqlite(stored)?.to_owned_value());
            }
            rows.push(Row(Source::Owned(values)));
            Ok::<(), StoreError>(())
        })?;
        Ok(rows)
    }

    /// Runs one statement for its effect; returns how many rows it changed.
    pub(crate) fn execute(&mut self, sql: &Sql, params: &[Value]) -> Result<u64, StoreError> {
        let mut statement = prepared(&self.db, &mut self.translated, sql, params)
            .map_err(|error| refused(&mut self.failed, error))?;
        let changed = statement
            .raw_execute()
            .map_err(|error| noted(&mut self.failed, &error))?;
        u64::try_from(changed).map_err(StoreError::internal)
    }

    /// Writes one snapshot of the database into an empty file.
    pub(crate) fn vacuum_into(&mut self, file: &Path) -> Result<(), StoreError> {
        let Some(file) = file.to_str() else {
            return Err(StoreError::Open(
                "the name of a backup must be Unicode".to_owned(),
            ));
        };
        let written = self.db.execute("VACUUM INTO ?1", [file]);
        written.map(|_| ()).map_err(|error| self.noted(&error))
    }

    /// True when no transaction is open. SQLite ends one by itself after some failures (disk full, I/O error).
    pub(crate) fn is_autocommit(&self) -> bool {
        self.db.is_autocommit()
    }

    /// True once an I/O error or a damaged file was seen.
    pub(crate) const fn has_failed(&self) -> bool {
        self.failed
    }

    fn noted(&mut self, error: &rusqlite::Error) -> StoreError {
        noted(&mut self.failed, error)
    }
}

impl std::fmt::Debug for SqliteConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteConnection")
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

/// Why a statement could not be prepared.
enum Refusal {
    Sqlite(rusqlite::Error),
    Nul,
}

fn configure(db: &Connection, role: Role) -> rusqlite::Result<()> {
    let (synchronous, cache_kib) = match role {
        Role::Writer {
            unsafe_synchronous_off: true,
        } => ("OFF", 32_768),
        Role::Writer { .. } => ("FULL", 32_768),
        Role::Reader | Role::Checkpointer => ("FULL", 8_192),
    };
    db.busy_timeout(std::time::Duration::from_millis(u64::from(BUSY_MILLISECONDS)))?;
    db.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
    // No mmap: an I/O error must be a result, not a signal. Checkpoints are a thread of their own.
    db.execute_batch(&format!(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = {synchronous};
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = {LOG_LIMIT_BYTES};
         PRAGMA mmap_size = 0;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -{cache_kib};
         PRAGMA query_only = {};",
        if role == Role::Reader { "ON" } else { "OFF" },
    ))
}

/// The statement with its parameters bound.
fn prepared<'c>(
    db: &'c Connection,
    translated: &mut HashMap<&'static str, Box<str>>,
    sql: &Sql,
    params: &[Value],
) -> Result<CachedStatement<'c>, Refusal> {
    let rendered;
    let text = match sql {
        Sql::Fixed(fixed) => &**translated
            .entry(fixed)
            .or_insert_with(|| Backend::Sqlite.render(fixed).into_owned().into_boxed_str()),
        Sql::Made(made) => {
            rendered = Backend::Sqlite.render(made);
            &*rendered
        }
    };
    let mut statement = db.prepare_cached(text).map_err(Refusal::Sqlite)?;
    for (place, value) in params.iter().enumerate() {
        if matches!(value, Value::Text(text) if text.contains('\0')) {
            return Err(Refusal::Nul);
        }
        statement
            .raw_bind_parameter(place + 1, value)
            .map_err(Refusal::Sqlite)?;
    }
    Ok(statement)
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.borrow() {
            ValueRef::Null => Stored::Null,
            ValueRef::I64(number) => Stored::Integer(number),
            ValueRef::F64(number) => Stored::Real(number),
            ValueRef::Bool(truth) => Stored::Integer(i64::from(truth)),
            ValueRef::Text(text) => Stored::Text(text.as_bytes()),
            ValueRef::Blob(bytes) => Stored::Blob(bytes),
        }))
    }
}

fn refused(failed: &mut bool, refusal: Refusal) -> StoreError {
    match refusal {
        Refusal::Sqlite(error) => noted(failed, &error),
        Refusal::Nul => StoreError::internal("a text holds U+0000"),
    }
}

/// Names the error, and remembers the kind after which nothing may be acknowledged.
fn noted(failed: &mut bool, error: &rusqlite::Error) -> StoreError {
    let rusqlite::Error::SqliteFailure(cause, _) = error else {
        return StoreError::internal(error);
    };
    match (cause.code, cause.extended_code) {
        // A full disk also shows as the index of the log not growing.
        (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => StoreError::StorageFull,
        (ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => {
            *failed = true;
            StoreError::Unavailable(error.to_string())
        }
        (ErrorCode::ConstraintViolation, _) => StoreError::Conflict(error.to_string()),
        (
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::CannotOpen | ErrorCode::ReadOnly,
            _,
        ) => StoreError::Unavailable(error.to_string()),
        _ => StoreError::internal(error),
    }
}
