//! How a connection to PostgreSQL is made, and how one server at a time holds the database.
//!
//! The configuration is built in code: a connection string counts `tcp_user_timeout` in seconds where libpq counts
//! milliseconds. Invariant: whoever writes holds the session's advisory lock [`WRITER_LOCK`], so a second server on the same
//! database is refused. A pooler that shares sessions between clients (transaction mode) would break it; connect directly.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls_platform_verifier::BuilderVerifierExt;
use tokio::task::JoinHandle;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::Severity;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::PgConnection;
use super::error::described;
use crate::StoreError;

/// The key of the advisory lock that the writer holds: the product's name in ASCII.
const WRITER_LOCK: i64 = i64::from_be_bytes(*b"claviger");
/// The oldest server whose behaviour the rules of reliability.md were checked against.
const OLDEST_SERVER: i64 = 150_000;
/// How long a statement may take on any connection.
const STATEMENT_DEADLINE: Duration = Duration::from_secs(10);
/// How long a packet may stay unacknowledged, and a silent connection unproven.
const NETWORK_DEADLINE: Duration = Duration::from_secs(3);

/// What both kinds of session set. The server lets go of a session whose client is gone within seconds, so that its lock is
/// free again, and never ends ours for being slow: our own deadlines do that.
const SESSION: &str = "SET statement_timeout = 0;
    SET idle_in_transaction_session_timeout = 0;
    SET client_connection_check_interval = '1s';
    SET tcp_keepalives_idle = 1;
    SET tcp_keepalives_interval = 1;
    SET tcp_keepalives_count = 2;
    SET tcp_user_timeout = 3000";

/// Makes connections to one database.
#[derive(Clone)]
pub(crate) struct Connector {
    config: Box<Config>,
    tls: Option<MakeRustlsConnect>,
}

// === impl Connector ===

impl Connector {
    /// Reads a URL such as `postgres://user:password@host/database?sslmode=require`. The host may be the directory of a Unix
    /// socket. TLS that a server offers is always verified against the machine's certificate authorities.
    ///
    /// # Errors
    /// [`StoreError::Open`]; its sentence never holds the URL, which may hold a password.
    pub(crate) fn new(url: &str) -> Result<Self, StoreError> {
        let mut config: Config = url.parse().map_err(|error| {
            StoreError::Open(format!("the database URL is malformed: {}", described(&error)))
        })?;
        config
            .application_name("claviger")
            .connect_timeout(NETWORK_DEADLINE)
            .tcp_user_timeout(NETWORK_DEADLINE)
            .keepalives(true)
            .keepalives_idle(Duration::from_secs(1))
            .keepalives_interval(Duration::from_secs(1))
            .keepalives_retries(2);
        let tls = tls(&mut config)?;
        Ok(Self {
            config: Box::new(config),
            tls,
        })
    }

    /// Opens a connection that reads.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub(crate) async fn reader(&self) -> Result<PgConnection, StoreError> {
        let connecting = async {
            let mut connection = self.connect().await?;
            connection.run(SESSION).await?;
            Ok(connection)
        };
        deadline(connecting).await
    }

    /// Opens the connection that writes: checks the server, takes the lock.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; [`StoreError::Open`] when the server will not do; [`StoreError::InUse`] when another server
    /// holds the lock.
    pub(crate) async fn writer(&self) -> Result<PgConnection, StoreError> {
        let connecting = async {
            let mut connection = self.connect().await?;
            check_server(&mut connection).await?;
            connection.run(SESSION).await?;
            require_durable_commits(&mut connection).await?;
            take_lock(&mut connection).await?;
            Ok(connection)
        };
        deadline(connecting).await
    }

    async fn connect(&self) -> Result<PgConnection, StoreError> {
        let warned = Arc::new(AtomicBool::new(false));
        let connected = match &self.tls {
            Some(tls) => start(&self.config, tls.clone(), &warned).await,
            None => start(&self.config, NoTls, &warned).await,
        };
        let (client, driver) = connected.map_err(|error| StoreError::Unavailable(described(&error)))?;
        Ok(PgConnection::new(client, driver, warned, STATEMENT_DEADLINE))
    }
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The configuration holds a password.
        f.debug_struct("Connector")
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}

/// Gives the handshake with TLS, authentication and session settings one deadline: `connect_timeout` covers the socket only.
async fn deadline<T>(connecting: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(STATEMENT_DEADLINE, connecting)
        .await
        .unwrap_or_else(|_| {
            Err(StoreError::Unavailable(
                "the database did not answer in time".to_owned(),
            ))
        })
}

async fn start<T>(
    config: &Config,
    tls: T,
    warned: &Arc<AtomicBool>,
) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, connection) = config.connect(tls).await?;
    let driver = tokio::spawn(drive(connection, Arc::clone(warned)));
    Ok((client, driver))
}

/// Moves bytes until the connection ends, and listens for warnings.
async fn drive<S>(mut connection: Connection<Socket, S>, warned: Arc<AtomicBool>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        match message {
            Ok(AsyncMessage::Notice(notice)) if notice.parsed_severity() == Some(Severity::Warning) => {
                tracing::warn!(message = notice.message(), "the database warns");
                warned.store(true, Ordering::Relaxed);
            }
            Ok(_) => {}
            // The call that was waiting says why; an idle connection is replaced.
            Err(_) => return,
        }
    }
}

fn tls(config: &mut Config) -> Result<Option<MakeRustlsConnect>, StoreError> {
    let local = config
        .get_hosts()
        .iter()
        .all(|host| matches!(host, Host::Unix(_)));
    if (local && config.get_hostaddrs().is_empty()) || config.get_ssl_mode() == SslMode::Disable {
        config.ssl_mode(SslMode::Disable);
        return Ok(None);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifying = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier);
    match verifying {
        Ok(builder) => Ok(Some(MakeRustlsConnect::new(builder.with_no_client_auth()))),
        Err(error) if config.get_ssl_mode() == SslMode::Require => Err(StoreError::Open(format!(
            "sslmode=require needs certificate authorities to trust ({error}); install `ca-certificates`"
        ))),
        Err(error) => {
            tracing::warn!(%error, "no certificate authorities to trust: the database connection is not encrypted");
            config.ssl_mode(SslMode::Disable);
            Ok(None)
        }
    }
}

async fn check_server(connection: &mut PgConnection) -> Result<(), StoreError> {
    let sql = "SELECT current_setting('server_version_num')::bigint, current_setting('server_version'), \
               current_setting('server_encoding'), pg_is_in_recovery()";
    let rows = connection.query("", &sql.into(), &[]).await?;
    let Some(row) = rows.first() else {
        return Err(StoreError::internal("no version"));
    };
    let (number, version, encoding, standby) = (
        row.get::<i64>(0)?,
        row.get::<&str>(1)?,
        row.get::<&str>(2)?,
        row.get::<bool>(3)?,
    );
    if number < OLDEST_SERVER {
        return Err(StoreError::Open(format!(
            "PostgreSQL {version} is too old: 15 or later is needed"
        )));
    }
    if encoding != "UTF8" {
        return Err(StoreError::Open(format!(
            "the database's encoding is {encoding}: create it with `ENCODING 'UTF8'`"
        )));
    }
    if standby {
        return Err(StoreError::Unavailable(
            "the database is a standby; the primary is needed".to_owned(),
        ));
    }
    Ok(())
}

/// An acknowledged write is on disk: nothing below `on` will do, and the stronger `remote_apply` is left alone.
async fn require_durable_commits(connection: &mut PgConnection) -> Result<(), StoreError> {
    let sql = "SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') \
               WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)";
    let rows = connection.query("", &sql.into(), &[]).await?;
    match rows.first().map(|row| row.get::<&str>(0)).transpose()? {
        Some("on" | "remote_apply") => Ok(()),
        other => Err(StoreError::Open(format!(
            "synchronous_commit is {other:?}, not `on`"
        ))),
    }
}

/// What came of an attempt to take the writer's lock.
enum Lock {
    Taken,
    /// By this session.
    HeldBy(String),
    /// By one that is no longer there to be named.
    Ending,
}

/// How often the lock of a session that is ending is asked for again: two seconds in all.
const LOCK_TRIES: u32 = 40;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Takes the writer's lock, waiting a moment for a session that has ended and is not gone yet.
async fn take_lock(connection: &mut PgConnection) -> Result<(), StoreError> {
    for _ in 0..LOCK_TRIES {
        match try_lock(connection).await? {
            Lock::Taken => return Ok(()),
            Lock::HeldBy(holder) => return Err(in_use(&holder)),
            Lock::Ending => tokio::time::sleep(LOCK_PAUSE).await,
        }
    }
    Err(in_use("a session that just ended"))
}

/// Gives the lock back, so that it is free when this returns: a session that was told to end holds it until the server has come to that.
pub(crate) async fn give_lock_back(connection: &mut PgConnection) {
    // Whoever cannot say so in time loses the lock with the session.
    let giving = connection.run("SELECT pg_advisory_unlock_all()");
    let _given = tokio::time::timeout(NETWORK_DEADLINE, giving).await;
}

async fn try_lock(connection: &mut PgConnection) -> Result<Lock, StoreError> {
    let rows = connection
        .query(
            "",
            &"SELECT pg_try_advisory_lock($1)".into(),
            &[WRITER_LOCK.into()],
        )
        .await?;
    if rows.first().map(|row| row.get::<bool>(0)).transpose()? == Some(true) {
        return Ok(Lock::Taken);
    }
    let sql = "SELECT 'session ' || a.pid || COALESCE(' from ' || host(a.client_addr), ' on this machine') \
               FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
               WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
               AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
               AND (l.classid::bigint << 32) | l.objid::bigint = $1";
    let rows = connection.query("", &sql.into(), &[WRITER_LOCK.into()]).await?;
    let holder = rows.first().map(|row| row.get::<String>(0)).transpose()?;
    Ok(holder.map_or(Lock::Ending, Lock::HeldBy))
}

fn in_use(holder: &str) -> StoreError {
    StoreError::InUse(format!(
        "the database is in use by another Claviger server ({holder}); one server at a time may write to it, because two would not \
         know of each other's revocations: stop the other one, or name another database"
    ))
}
