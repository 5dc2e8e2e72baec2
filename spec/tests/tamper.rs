//! The database behind a server's back: what a thief of the dump reads, and what somebody with write access changes.

use claviger_testkit::TestServer;
use rusqlite::types::ValueRef;

use crate::scan::hex;

/// A second connection to a server's store.
pub(crate) enum Database {
    Sqlite(rusqlite::Connection),
    Postgres(tokio_postgres::Client),
}

/// The tables that hold data of the product.
pub(crate) const TABLES: [&str; 23] = [
    "organization",
    "user_account",
    "token",
    "token_change",
    "audit_event",
    "head",
    "idempotency",
    "deployment",
    "user_password",
    "password_reset",
    "invitation",
    "sign_in_session",
    "team",
    "team_member",
    "service",
    "environment",
    "stage",
    "setting",
    "webhook",
    "notice",
    "notice_mark",
    "delivery",
    "calendar_feed",
];

impl Database {
    /// Connects to the store of `server`.
    pub(crate) async fn of(server: &TestServer) -> Self {
        match server.database_url() {
            None => {
                let connection = rusqlite::Connection::open(server.data_dir().join("claviger.db")).unwrap();
                connection
                    .busy_timeout(std::time::Duration::from_secs(10))
                    .unwrap();
                Self::Sqlite(connection)
            }
            Some(url) => {
                let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
                tokio::spawn(async move {
                    // It ends with its client.
                    let _ = connection.await;
                });
                Self::Postgres(client)
            }
        }
    }

    /// Runs statements; panics when one fails.
    pub(crate) async fn execute(&self, sql: &str) {
        self.try_execute(sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Runs statements; says why one failed.
    pub(crate) async fn try_execute(&self, sql: &str) -> Result<(), String> {
        match self {
            Self::Sqlite(connection) => connection.execute_batch(sql).map_err(|error| error.to_string()),
            Self::Postgres(client) => client
                .batch_execute(sql)
                .await
                .map_err(|error| format!("{error:?}")),
        }
    }

    /// The cells of a query as text; blobs as lower-case hex, nulls as `∅`.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        match self {
            Self::Sqlite(connection) => sqlite_rows(connection, sql),
            Self::Postgres(client) => postgres_rows(client, sql).await,
        }
    }

    /// The literal of a blob in this store's SQL.
    pub(crate) fn blob(&self, bytes: &[u8]) -> String {
        let hex = hex(bytes);
        match self {
            Self::Sqlite(_) => format!("x'{hex}'"),
            Self::Postgres(_) => format!("'\\x{hex}'::bytea"),
        }
    }
}

fn sqlite_rows(connection: &rusqlite::Connection, sql: &str) -> Vec<Vec<String>> {
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let cell = |place| match row.get_ref(place).unwrap() {
            ValueRef::Null => "∅".to_owned(),
            ValueRef::Integer(number) => number.to_string(),
            ValueRef::Real(number) => number.to_string(),
            ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
            ValueRef::Blob(bytes) => hex(bytes),
        };
        found.push((0..columns).map(cell).collect());
    }
    found
}

async fn postgres_rows(client: &tokio_postgres::Client, sql: &str) -> Vec<Vec<String>> {
    let messages = client
        .simple_query(sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let row = |message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => {
            let cell = |place| {
                row.get(place).map_or("∅".to_owned(), |text: &str| {
                    text.trim_start_matches("\\x").to_owned()
                })
            };
            Some((0..row.len()).map(cell).collect())
        }
        _ => None,
    };
    messages.into_iter().filter_map(row).collect()
}
