//! The built program `claviger`, run as a process of its own: what a test does to it, it does to what ships.
//!
//! Invariants: a child listens on loopback only, inherits no setting from the test's environment, and does not outlive its handle.

use std::{
    env,
    fs::OpenOptions,
    io::{BufRead as _, BufReader},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// How long a start may take until `/readyz` answers.
const START_LIMIT: Duration = Duration::from_secs(30);

/// The program `claviger`: `CLAVIGER_BIN`, else the one beside or above the running test.
///
/// # Panics
/// When there is none, with the command that builds it.
pub fn claviger_binary() -> PathBuf {
    if let Some(named) = env::var_os("CLAVIGER_BIN") {
        return named.into();
    }
    let near = env::current_exe().ok().and_then(|test| {
        let folders = test.ancestors().skip(1).take(3);
        folders
            .map(|folder| folder.join("claviger"))
            .find(|program| program.is_file())
    });
    match near {
        Some(program) => program,
        None => panic!(
            "the program `claviger` is not built; run `cargo build -p claviger` (and `--release` for a release test)"
        ),
    }
}

/// A server in a process of its own.
pub struct ChildServer {
    data_dir: PathBuf,
    address: SocketAddr,
    settings: Vec<(String, String)>,
    log: PathBuf,
    child: Option<Child>,
}

// === impl ChildServer ===

impl ChildServer {
    /// A server on the embedded store in `data_dir`, logging to the file `log`, not yet started. Its port is free now and stays its own
    /// over restarts.
    ///
    /// # Errors
    /// When no port is free.
    pub fn new(data_dir: &Path, log: &Path) -> Result<Self> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Ok(Self {
            data_dir: data_dir.to_owned(),
            address: free.local_addr()?,
            settings: Vec::new(),
            log: log.to_owned(),
            child: None,
        })
    }

    /// With this setting of the configuration.
    #[must_use]
    pub fn setting(mut self, key: &str, value: &str) -> Self {
        let variable = format!("CLAVIGER_{}", key.replace('.', "__").to_uppercase());
        self.settings.push((variable, value.to_owned()));
        self
    }

    /// The address, `http://127.0.0.1:port`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process id; `None` when it does not run.
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Makes the administrator with `claviger init` and gives the token. The server must not run.
    ///
    /// # Errors
    /// When the program refuses.
    pub fn init(&self) -> Result<String> {
        let output = self
            .command()
            .args(["init", "--admin", "admin@example.org"])
            .output()
            .context("`claviger init` cannot be run")?;
        if !output.status.success() {
            bail!(
                "`claviger init` failed: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        let token = String::from_utf8(output.stdout)?.trim().to_owned();
        Ok(token)
    }

    /// Starts it and waits until `/readyz` answers 200; gives the time that took.
    ///
    /// # Errors
    /// When it ends instead, or is not ready in 30 s; the error ends with the end of its log.
    pub async fn start(&mut self, http: &reqwest::Client) -> Result<Duration> {
        let began = Instant::now();
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut child = self
            .command()
            .arg("serve")
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("`claviger serve` cannot be run")?;
        // Read to its end, or the child would stop at a full pipe.
        if let Some(output) = child.stdout.take() {
            std::thread::spawn(move || {
                let lines = BufReader::new(output).lines();
                lines.map_while(Result::ok).for_each(drop);
            });
        }
        let mut child = Guarded(Some(child));
        let ready = format!("{}/readyz", self.base_url());
        while began.elapsed() < START_LIMIT {
            if let Some(status) = child.try_wait()? {
                bail!("the server ended with {status}:\n{}", self.end_of_log());
            }
            let answer = http.get(&ready).timeout(Duration::from_secs(2)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                self.child = child.0.take();
                return Ok(began.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        bail!(
            "the server was not ready within {START_LIMIT:?}:\n{}",
            self.end_of_log()
        )
    }

    /// SIGKILL: no orderly end, not one more instruction.
    ///
    /// # Errors
    /// When the process cannot be waited for.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// SIGTERM, and waits for the orderly end.
    ///
    /// # Errors
    /// When it does not run, or not end.
    pub fn terminate(&mut self) -> Result<ExitStatus> {
        let mut child = self.child.take().context("the server does not run")?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.context("a process id")?, Signal::TERM)?;
        Ok(child.wait()?)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(claviger_binary());
        command
            .env_clear()
            .env("CLAVIGER_LISTEN", self.address.to_string())
            .env("CLAVIGER_DATA_DIR", &self.data_dir)
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            // No `claviger.toml` of the directory in which the tests run may have a say.
            .current_dir(self.log.parent().unwrap_or(Path::new("/")))
            .stdin(Stdio::null());
        command
    }

    fn end_of_log(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }
}

impl Drop for ChildServer {
    fn drop(&mut self) {
        drop(Guarded(self.child.take()));
    }
}

/// A child that is killed when its handle goes.
struct Guarded(Option<Child>);

impl Guarded {
    fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        match &mut self.0 {
            Some(child) => Ok(child.try_wait()?),
            None => Ok(None),
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // Both fail only when the child has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
