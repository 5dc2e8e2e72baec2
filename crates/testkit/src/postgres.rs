//! A private PostgreSQL for tests: one cluster per process, a fresh database per call.
//!
//! The cluster listens on loopback with a password of its own, runs as `nobody` when the tests run as root, and ends with the
//! process that started it, however that ends: a shell that holds its standard input sees it close, stops the server and
//! removes its directory. `CLAVIGER_TEST_POSTGRES` (the URL of a superuser) names a cluster to use instead. A machine without
//! PostgreSQL fails the test and says what to install; nothing is skipped.

use std::fmt;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio_postgres::NoTls;

/// The oldest version that the store takes.
const OLDEST_MAJOR: u32 = 15;
/// The shell that watches over one server. `$1` = directory; the rest is the server's command line. It takes the lines `stop` and
/// `start`, and its input's end as the end of everything.
const WATCH: &str = r#"
directory=$1; shift
start() { "$@" >>"$directory/log" 2>&1 </dev/null & server=$!; }
stop() { kill -QUIT "$server" 2>/dev/null; wait "$server"; }
start "$@"
while read -r word; do
  case $word in
    stop) stop ;;
    start) start "$@" ;;
  esac
  echo "$word"
done
stop
rm -rf "$directory"
"#;

/// Whether a cluster's commits survive a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// `fsync = off`: for tests of behaviour.
    Off,
    /// As in production.
    On,
}

/// A PostgreSQL cluster.
#[derive(Debug)]
pub struct Postgres {
    /// A superuser's.
    admin: DatabaseUrl,
    /// `None` when it is somebody else's.
    watch: Option<Mutex<Watch>>,
    made: AtomicU32,
}

/// Where a database is, and who may use it: shown as a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    authority: String,
    database: String,
    parameters: String,
}

/// The shell, and the server's command line.
#[derive(Debug)]
struct Watch {
    shell: Child,
    input: Option<ChildStdin>,
}

// === impl DatabaseUrl ===

impl DatabaseUrl {
    /// The database's name.
    pub fn name(&self) -> &str {
        &self.database
    }

    /// The same database through another loopback port: for a proxy in between.
    ///
    /// # Panics
    /// When the URL names no port.
    #[must_use]
    pub fn through_port(&self, port: u16) -> Self {
        let Some((front, _)) = self.authority.rsplit_once(':') else {
            panic!("the test database's URL names no port");
        };
        Self {
            authority: format!("{front}:{port}"),
            ..self.clone()
        }
    }

    /// The port, for a proxy to connect to.
    ///
    /// # Panics
    /// When the URL names no port.
    pub fn port(&self) -> u16 {
        let port = self
            .authority
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse().ok());
        port.unwrap_or_else(|| panic!("the test database's URL names no port"))
    }

    fn parse(url: &str) -> Self {
        let rest = url
            .split_once("://")
            .map_or_else(|| panic!("CLAVIGER_TEST_POSTGRES is no URL"), |(_, rest)| rest);
        let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, "postgres"));
        Self {
            authority: authority.to_owned(),
            database: database.to_owned(),
            parameters: parameters.to_owned(),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://{}/{}", self.authority, self.database)?;
        if self.parameters.is_empty() {
            return Ok(());
        }
        write!(f, "?{}", self.parameters)
    }
}

// === impl Postgres ===

impl Postgres {
    /// The process's own cluster, started at the first call, without fsync.
    ///
    /// # Panics
    /// When there is no PostgreSQL of version 15 or later, or it does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var("CLAVIGER_TEST_POSTGRES") {
            Ok(url) => Self {
                admin: DatabaseUrl::parse(&url),
                watch: None,
                made: AtomicU32::new(0),
            },
            Err(_) => Self::start(Durability::Off),
        })
    }

    /// A cluster of the caller's own, to be stopped and started at will; gone when it is dropped.
    ///
    /// # Panics
    /// When there is no PostgreSQL of version 15 or later, or it does not start.
    pub fn start(durability: Durability) -> Self {
        let binaries = binaries();
        // Another process may take the free port before the server does: then it ends, and another port is tried.
        for _ in 0..5 {
            if let Some(started) = try_start(&binaries, durability) {
                return started;
            }
        }
        panic!("PostgreSQL in `{}` did not start", binaries.display());
    }

    /// A fresh database in UTF-8 whose order of texts is not that of bytes, as in most installations.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn database(&self) -> DatabaseUrl {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let name = format!("claviger_test_{}_{number}", std::process::id());
        self.admin(&format!(
            "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' \
             LOCALE_PROVIDER icu ICU_LOCALE 'en'"
        ));
        DatabaseUrl {
            database: name,
            ..self.admin.clone()
        }
    }

    /// Runs a statement as superuser.
    ///
    /// # Panics
    /// When it fails.
    pub fn admin(&self, sql: &str) {
        if let Err(error) = run(&self.admin.to_string(), sql) {
            panic!("{sql}: {error:?}");
        }
    }

    /// Stops the server at once, as a crash would (`SIGQUIT`). Returns when it has stopped.
    ///
    /// # Panics
    /// When the cluster is not this process's own.
    pub fn stop_at_once(&self) {
        self.tell("stop");
    }

    /// Starts the server again. Returns when it answers.
    ///
    /// # Panics
    /// When the cluster is not this process's own, or does not recover.
    pub fn start_again(&self) {
        self.tell("start");
        assert!(answers(&self.admin.to_string()), "PostgreSQL did not recover");
    }

    fn tell(&self, word: &str) {
        let Some(watch) = &self.watch else {
            panic!("the cluster named by CLAVIGER_TEST_POSTGRES is not ours to stop");
        };
        let mut watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
        watch.tell(word);
    }
}

// === impl Watch ===

impl Watch {
    /// Says one word and waits until it is done.
    fn tell(&mut self, word: &str) {
        let input = self.input.as_mut().map(|input| writeln!(input, "{word}"));
        let mut echo = vec![0; word.len() + 1];
        let output = self
            .shell
            .stdout
            .as_mut()
            .map(|output| output.read_exact(&mut echo));
        assert!(
            matches!((input, output), (Some(Ok(())), Some(Ok(())))),
            "the shell that watches over PostgreSQL is gone"
        );
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.input.take());
        // A shell that is gone already has been waited for by nobody else.
        let _ended = self.shell.wait();
    }
}

/// A program of the PostgreSQL that is used here, such as `pg_dump`.
///
/// # Panics
/// Without PostgreSQL on this machine; the message says what to install.
pub fn program(name: &str) -> PathBuf {
    binaries().join(name)
}

/// The directory of the newest server programs on this machine.
fn binaries() -> PathBuf {
    let configured = Command::new("pg_config").arg("--bindir").output().ok();
    let configured = configured.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let installed = versions.map(|entry| entry.path().join("bin"));
    let newest = configured
        .into_iter()
        .chain(installed)
        .filter_map(|directory| Some((major(&directory)?, directory)))
        .max();
    match newest {
        Some((version, directory)) if version >= OLDEST_MAJOR => directory,
        _ => panic!(
            "these tests need PostgreSQL {OLDEST_MAJOR} or later: `apt-get install postgresql`, or set \
             CLAVIGER_TEST_POSTGRES to the URL of a superuser"
        ),
    }
}

/// The major version of the server in `directory`, if there is one with what it takes to make a cluster.
fn major(directory: &Path) -> Option<u32> {
    if !directory.join("initdb").exists() {
        return None;
    }
    let output = Command::new(directory.join("postgres"))
        .arg("--version")
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.split_whitespace()
        .find_map(|word| word.split('.').next()?.parse().ok())
}

/// Makes a cluster and starts it; `None` when it does not answer.
fn try_start(binaries: &Path, durability: Durability) -> Option<Postgres> {
    let directory = working_directory();
    let password = password();
    let port = free_port();
    initialize(binaries, &directory, &password);

    let sync = if durability == Durability::On { "on" } else { "off" };
    let mut shell = Command::new("sh");
    shell
        .args(["-c", WATCH, "claviger-test-postgres"])
        .arg(&directory);
    shell.args(unprivileged()).arg(binaries.join("postgres"));
    shell
        .arg("-D")
        .arg(directory.join("data"))
        .args(["-p", &port.to_string()]);
    for setting in [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "max_connections=200",
        "shared_buffers=32MB",
        &format!("fsync={sync}"),
        &format!("full_page_writes={sync}"),
    ] {
        shell.args(["-c", setting]);
    }
    // A group of its own: an interrupt at the terminal must not reach it before its input ends.
    shell
        .current_dir(&directory)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut shell = shell
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start a shell: {error}"));
    let input = shell.stdin.take();
    let watch = Watch { shell, input };

    let admin = DatabaseUrl {
        authority: format!("postgres:{password}@127.0.0.1:{port}"),
        database: "postgres".to_owned(),
        parameters: String::new(),
    };
    answers(&admin.to_string()).then(|| Postgres {
        admin,
        watch: Some(Mutex::new(watch)),
        made: AtomicU32::new(0),
    })
}

/// A directory that the server's user owns.
fn working_directory() -> PathBuf {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let directory = std::env::temp_dir().join(format!("claviger-postgres-{}-{number}", std::process::id()));
    let made = fs::create_dir(&directory)
        .and_then(|()| fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)))
        .and_then(|()| {
            if is_root() {
                chown(&directory, Some(NOBODY), Some(NOBODY))
            } else {
                Ok(())
            }
        });
    made.unwrap_or_else(|error| panic!("cannot make `{}`: {error}", directory.display()));
    directory
}

fn initialize(binaries: &Path, directory: &Path, password: &str) {
    let password_file = directory.join("password");
    let written = fs::write(&password_file, password).and_then(|()| {
        if is_root() {
            chown(&password_file, Some(NOBODY), Some(NOBODY))
        } else {
            Ok(())
        }
    });
    written.unwrap_or_else(|error| panic!("cannot write `{}`: {error}", password_file.display()));
    let initdb = binaries.join("initdb");
    let mut command = Command::new("env");
    command.arg("LC_ALL=C").args(unprivileged()).arg(&initdb);
    command
        .arg("-D")
        .arg(directory.join("data"))
        .arg("--pwfile")
        .arg(&password_file);
    command.args([
        "-U",
        "postgres",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--no-sync",
    ]);
    let made = command.current_dir(directory).output();
    let output = made.unwrap_or_else(|error| panic!("cannot run `{}`: {error}", initdb.display()));
    assert!(
        output.status.success(),
        "initdb: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The ids of `nobody` and `nogroup` on Debian and most others.
const NOBODY: u32 = 65_534;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// What the server's command line begins with: PostgreSQL refuses to run as root, and should not outlive its shell.
fn unprivileged() -> Vec<String> {
    let mut words = vec!["setpriv".to_owned(), "--pdeathsig=QUIT".to_owned()];
    if is_root() {
        words.extend([
            format!("--reuid={NOBODY}"),
            format!("--regid={NOBODY}"),
            "--clear-groups".to_owned(),
        ]);
    }
    words
}

fn free_port() -> u16 {
    let bound = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    bound
        .unwrap_or_else(|error| panic!("no free port: {error}"))
        .port()
}

fn password() -> String {
    let mut bytes = [0; 16];
    let read = fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    read.unwrap_or_else(|error| panic!("no random bytes: {error}"));
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// True once the server answers; false when it has not within half a minute.
fn answers(url: &str) -> bool {
    for _ in 0..600 {
        if run(url, "SELECT 1").is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

/// Runs a statement on a connection of its own. On a thread of its own, so that it can be called from within a runtime.
fn run(url: &str, sql: &str) -> Result<(), tokio_postgres::Error> {
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
        runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
            let driver = tokio::spawn(connection);
            let ran = client.batch_execute(sql).await;
            drop(client);
            // The driver ends with its client; what it could say was said by the statement.
            let _ended = driver.await;
            ran
        })
    };
    std::thread::scope(|scope| match scope.spawn(work).join() {
        Ok(ran) => ran,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
