//! One transaction, as operations and repositories see it.
//!
//! A [`Tx`] is a connection with a transaction on it. On the writer many operations share one transaction and one commit; each
//! is kept apart by a savepoint, so that one that fails is rolled back alone. Nothing is begun before the first statement, and
//! on PostgreSQL BEGIN and SAVEPOINT travel with it, so that they cost no round trip.
//! Driven by `writer` and `reader`.

use crate::StoreError;
use crate::dialect::{Backend, Sql};
use crate::journal::JournalLine;
use crate::postgres::{CommitFailure, PgConnection};
use crate::sqlite::SqliteConnection;
use crate::value::{Row, Value};

/// What runs after the commit is durable.
pub type Hook = Box<dyn FnOnce() + Send>;

/// A connection with a transaction on it: where statements are run.
///
/// A statement that fails dooms its operation: whatever the operation returns, it is rolled back, and every later statement of
/// it fails too. (PostgreSQL ends a transaction at its first error, SQLite does not; here both do.) Where a conflict is
/// expected, use `ON CONFLICT`.
#[derive(Debug)]
pub struct Tx {
    connection: Connection,
    writes: bool,
    /// The transaction has begun.
    begun: bool,
    /// What undoes the present operation.
    guard: Guard,
    /// PostgreSQL: the last operation's savepoint is still to be released.
    release_due: bool,
    /// A statement of the present operation failed.
    doomed: bool,
    /// Rows changed since the transaction began.
    rows_written: u64,
    hooks: Kept<Hook>,
    lines: Kept<JournalLine>,
}

/// One of the two drivers' connections.
#[derive(Debug)]
pub(crate) enum Connection {
    /// SQLite.
    Sqlite(SqliteConnection),
    /// PostgreSQL.
    Postgres(PgConnection),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guard {
    /// Nothing was run yet.
    None,
    /// The operation began the transaction: rolling back all of it undoes the operation alone.
    Transaction,
    /// The operation has a savepoint.
    Savepoint,
}

/// What operations leave for after the commit.
struct Kept<T> {
    /// Of operations that are kept.
    kept: Vec<T>,
    /// Of the present operation.
    present: Vec<T>,
}

impl<T> Kept<T> {
    const fn none() -> Self {
        Self {
            kept: Vec::new(),
            present: Vec::new(),
        }
    }

    /// Ends the present operation.
    fn end(&mut self, keep: bool) {
        if keep {
            self.kept.append(&mut self.present);
        } else {
            self.present.clear();
        }
    }
}

impl<T> std::fmt::Debug for Kept<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} kept, {} present", self.kept.len(), self.present.len())
    }
}

// === impl Tx: for operations ===

impl Tx {
    /// Runs `sql` and returns all its rows. Parameters are `$1 … $n`.
    ///
    /// # Errors
    /// Those of [`StoreError`]; the operation is then doomed.
    pub async fn query(
        &mut self,
        sql: impl Into<Sql>,
        params: &[Value],
    ) -> Result<Vec<Row<'static>>, StoreError> {
        let sql = sql.into();
        let prelude = self.enter(sql.as_str())?;
        let rows = match &mut self.connection {
            Connection::Sqlite(connection) => connection.query(&sql, params),
            Connection::Postgres(connection) => connection.query(prelude, &sql, params).await,
        };
        if rows.is_ok() && !is_read(sql.as_str()) {
            // What a RETURNING returned was written.
            self.rows_written += rows.as_ref().map_or(0, |rows| rows.len() as u64);
        }
        self.noted(rows)
    }

    /// Runs `sql`, of which at most one row is wanted.
    ///
    /// # Errors
    /// As [`Tx::query`].
    pub async fn query_opt(
        &mut self,
        sql: impl Into<Sql>,
        params: &[Value],
    ) -> Result<Option<Row<'static>>, StoreError> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// Runs `sql` for its effect and returns how many rows it changed.
    ///
    /// # Errors
    /// As [`Tx::query`].
    pub async fn execute(&mut self, sql: impl Into<Sql>, params: &[Value]) -> Result<u64, StoreError> {
        let sql = sql.into();
        let prelude = self.enter(sql.as_str())?;
        let changed = match &mut self.connection {
            Connection::Sqlite(connection) => connection.execute(&sql, params),
            Connection::Postgres(connection) => connection.execute(prelude, &sql, params).await,
        };
        self.rows_written += changed.as_ref().copied().unwrap_or(0);
        self.noted(changed)
    }

    /// Runs `sql` once for each set of parameters and returns how many rows were changed. PostgreSQL gets them without waiting
    /// for one answer before the next question.
    ///
    /// # Errors
    /// As [`Tx::query`].
    pub async fn execute_many(
        &mut self,
        sql: &'static str,
        sets: impl IntoIterator<Item = Vec<Value>>,
    ) -> Result<u64, StoreError> {
        let prelude = self.enter(sql)?;
        let changed = match &mut self.connection {
            Connection::Sqlite(connection) => {
                let sql = Sql::Fixed(sql);
                sets.into_iter()
                    .try_fold(0, |changed, set| Ok(changed + connection.execute(&sql, &set)?))
            }
            Connection::Postgres(connection) => connection.execute_many(prelude, sql, sets).await,
        };
        self.rows_written += changed.as_ref().copied().unwrap_or(0);
        self.noted(changed)
    }

    /// Runs `sql` and shows each row to `each`. Memory stays bounded however many there are.
    ///
    /// # Errors
    /// As [`Tx::query`], and what `each` returns, after which no further row is shown.
    pub async fn for_each<E: From<StoreError>>(
        &mut self,
        sql: impl Into<Sql>,
        params: &[Value],
        mut each: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = sql.into();
        let prelude = self.enter(sql.as_str())?;
        let mut stopped = None;
        let mut show = |row: &Row<'_>| {
            each(row).map_err(|error| {
                stopped = Some(error);
                StoreError::internal("the caller stopped")
            })
        };
        let shown = match &mut self.connection {
            Connection::Sqlite(connection) => connection.for_each(&sql, params, &mut show),
            Connection::Postgres(connection) => connection.for_each(prelude, &sql, params, &mut show).await,
        };
        match stopped {
            Some(error) => Err(error),
            None => self.noted(shown).map_err(E::from),
        }
    }

    /// Runs `hook` after the commit of this operation is durable and before its caller is answered, in the order of commits.
    /// The hooks of an operation that fails are dropped, as are those of a commit whose outcome is unknown.
    ///
    /// A hook must not fail: one that panics stops the writer, because memory and disk may no longer agree.
    pub fn after_commit(&mut self, hook: Hook) {
        self.hooks.present.push(hook);
    }

    /// Leaves a line for the journal: it is synced there after the commit of this operation, and before hooks and answers. Without an
    /// attached journal it is dropped.
    pub fn journal(&mut self, line: JournalLine) {
        self.lines.present.push(line);
    }

    /// Which database this is. For repositories; rules do not ask.
    pub fn backend(&self) -> Backend {
        match self.connection {
            Connection::Sqlite(_) => Backend::Sqlite,
            Connection::Postgres(_) => Backend::Postgres,
        }
    }

    /// Runs several statements without parameters: a migration.
    pub(crate) async fn run_script(&mut self, sql: &str) -> Result<(), StoreError> {
        let prelude = self.enter(sql)?;
        let rendered = self.backend().render(sql);
        let ran = match &mut self.connection {
            Connection::Sqlite(connection) => connection.run(&rendered),
            Connection::Postgres(connection) => match connection.run(prelude).await {
                Ok(()) => connection.run(&rendered).await,
                Err(error) => Err(error),
            },
        };
        self.noted(ran)
    }

    /// Sees to it that the operation can be undone. SQLite is told at once; for PostgreSQL this returns what is to be sent along
    /// with the statement.
    fn enter(&mut self, sql: &str) -> Result<&'static str, StoreError> {
        if self.doomed {
            return Err(StoreError::internal(
                "an earlier statement of this operation failed",
            ));
        }
        let prelude = self.prelude(sql);
        let Connection::Sqlite(connection) = &mut self.connection else {
            return Ok(prelude);
        };
        let ran = connection.run(prelude);
        if ran.is_err() && self.guard == Guard::Transaction {
            self.begun = false;
            self.guard = Guard::None;
        }
        self.noted(ran).map(|()| "")
    }

    fn prelude(&mut self, sql: &str) -> &'static str {
        let backend = self.backend();
        if !self.begun {
            self.begun = true;
            self.guard = Guard::Transaction;
            return if self.writes {
                backend.begin_write()
            } else {
                backend.begin_read()
            };
        }
        // On PostgreSQL even a failed SELECT would end the transaction of the whole batch.
        let undoes_nothing = backend == Backend::Sqlite && is_read(sql);
        if !self.writes || self.guard != Guard::None || undoes_nothing {
            return "";
        }
        self.guard = Guard::Savepoint;
        if std::mem::take(&mut self.release_due) {
            "RELEASE SAVEPOINT op; SAVEPOINT op"
        } else {
            "SAVEPOINT op"
        }
    }

    fn noted<T>(&mut self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        self.doomed |= outcome.is_err();
        outcome
    }
}

// === impl Tx: for writer and reader ===

impl Tx {
    pub(crate) fn new(connection: Connection, writes: bool) -> Self {
        Self {
            connection,
            writes,
            begun: false,
            guard: Guard::None,
            release_due: false,
            doomed: false,
            rows_written: 0,
            hooks: Kept::none(),
            lines: Kept::none(),
        }
    }

    pub(crate) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Puts a new connection in the place of a broken one.
    pub(crate) fn replace(&mut self, connection: Connection) {
        *self = Self::new(connection, self.writes);
    }

    pub(crate) fn into_connection(self) -> Connection {
        self.connection
    }

    /// True when the connection can take another transaction.
    pub(crate) fn is_usable(&self) -> bool {
        match &self.connection {
            Connection::Sqlite(connection) => !connection.has_failed(),
            Connection::Postgres(connection) => !connection.is_lost(),
        }
    }

    /// True when a statement of the present operation failed.
    pub(crate) const fn is_doomed(&self) -> bool {
        self.doomed
    }

    /// Rows changed since the transaction began.
    pub(crate) const fn rows_written(&self) -> u64 {
        self.rows_written
    }

    /// Ends the present operation: kept until the commit, or undone.
    ///
    /// # Errors
    /// When it cannot be told apart from the others any more: the whole transaction is gone.
    pub(crate) async fn end_operation(&mut self, keep: bool) -> Result<(), StoreError> {
        self.lost()?;
        let guard = std::mem::replace(&mut self.guard, Guard::None);
        self.doomed = false;
        self.hooks.end(keep);
        self.lines.end(keep);
        match (guard, keep) {
            (Guard::None, _) | (Guard::Transaction, true) => Ok(()),
            (Guard::Transaction, false) => {
                self.begun = false;
                self.run("ROLLBACK").await
            }
            (Guard::Savepoint, true) if self.backend() == Backend::Postgres => {
                self.release_due = true;
                Ok(())
            }
            (Guard::Savepoint, true) => self.run("RELEASE SAVEPOINT op").await,
            (Guard::Savepoint, false) => self.run("ROLLBACK TO SAVEPOINT op; RELEASE SAVEPOINT op").await,
        }
    }

    /// The lines of the operations that are kept, in order. To be taken before the commit.
    pub(crate) fn take_lines(&mut self) -> Vec<JournalLine> {
        std::mem::take(&mut self.lines.kept)
    }

    /// Commits what is kept and returns the hooks, in order.
    ///
    /// # Errors
    /// Nothing was committed, or ([`StoreError::OutcomeUnknown`]) nobody knows.
    pub(crate) async fn commit(&mut self) -> Result<Vec<Hook>, StoreError> {
        if std::mem::take(&mut self.begun) {
            let committed = match &mut self.connection {
                Connection::Sqlite(connection) => connection.run("COMMIT"),
                Connection::Postgres(connection) => match connection.commit().await {
                    Ok(()) => Ok(()),
                    Err(CommitFailure::Refused(error)) => Err(error),
                    Err(CommitFailure::Unknown) => Err(StoreError::OutcomeUnknown),
                },
            };
            if let Err(error) = committed {
                self.abandon().await;
                return Err(error);
            }
        }
        let hooks = std::mem::take(&mut self.hooks.kept);
        self.reset();
        Ok(hooks)
    }

    /// Gives up the whole transaction, if one is open.
    pub(crate) async fn abandon(&mut self) {
        let begun = self.begun;
        self.reset();
        let ended = match &mut self.connection {
            Connection::Sqlite(connection) if !connection.is_autocommit() => connection.run("ROLLBACK"),
            Connection::Postgres(connection) if begun && !connection.is_lost() => {
                connection.run("ROLLBACK").await
            }
            Connection::Sqlite(_) | Connection::Postgres(_) => Ok(()),
        };
        if let Err(error) = ended {
            tracing::warn!(%error, "a transaction could not be rolled back");
        }
    }

    fn reset(&mut self) {
        self.begun = false;
        self.guard = Guard::None;
        self.release_due = false;
        self.doomed = false;
        self.rows_written = 0;
        self.hooks = Kept::none();
        self.lines = Kept::none();
    }

    /// The reason why the transaction is gone, if it is.
    fn lost(&self) -> Result<(), StoreError> {
        match &self.connection {
            Connection::Sqlite(connection) if connection.has_failed() => Err(StoreError::WriterStopped),
            // SQLite rolls everything back by itself when there is no space, memory or I/O.
            Connection::Sqlite(connection) if self.begun && connection.is_autocommit() => {
                Err(StoreError::StorageFull)
            }
            Connection::Postgres(connection) if connection.is_lost() => Err(StoreError::Unavailable(
                "the connection to the database broke".to_owned(),
            )),
            Connection::Sqlite(_) | Connection::Postgres(_) => Ok(()),
        }
    }

    async fn run(&mut self, sql: &str) -> Result<(), StoreError> {
        match &mut self.connection {
            Connection::Sqlite(connection) => connection.run(sql),
            Connection::Postgres(connection) => connection.run(sql).await,
        }
    }
}

/// True when a statement only reads. No function of ours writes, so a SELECT does not.
fn is_read(sql: &str) -> bool {
    sql.trim_start()
        .get(..6)
        .is_some_and(|word| word.eq_ignore_ascii_case("select"))
}
