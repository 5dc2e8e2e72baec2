//! The servers that are measured: child processes on a core of their own, and what the system says of them.
//!
//! Invariant: a server that is not being measured is stopped (SIGSTOP), so that its background work falls into its own rounds and is
//! charged to it. Processor time is the process's own accounting, `/proc/PID/stat`. Every child ends with its [`Process`].

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::load::{self, Target};
use crate::machine::{self, Core};

/// A running server.
pub(crate) struct Process {
    child: Child,
    pid: Pid,
    /// Where it listens.
    pub(crate) target: Target,
    /// From its start to its first answer that it is ready.
    pub(crate) start: Duration,
}

/// What the server under test is given.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// Its data directory; the keys are in it, whatever the database.
    pub(crate) data: PathBuf,
    /// `sqlite`, or a URL of PostgreSQL.
    pub(crate) database: String,
    /// Whether it also listens on a Unix socket in its data directory.
    pub(crate) unix_socket: bool,
    /// Where it runs.
    pub(crate) core: Core,
}

/// Processor time of a process, exact to a tick of the system (10 ms), and how much of it was in threads that answer nobody.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    /// User and system time of all threads.
    pub(crate) total: Duration,
    /// Of those threads that write to the store: bookkeeping.
    pub(crate) aside: Duration,
}

/// How long a server may take to start before the bench gives up.
const PATIENCE: Duration = Duration::from_secs(180);
/// Between two questions whether it is ready; what the start time is exact to.
const GLANCE: Duration = Duration::from_millis(2);
/// How long a server may take to end.
const FAREWELL: Duration = Duration::from_secs(240);

// === impl Process ===

impl Process {
    /// Starts `claviger serve` of the release build and waits until it is ready.
    ///
    /// # Errors
    /// When there is no such binary, or it does not get ready.
    pub(crate) fn claviger(setup: &Setup) -> Result<Self> {
        let binary = machine::target_folder().join("release/claviger");
        ensure!(
            binary.exists(),
            "there is no {}; build it with `cargo build --release -p claviger`",
            binary.display()
        );
        let address = free_address()?;
        let mut command = Command::new(&binary);
        command
            .arg("serve")
            .current_dir(&setup.data)
            .env("CLAVIGER_LISTEN", address.to_string())
            .env("CLAVIGER_DATA_DIR", &setup.data)
            .env("CLAVIGER_DATABASE", &setup.database)
            // Some figures are of refusals, all of them from one address.
            .env("CLAVIGER_LIMITS__FAILURES", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(setup.data.join("log"))?);
        if setup.core == Core::Server {
            command.env("CLAVIGER_WORKER_THREADS", "1");
        }
        if setup.unix_socket {
            command.env("CLAVIGER_UNIX_SOCKET", setup.socket());
        }
        let begin = Instant::now();
        let child = machine::on(setup.core, || {
            command.spawn().with_context(|| binary.display().to_string())
        })?;
        let mut process = Self::new(child, address)?;
        let ready = "GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n";
        let waited = process.wait_until_ready(ready.as_bytes());
        waited.with_context(|| format!("its log is {}", setup.data.join("log").display()))?;
        process.start = begin.elapsed();
        Ok(process)
    }

    /// Starts the bare server with this answer, which is one as it stands on the wire.
    ///
    /// # Errors
    /// When it does not get ready.
    pub(crate) fn bare(answer: &[u8]) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["bare", "--listen", &address.to_string()])
            .stdin(Stdio::piped());
        let mut child = machine::on(Core::Server, || Ok(command.spawn()?))?;
        let mut stdin = child.stdin.take().context("the bare server has no input")?;
        stdin.write_all(answer)?;
        drop(stdin);
        let mut process = Self::new(child, address)?;
        process.wait_until_ready(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
        Ok(process)
    }

    fn new(child: Child, address: SocketAddr) -> Result<Self> {
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Ok(Self {
            pid: pid.context("the child has no process id")?,
            child,
            target: Target::Tcp(address),
            start: Duration::ZERO,
        })
    }

    fn wait_until_ready(&mut self, question: &[u8]) -> Result<()> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status} instead of getting ready");
            }
            let asked = load::block_on(load::ask_once(&self.target, question));
            if asked.is_ok_and(|answer| answer.starts_with(b"HTTP/1.1 200")) {
                return Ok(());
            }
            std::thread::sleep(GLANCE);
        }
        bail!("the server was not ready after {} s", PATIENCE.as_secs());
    }

    /// Keeps it from running until [`Process::resume`].
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn pause(&self) -> Result<()> {
        kill_process(self.pid, Signal::STOP).context("the server has ended")
    }

    /// Lets it run again.
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn resume(&self) -> Result<()> {
        kill_process(self.pid, Signal::CONT).context("the server has ended")
    }

    /// The processor time it has used so far.
    ///
    /// # Errors
    /// When the system does not tell.
    pub(crate) fn spent(&self) -> Result<Spent> {
        let folder = PathBuf::from(format!("/proc/{}", self.pid.as_raw_nonzero()));
        let (_, total) = times(&folder.join("stat"))?;
        let mut aside = Duration::ZERO;
        for thread in fs::read_dir(folder.join("task"))? {
            // A thread may end while it is looked at.
            if let Ok((name, time)) = times(&thread?.path().join("stat"))
                && name.starts_with("store-")
            {
                aside += time;
            }
        }
        Ok(Spent { total, aside })
    }

    /// Ends it in order, so that its database is left as after any shutdown.
    ///
    /// # Errors
    /// When it does not end, or not well.
    pub(crate) fn end(mut self) -> Result<()> {
        self.resume()?;
        kill_process(self.pid, Signal::TERM)?;
        let begin = Instant::now();
        while begin.elapsed() < FAREWELL {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "the server ended with {status}");
                return Ok(());
            }
            std::thread::sleep(GLANCE);
        }
        bail!("the server did not end within {} s", FAREWELL.as_secs())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An ended child cannot be killed, which is as good.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Setup {
    /// A server on the embedded database in `data`, on the server's core.
    pub(crate) fn sqlite(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            database: "sqlite".to_owned(),
            unix_socket: false,
            core: Core::Server,
        }
    }

    /// Where the Unix socket is.
    pub(crate) fn socket(&self) -> PathBuf {
        self.data.join("socket")
    }
}

impl Spent {
    /// What was used since `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        Self {
            total: self.total.saturating_sub(earlier.total),
            aside: self.aside.saturating_sub(earlier.aside),
        }
    }
}

/// Name and processor time out of a `stat` file (proc(5): fields 2, 14 and 15).
fn times(file: &Path) -> Result<(String, Duration)> {
    let text = fs::read_to_string(file)?;
    parse_times(&text, rustix::param::clock_ticks_per_second()).with_context(|| file.display().to_string())
}

fn parse_times(text: &str, ticks_per_second: u64) -> Result<(String, Duration)> {
    // The name may itself hold spaces and parentheses.
    let (before, rest) = text.rsplit_once(')').context("there is no name in it")?;
    let name = before.split_once('(').map_or("", |(_, name)| name);
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<u64>().ok());
    let (user, system) = ticks(11).zip(ticks(12)).context("there are no times in it")?;
    let micros = (user + system) * 1_000_000 / ticks_per_second.max(1);
    Ok((name.to_owned(), Duration::from_micros(micros)))
}

/// A port that was free a moment ago.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_behind_any_name() {
        let text = "7 (a) (b c) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 3 0 1 1 1";

        let (name, time) = parse_times(text, 100).unwrap();

        assert_eq!(name, "a) (b c");
        assert_eq!(time, Duration::from_secs(2));
    }

    #[test]
    fn this_process_has_used_some_time() {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_millis(50) {}

        let (_, time) = times(Path::new("/proc/self/stat")).unwrap();

        assert!(time > Duration::ZERO);
    }
}
