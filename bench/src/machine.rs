//! What was measured on, and which sources: read from the system once per run, beside every result.
//!
//! Also the cores: one for the server under test, the other for whoever loads it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};

/// The machine of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// The processor's name.
    pub(crate) cpu: String,
    /// How many cores this process may use.
    pub(crate) cores: usize,
    /// The memory, all of it.
    pub(crate) memory_bytes: u64,
    /// The kernel's version.
    pub(crate) kernel: String,
}

/// Which core a thread, and every process it starts, is kept on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Core {
    /// The server under test, or the bare one.
    Server,
    /// Whoever sends the requests.
    Load,
    /// Any core: nothing is pinned.
    Any,
}

impl Machine {
    /// This one. What the system does not tell is `unknown`, or 0.
    pub(crate) fn read() -> Self {
        let line = |file: &str, key: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let found = text.lines().find_map(|line| line.strip_prefix(key));
            found.map(|rest| rest.trim_start_matches([' ', '\t', ':']).trim().to_owned())
        };
        let memory =
            line("/proc/meminfo", "MemTotal").and_then(|text| text.strip_suffix(" kB")?.parse::<u64>().ok());
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let unknown = || "unknown".to_owned();
        Self {
            cpu: line("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_bytes: memory.map_or(0, |kibibytes| kibibytes * 1_024),
            kernel: Some(kernel.trim().to_owned())
                .filter(|text| !text.is_empty())
                .unwrap_or_else(unknown),
        }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let gibibytes = self.memory_bytes.div_ceil(1 << 30);
        write!(
            f,
            "{}, {} cores, {gibibytes} GiB, Linux {}",
            self.cpu, self.cores, self.kernel
        )
    }
}

/// The commit that was built, with `-dirty` when files differed from it.
pub(crate) fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .current_dir(root())
            .args(arguments)
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return "unknown".to_owned();
    };
    // Results of earlier runs and pages made of them do not change what was measured.
    let sources = [
        "status",
        "--porcelain",
        "--",
        "Cargo.toml",
        "Cargo.lock",
        "crates",
        "bench/src",
    ];
    match git(&sources).as_deref() {
        Some("") => commit,
        _ => format!("{commit}-dirty"),
    }
}

/// The folder of the repository.
pub(crate) fn root() -> PathBuf {
    let bench = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    bench.parent().map_or_else(|| bench.clone(), Path::to_owned)
}

/// Where everything goes that is not committed: `target`, or `CARGO_TARGET_DIR`.
pub(crate) fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Runs `work` with this thread on `core`, then lets it go where it was. Threads and processes that `work` starts stay on the core.
/// On a machine with one core nothing is pinned.
///
/// # Errors
/// When the system refuses, and those of `work`.
pub(crate) fn on<T>(core: Core, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = sched_getaffinity(None).context("the cores of this process are unknown")?;
    let usable: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&cpu| before.is_set(cpu)).collect();
    let chosen = match (core, usable.as_slice()) {
        (Core::Load, [load, _, ..]) => Some(*load),
        (Core::Server, [_, server, ..]) => Some(*server),
        _ => None,
    };
    let Some(chosen) = chosen else {
        return work();
    };
    let mut only = CpuSet::new();
    only.set(chosen);
    sched_setaffinity(None, &only).context("the core cannot be chosen")?;
    let outcome = work();
    sched_setaffinity(None, &before).context("the cores cannot be given back")?;
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_name_and_memory() {
        let machine = Machine::read();

        assert!(machine.cores > 0);
        assert!(machine.memory_bytes > 1 << 20);
        assert!(!machine.kernel.is_empty());
    }

    #[test]
    fn a_pinned_thread_gets_its_cores_back() {
        let before = sched_getaffinity(None).unwrap();

        let during = on(Core::Server, || Ok(sched_getaffinity(None)?)).unwrap();

        assert_eq!(during.count(), 1.min(before.count()));
        assert_eq!(sched_getaffinity(None).unwrap(), before);
    }
}
