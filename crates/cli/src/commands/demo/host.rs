//! The demo's server: in this process, on the embedded store, with nobody's configuration but the demo's.
//!
//! Invariant: it touches only its own directory, and that is gone at the end unless the person named it.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    net::{IpAddr, SocketAddr, TcpListener},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use claviger_server::{
    Server, Surroundings,
    config::{Config, Environment, Overrides},
    logging,
};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};

use crate::exit::{Failure, Outcome};

/// Claviger's own port.
const USUAL: &str = "127.0.0.1:8620";
const FREE: &str = "127.0.0.1:0";
/// The file that holds the administrator's token.
const ADMIN_TOKEN: &str = "admin-token";

/// The running server and its directory.
pub(super) struct Host {
    /// The server's URL.
    pub(super) url: String,
    /// Where the data is.
    pub(super) directory: PathBuf,
    /// The one-time code that makes the first administrator; `None` when there is one.
    pub(super) setup_code: Option<String>,
    /// Removes the directory, unless the person named it.
    temporary: Option<TempDir>,
    shutdown: oneshot::Sender<()>,
    task: JoinHandle<anyhow::Result<()>>,
}

// === impl Host ===

impl Host {
    /// Starts the server; it answers when this returns.
    pub(super) async fn start(listen: Option<SocketAddr>, data: Option<PathBuf>) -> Outcome<Self> {
        let (directory, temporary) = directory(data)?;
        let config = config(listen, &directory)?;
        logging::start(config.log);
        let server = Server::open(&config, Surroundings::system()).await?;
        let setup_code = server.service().setup_code().await.context("no set-up code")?;
        let url = format!("http://{}", reachable(server.address()));
        let (shutdown, ended) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let until = async {
                let _ = ended.await;
            };
            Box::pin(server.serve(until)).await.map(drop)
        });
        Ok(Self {
            url,
            directory,
            setup_code,
            temporary,
            shutdown,
            task,
        })
    }

    /// True when the directory will be gone at the end.
    pub(super) fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }

    /// Where the administrator's token is kept.
    pub(super) fn admin_token_file(&self) -> PathBuf {
        self.directory.join(ADMIN_TOKEN)
    }

    /// Keeps the administrator's token for the person's next steps, readable by them alone.
    pub(super) fn keep_admin_token(&self, secret: &str) -> Outcome<()> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.admin_token_file());
        Ok(writeln!(file?, "{secret}")?)
    }

    /// The administrator's token of an earlier demo in the same directory.
    pub(super) fn kept_admin_token(&self) -> Outcome<String> {
        let path = self.admin_token_file();
        fs::read_to_string(&path).map_err(|error| {
            Failure::usage(format!(
                "{} holds an installation that no demo set up ({} cannot be read: {error})",
                self.directory.display(),
                path.display()
            ))
        })
    }

    /// Ends the server in order, and removes what it left unless it was to stay.
    pub(super) async fn end(self) -> Outcome<()> {
        // The task listens until it is told, unless it failed: then its own words follow.
        let _ = self.shutdown.send(());
        self.task.await.context("the server did not end in order")??;
        if let Some(temporary) = self.temporary {
            temporary.close()?;
        }
        Ok(())
    }
}

fn directory(data: Option<PathBuf>) -> Outcome<(PathBuf, Option<TempDir>)> {
    match data {
        Some(path) => {
            DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
            Ok((path.canonicalize()?, None))
        }
        None => {
            let temporary = tempfile::Builder::new().prefix("claviger-demo-").tempdir()?;
            Ok((temporary.path().to_owned(), Some(temporary)))
        }
    }
}

fn config(listen: Option<SocketAddr>, directory: &Path) -> Outcome<Config> {
    let listen = match listen {
        Some(address) => address.to_string(),
        None if is_taken(USUAL)? => FREE.to_owned(),
        None => USUAL.to_owned(),
    };
    // An empty file and an empty environment: the person's own installation is none of the demo's affair.
    let overrides = Overrides {
        config: Some("/dev/null".into()),
        ..Overrides::new()
    }
    .set("listen", "--listen", Some(listen))
    .set("data_dir", "--data", Some(directory.display().to_string()))
    .set("log.level", "demo", Some("warn".to_owned()))
    .set("log.format", "demo", Some("text".to_owned()));
    let config = Config::load_from(&overrides, &Environment::default());
    config.map_err(|error| Failure::usage(error.to_string()))
}

/// Whether somebody listens there; most likely a Claviger of the person's own.
fn is_taken(address: &str) -> Outcome<bool> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// An address that a client on this machine can connect to: all interfaces include loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
        IpAddr::V6(ip) if ip.is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
