//! `cargo xtask ci`: what the gate runs, cheap checks first, so that a mistake is told early.
//!
//! Invariant: the first failure ends the run, and the last step is the README's test command. Called by `.ci/run`.

use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::{
    deny, layers, openapi, test, tidy,
    workspace::{cargo, run as start},
};

type Step = (&'static str, fn() -> Result<()>);

const STEPS: &[Step] = &[
    ("fmt", || start(cargo().args(["fmt", "--all", "--check"]))),
    ("layers", || layers::run(&[])),
    ("tidy", || tidy::run(&[])),
    ("clippy", || {
        start(cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ]))
    }),
    ("doc", || {
        let mut doc = cargo();
        doc.env("RUSTDOCFLAGS", "-D warnings");
        start(doc.args([
            "doc",
            "--workspace",
            "--no-deps",
            "--document-private-items",
            "--locked",
            "--quiet",
        ]))
    }),
    ("deny", || deny::run(&[])),
    ("openapi --check", || openapi::run(&["--check".to_owned()])),
    ("test", || test::run(&[])),
];

/// Runs every step and prints how long each took.
///
/// # Errors
/// The first step that fails.
pub(crate) fn run(_: &[String]) -> Result<()> {
    let all = Instant::now();
    for (name, step) in STEPS {
        println!("== {name}");
        let started = Instant::now();
        step().with_context(|| format!("ci stops at `{name}`"))?;
        println!("== {name}: {:.1} s", started.elapsed().as_secs_f64());
    }
    println!("== all green after {:.1} s", all.elapsed().as_secs_f64());
    Ok(())
}
