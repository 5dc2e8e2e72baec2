//! `cargo xtask test`: every test of the workspace, after making sure that nothing they need is missing.
//!
//! Invariant: no test is left out in silence. The servers under test are the binary of the same profile, so it is
//! built first. Called by hand, by `ci` as its last step, and by the README.

use anyhow::Result;

use crate::{
    tools,
    workspace::{cargo, root, run as start, server},
};

/// Runs all tests; arguments go to `cargo test` and then choose the tests, so that the model checker's are named as
/// not run.
///
/// # Errors
/// When a program is missing, a build fails or a test fails.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    tools::provide()?;
    server()?;
    // Beside `--workspace`, cargo would not heed the choice of a package.
    let chosen = arguments
        .iter()
        .any(|argument| argument.starts_with("-p") || argument.starts_with("--package"));
    let everything = if chosen { None } else { Some("--workspace") };
    start(
        cargo()
            .args(["test", "--locked"])
            .args(everything)
            .args(arguments),
    )?;
    if arguments.is_empty() {
        return loom();
    }
    println!("not run because of the arguments: the model checker's tests (loom)");
    Ok(())
}

/// The concurrent index and the budgets under every interleaving. Its own target folder: the flag changes every crate.
fn loom() -> Result<()> {
    let mut tests = cargo();
    tests
        .env("RUSTFLAGS", "--cfg loom")
        .env("CARGO_TARGET_DIR", root().join("target/loom"));
    start(tests.args([
        "test",
        "--locked",
        "--package",
        "claviger-verify",
        "--release",
        "--test",
        "loom_index",
        "--test",
        "loom_budget",
        "--test",
        "loom_overlaps",
    ]))
}
