//! Keeping a result: `bench/results/torture-R1.json` with commit, date and machine. Nobody edits one by hand.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use claviger_server::SystemClock;
use claviger_service::Clock as _;
use serde_json::{Value, json};

use super::{Outcome, Verdict};

/// Writes the outcome under `root`, the repository's folder; gives the file.
///
/// # Errors
/// When the file cannot be written.
pub fn write_result(root: &Path, outcome: &Outcome) -> Result<PathBuf> {
    let bench = format!("torture-{}", outcome.name);
    let (passed, failed, skipped) = outcome.counts();
    let checks: Vec<_> = outcome
        .checks
        .iter()
        .map(|check| json!({ "what": check.what, "verdict": verdict(&check.verdict) }))
        .collect();
    let result = json!({
        "bench": bench,
        "commit": commit(root),
        "date": SystemClock.now().truncated_to_millis().to_string(),
        "machine": machine(),
        "seed": outcome.seed,
        "figures": outcome.figures,
        "checks": checks,
        "passed": passed,
        "failed": failed,
        "skipped": skipped,
    });
    let folder = root.join("bench/results");
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{bench}.json"));
    fs::write(&file, format!("{result:#}\n"))
        .with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(file)
}

fn verdict(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed(_) => "failed",
        Verdict::Skipped(_) => "skipped",
    }
}

/// The commit, with `-dirty` when the tree holds changes; `unknown` outside a repository.
fn commit(root: &Path) -> String {
    let described = Command::new("git")
        .current_dir(root)
        .args(["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"])
        .output();
    match described {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => "unknown".to_owned(),
    }
}

fn machine() -> Value {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let memory = field(&read("/proc/meminfo"), "MemTotal")
        .and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    json!({
        "cpu": field(&read("/proc/cpuinfo"), "model name"),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "memory_bytes": memory.map(|kibibytes| kibibytes * 1_024),
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
    })
}
