//! Measurements of the release build, as ratios against a bare server in the same run.
//!
//! `cargo xtask bench NAME [--quick]` builds the server and comes here. Invariants: nothing is asserted, a figure that misses its
//! goal is written as it is; no absolute rate is a figure; what is committed under `bench/results/` was written by this program.
//! [`BENCHES`] is the list of what can be measured; each entry has a file of its own.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measuring program talks to its person"
)]

mod bare;
mod bound;
mod figures;
mod load;
mod machine;
mod pages;
mod results;
mod seed;
mod seeded;
mod servers;
mod size;
mod verify;

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};

use figures::Figure;
use size::Size;

/// The server under test uses the same; so the bare server and the measurements inside this process do, too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Something that can be measured.
struct Bench {
    /// The word on the command line, and the name of the file of results.
    name: &'static str,
    /// One sentence for the help.
    purpose: &'static str,
    /// Its parts, in the order in which they are measured.
    parts: &'static [Part],
}

/// A piece of a bench that can be measured by itself.
struct Part {
    name: &'static str,
    run: fn(&Size) -> Result<Vec<Figure>>,
}

const BENCHES: &[Bench] = &[Bench {
    name: "verify",
    purpose: "checking tokens: in the process, over HTTP, at the start, and while they are issued and revoked",
    parts: verify::PARTS,
}];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--all"] => pages::write(BENCHES.iter().map(|bench| bench.name)),
        ["bare", "--listen", address] => bare::run(address.parse().context("no address to listen on")?),
        [name, rest @ ..] if !name.starts_with('-') => {
            let Some(bench) = BENCHES.iter().find(|bench| bench.name == *name) else {
                bail!("there is no bench `{name}`\n{}", usage());
            };
            measure(bench, rest)
        }
        _ => bail!("{}", usage()),
    }
}

/// Measures the whole bench, or with `--only PART` a piece of it, which leaves the committed results alone.
fn measure(bench: &Bench, options: &[&str]) -> Result<()> {
    let (mut size, mut only) = (Size::FULL, None);
    let mut options = options.iter();
    while let Some(option) = options.next() {
        match *option {
            "--quick" => size = Size::QUICK,
            "--only" => only = Some(*options.next().context("--only needs the name of a part")?),
            unknown => bail!("no option `{unknown}`\n{}", usage()),
        }
    }
    let parts: Vec<&Part> = bench
        .parts
        .iter()
        .filter(|part| only.is_none_or(|only| part.name == only))
        .collect();
    ensure!(
        !parts.is_empty(),
        "`{}` has no such part\n{}",
        bench.name,
        usage()
    );
    let mut figures = Vec::new();
    for part in parts {
        println!("\n{} · {}", bench.name, part.name);
        let measured = (part.run)(&size).with_context(|| format!("the part `{}` failed", part.name))?;
        figures.extend(measured);
    }
    let committed = size == Size::FULL && only.is_none();
    results::conclude(bench.name, figures, committed)
}

fn usage() -> String {
    let mut text =
        "usage: cargo xtask bench NAME [--quick] [--only PART]\n       cargo xtask bench --all\n".to_owned();
    for bench in BENCHES {
        let parts: Vec<&str> = bench.parts.iter().map(|part| part.name).collect();
        text += &format!(
            "\n  {:<8} {}\n           parts: {}",
            bench.name,
            bench.purpose,
            parts.join(", ")
        );
    }
    text
}
