//! The PostgreSQL backend: one connection, its statements, and what its errors mean.
//!
//! Each connection lives on a thread of its own, whose runtime also drives the socket. Invariants: every statement has a
//! deadline, except COMMIT, which must never be cut short (reliability.md §4b); a connection that missed a deadline or broke
//! is never used again.

mod bulk;
pub(crate) mod connect;
mod error;
pub(crate) mod types;

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{join, ready};
use futures_util::{StreamExt, TryStreamExt};
use tokio::task::JoinHandle;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, RowStream, Statement};

use self::error::{is_refusal, named};
use crate::StoreError;
use crate::dialect::{Backend, Sql};
use crate::value::{Row, Source, Value};

/// How many statements of one bulk are on their way at once.
const PIPELINE_DEPTH: usize = 128;
/// How many sets of parameters of one bulk are in memory at once.
const CHUNK: usize = 4_096;

/// One connection.
pub(crate) struct PgConnection {
    client: Client,
    /// Moves bytes between `client` and the socket; ends when the connection does.
    driver: Driver,
    statements: HashMap<&'static str, Statement>,
    /// The same with many rows, where there is such a form.
    widened: HashMap<&'static str, Option<Statement>>,
    /// The server sent a WARNING since this was last cleared.
    warned: Arc<AtomicBool>,
    /// A deadline was missed or the connection broke.
    lost: bool,
    deadline: Duration,
}

/// The task that moves a connection's bytes.
struct Driver(JoinHandle<()>);

/// What became of a COMMIT that did not succeed.
pub(crate) enum CommitFailure {
    /// The server refused: nothing was changed.
    Refused(StoreError),
    /// The server did not say.
    Unknown,
}

// === impl PgConnection ===

impl PgConnection {
    pub(crate) fn new(
        client: Client,
        driver: JoinHandle<()>,
        warned: Arc<AtomicBool>,
        deadline: Duration,
    ) -> Self {
        Self {
            client,
            driver: Driver(driver),
            statements: HashMap::new(),
            widened: HashMap::new(),
            warned,
            lost: false,
            deadline,
        }
    }

    /// True when the connection can no longer be used.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost || self.client.is_closed()
    }

    /// Ready when the connection has ended.
    pub(crate) async fn closed(&mut self) {
        if !self.driver.0.is_finished() {
            // A driver that panicked has ended too.
            let _ended = (&mut self.driver.0).await;
        }
        self.lost = true;
    }

    /// Runs statements without parameters or rows.
    pub(crate) async fn run(&mut self, sql: &str) -> Result<(), StoreError> {
        if sql.is_empty() {
            return Ok(());
        }
        let ran = within(self.deadline, self.client.batch_execute(sql)).await;
        self.noted(ran)
    }

    /// Runs one statement for its rows, after `prelude`, which travels in the same packet.
    pub(crate) async fn query(
        &mut self,
        prelude: &str,
        sql: &Sql,
        params: &[Value],
    ) -> Result<Vec<Row<'static>>, StoreError> {
        let rows = self.stream(prelude, sql, params).await?;
        let rows = within(self.deadline, rows.try_collect::<Vec<_>>()).await;
        let rows = self.noted(rows)?;
        Ok(rows.into_iter().map(|row| Row(Source::Postgres(row))).collect())
    }

    /// Runs one statement for its effect; returns how many rows it changed.
    pub(crate) async fn execute(
        &mut self,
        prelude: &str,
        sql: &Sql,
        params: &[Value],
    ) -> Result<u64, StoreError> {
        let rows = self.stream(prelude, sql, params).await?;
        let mut rows = pin!(rows);
        let drained = within(self.deadline, async {
            while rows.as_mut().try_next().await?.is_some() {}
            Ok(rows.rows_affected().unwrap_or(0))
        });
        let drained = drained.await;
        self.noted(drained)
    }

    /// Runs one statement for its rows, each shown to `each` while the next are on their way; memory stays bounded, because
    /// the driver stops reading from the socket when nobody takes rows.
    pub(crate) async fn for_each<E: From<StoreError>>(
        &mut self,
        prelude: &str,
        sql: &Sql,
        params: &[Value],
        mut each: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let rows = self.stream(prelude, sql, params).await?;
        let mut rows = pin!(rows);
        loop {
            let next = within(self.deadline, rows.as_mut().try_next()).await;
            match self.noted(next)? {
                Some(row) => each(&Row(Source::Postgres(row)))?,
                None => return Ok(()),
            }
        }
    }

    /// Runs one statement once for each set of parameters, without waiting for one answer before sending the next.
    pub(crate) async fn execute_many(
        &mut self,
        prelude: &str,
        sql: &'static str,
        sets: impl IntoIterator<Item = Vec<Value>>,
    ) -> Result<u64, StoreError> {
        let statement = self.prepare(prelude, sql).await?;
        let mut sets = sets.into_iter().peekable();
        let mut changed = 0;
        while sets.peek().is_some() {
            let chunk: Vec<Vec<Value>> = sets.by_ref().take(CHUNK).collect();
            changed += self.execute_chunk(sql, &statement, chunk).await?;
        }
        Ok(changed)
    }

    async fn execute_chunk(
        &mut self,
        sql: &'static str,
        statement: &Statement,
        mut sets: Vec<Vec<Value>>,
    ) -> Result<u64, StoreError> {
        let mut changed = 0;
        if sets.len() >= bulk::ROWS_PER_STATEMENT
            && let Some(widened) = self.prepare_widened(sql).await?
        {
            let rest = sets.split_off(sets.len() - sets.len() % bulk::ROWS_PER_STATEMENT);
            let wide = sets.chunks_mut(bulk::ROWS_PER_STATEMENT);
            let wide: Vec<Vec<Value>> = wide
                .map(|rows| rows.iter_mut().flat_map(std::mem::take).collect())
                .collect();
            let ran = pipelined(&self.client, self.deadline, &widened, wide).await;
            changed += self.noted(ran)?;
            sets = rest;
        }
        let ran = pipelined(&self.client, self.deadline, statement, sets).await;
        Ok(changed + self.noted(ran)?)
    }

    async fn prepare_widened(&mut self, sql: &'static str) -> Result<Option<Statement>, StoreError> {
        if let Some(known) = self.widened.get(sql) {
            return Ok(known.clone());
        }
        let statement = match bulk::widened(&Backend::Postgres.render(sql)) {
            Some(text) => {
                let prepared = within(self.deadline, self.client.prepare(&text)).await;
                Some(self.noted(prepared)?)
            }
            None => None,
        };
        self.widened.insert(sql, statement.clone());
        Ok(statement)
    }

    /// Commits. Waits as long as the server takes: a cancelled wait for the standby commits locally and reports success.
    pub(crate) async fn commit(&mut self) -> Result<(), CommitFailure> {
        self.warned.store(false, Ordering::Relaxed);
        match self.client.batch_execute("COMMIT").await {
            // A WARNING on COMMIT says that the standby does not have it, or that there was nothing to commit.
            Ok(()) if self.warned.load(Ordering::Relaxed) => {
                self.lost = true;
                Err(CommitFailure::Unknown)
            }
            Ok(()) => Ok(()),
            Err(error) if is_refusal(&error) => Err(CommitFailure::Refused(named(&error))),
            Err(error) => {
                tracing::warn!(%error, "the connection broke while the database was committing");
                self.lost = true;
                Err(CommitFailure::Unknown)
            }
        }
    }

    /// Ends the connection in order.
    pub(crate) async fn close(self) {
        let Self {
            client, mut driver, ..
        } = self;
        drop(client);
        // The goodbye is a courtesy: a server that does not take it finds the socket closed.
        let _told = tokio::time::timeout(Duration::from_secs(1), &mut driver.0).await;
    }

    async fn stream(&mut self, prelude: &str, sql: &Sql, params: &[Value]) -> Result<RowStream, StoreError> {
        let started = match sql {
            Sql::Fixed(fixed) if self.statements.contains_key(fixed) => {
                let statement = &self.statements[fixed];
                let query = self.client.query_raw(statement, parameters(params));
                within(self.deadline, after(&self.client, prelude, query)).await
            }
            Sql::Fixed(fixed) => {
                let statement = self.prepare(prelude, fixed).await?;
                within(
                    self.deadline,
                    self.client.query_raw(&statement, parameters(params)),
                )
                .await
            }
            // A text made for this call is parsed, bound and run in one round trip, and planned for its own values.
            Sql::Made(made) => {
                let rendered = Backend::Postgres.render(made);
                let typed = params.iter().map(|value| (value, value.postgres_type()));
                let query = self.client.query_typed_raw(&rendered, typed);
                within(self.deadline, after(&self.client, prelude, query)).await
            }
        };
        self.noted(started)
    }

    async fn prepare(&mut self, prelude: &str, sql: &'static str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.statements.get(sql) {
            let statement = statement.clone();
            self.run(prelude).await?;
            return Ok(statement);
        }
        let rendered = Backend::Postgres.render(sql);
        let preparing = self.client.prepare(&rendered);
        let prepared = within(self.deadline, after(&self.client, prelude, preparing)).await;
        let statement = self.noted(prepared)?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }

    /// Names the error, and remembers when the connection can no longer be used.
    fn noted<T>(&mut self, outcome: Result<T, Failure>) -> Result<T, StoreError> {
        outcome.map_err(|failure| match failure {
            Failure::Deadline => {
                self.lost = true;
                StoreError::Unavailable("a statement missed its deadline".to_owned())
            }
            Failure::Postgres(error) => {
                self.lost |= !is_refusal(&error);
                named(&error)
            }
        })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // A broken connection would otherwise keep its driver waiting for answers that never come.
        self.0.abort();
    }
}

impl std::fmt::Debug for PgConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PgConnection")
            .field("lost", &self.is_lost())
            .finish_non_exhaustive()
    }
}

/// Why a call did not succeed.
enum Failure {
    Deadline,
    Postgres(tokio_postgres::Error),
}

async fn within<T>(
    deadline: Duration,
    call: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(deadline, call).await {
        Ok(outcome) => outcome.map_err(Failure::Postgres),
        Err(_) => Err(Failure::Deadline),
    }
}

/// Sends `prelude` and `call` together. The prelude is polled first, so it is the first on the wire; when it fails, its error is
/// the one that tells why.
async fn after<T>(
    client: &Client,
    prelude: &str,
    call: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, tokio_postgres::Error> {
    if prelude.is_empty() {
        return call.await;
    }
    let (prelude, outcome) = join(client.batch_execute(prelude), call).await;
    prelude.and(outcome)
}

/// Runs `statement` for each set, with up to [`PIPELINE_DEPTH`] of them on their way.
async fn pipelined(
    client: &Client,
    deadline: Duration,
    statement: &Statement,
    sets: impl IntoIterator<Item = Vec<Value>>,
) -> Result<u64, Failure> {
    let sent = futures_util::stream::iter(sets)
        .map(|set| async move { within(deadline, client.execute_raw(statement, parameters(&set))).await });
    sent.buffered(PIPELINE_DEPTH)
        .try_fold(0, |changed, rows| ready(Ok(changed + rows)))
        .await
}

fn parameters(values: &[Value]) -> impl ExactSizeIterator<Item = &(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync))
}

/// The type that a parameter of a text made for one call is declared with. NULL is left for the server to infer.
impl Value {
    fn postgres_type(&self) -> Type {
        match self {
            Self::Null => Type::UNKNOWN,
            Self::I64(_) => Type::INT8,
            Self::F64(_) => Type::FLOAT8,
            Self::Bool(_) => Type::BOOL,
            Self::Text(_) => Type::TEXT,
            Self::Blob(_) => Type::BYTEA,
        }
    }
}
