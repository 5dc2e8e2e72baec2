//! The threads that read. Each has a connection of its own and takes operations from one shared queue.
//!
//! An operation sees one snapshot: what was committed when its first statement ran. A connection that broke is replaced before
//! the next operation; the one that saw it break gets the error.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Mutex, mpsc};

use crate::job::{Job, Message};
use crate::postgres::connect::Connector;
use crate::sqlite::directory::database_file;
use crate::sqlite::{Role, SqliteConnection};
use crate::transaction::Connection;
use crate::{StoreError, Tx};

/// The queue, shared by the threads.
pub(crate) type SharedQueue = Arc<Mutex<mpsc::Receiver<Message>>>;

/// Where a reader's connections come from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// The data directory.
    Sqlite(PathBuf),
    /// The server.
    Postgres(Connector),
}

/// Runs until the queue is closed and empty.
pub(crate) async fn run(queue: SharedQueue, source: Source) {
    let mut open: Option<Tx> = None;
    loop {
        let mut held = queue.lock().await;
        match held.recv().await {
            Some(Message::Operate(job)) => {
                drop(held);
                open = serve(job, open, &source).await;
            }
            // The next to hold the queue finds what is left, and then its end.
            Some(Message::Attach(_)) => {}
            Some(Message::Close) => held.close(),
            None => break,
        }
    }
    if let Some(Connection::Postgres(connection)) = open.map(Tx::into_connection) {
        connection.close().await;
    }
}

/// Runs one operation and returns the connection, if it is still good.
async fn serve(mut job: Box<dyn Job>, open: Option<Tx>, source: &Source) -> Option<Tx> {
    let mut tx = match open {
        Some(tx) if tx.is_usable() => tx,
        _ => match connect(source).await {
            Ok(connection) => Tx::new(connection, false),
            Err(error) => {
                job.answer(Err(error));
                return None;
            }
        },
    };
    job.run(&mut tx).await;
    job.answer(Ok(()));
    tx.abandon().await;
    tx.is_usable().then_some(tx)
}

async fn connect(source: &Source) -> Result<Connection, StoreError> {
    match source {
        Source::Sqlite(directory) => {
            SqliteConnection::open(&database_file(directory), Role::Reader).map(Connection::Sqlite)
        }
        Source::Postgres(connector) => connector.reader().await.map(Connection::Postgres),
    }
}
