//! `cargo xtask demo`, `torture` and `bench`: build the release binary, then become the program that uses it.
//!
//! Invariant: what is measured or tortured is the release build of the same sources. The runner replaces itself with
//! the program, so that signals and the exit code are the program's own.

use std::{os::unix::process::CommandExt as _, process::Command};

use anyhow::{Context as _, Result, ensure};

use crate::workspace::{cargo, root, run, target_folder};

/// Starts Claviger on the embedded store with example data.
///
/// # Errors
/// When the build fails or the program cannot be started.
pub(crate) fn demo(arguments: &[String]) -> Result<()> {
    build()?;
    let mut demo = Command::new(target_folder()?.join("release/claviger"));
    become_program(demo.current_dir(root()).arg("demo").args(arguments))
}

/// Runs the named reliability programmes.
///
/// # Errors
/// When none is named, the build fails or the program cannot be started.
pub(crate) fn torture(arguments: &[String]) -> Result<()> {
    ensure!(
        arguments.iter().any(|name| !name.starts_with('-')),
        "usage: cargo xtask torture R1 R2 R17 … [--quick]"
    );
    build()?;
    let torture = [
        "run",
        "--release",
        "--locked",
        "--package",
        "claviger-testkit",
        "--bin",
        "torture",
        "--",
    ];
    become_program(cargo().args(torture).args(arguments))
}

/// Runs a benchmark; the bench program knows their names.
///
/// # Errors
/// When no argument is given, the build fails or the program cannot be started.
pub(crate) fn bench(arguments: &[String]) -> Result<()> {
    ensure!(!arguments.is_empty(), "usage: cargo xtask bench NAME [--quick]");
    build()?;
    become_program(
        cargo()
            .args([
                "run",
                "--release",
                "--locked",
                "--package",
                "claviger-bench",
                "--",
            ])
            .args(arguments),
    )
}

fn build() -> Result<()> {
    run(cargo().args(["build", "--release", "--locked", "--package", "claviger"]))
}

/// Returns only if the program could not be started.
fn become_program(command: &mut Command) -> Result<()> {
    Err(command.exec()).with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))
}
