//! The project's task runner, `cargo xtask <command>`: the one way to check, test, measure and try Claviger.
//!
//! Invariant: it works after a clone and says what is missing; nothing is skipped in silence. One module per command;
//! `ci` is the list that the gate runs.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a task runner talks to its person"
)]

mod ci;
mod deny;
mod layers;
mod openapi;
mod programs;
mod source;
mod test;
mod tidy;
mod tools;
mod workspace;

use std::{env, process::ExitCode};

use anyhow::{Result, bail};

/// A command: its name, its arguments as the help shows them, what it does, and how.
struct Command {
    name: &'static str,
    arguments: &'static str,
    purpose: &'static str,
    run: fn(&[String]) -> Result<()>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "ci",
        arguments: "",
        purpose: "everything the gate runs, cheap checks first",
        run: ci::run,
    },
    Command {
        name: "test",
        arguments: "[cargo test arguments]",
        purpose: "install what the tests need, then run all of them",
        run: test::run,
    },
    Command {
        name: "demo",
        arguments: "[arguments]",
        purpose: "build Claviger and start it with example data",
        run: programs::demo,
    },
    Command {
        name: "layers",
        arguments: "",
        purpose: "refuse every dependency and word that a room may not have",
        run: layers::run,
    },
    Command {
        name: "tidy",
        arguments: "",
        purpose: "file headers, lengths, dead links, forbidden names",
        run: tidy::run,
    },
    Command {
        name: "deny",
        arguments: "",
        purpose: "licences, sources, duplicates and bans of all dependencies",
        run: deny::run,
    },
    Command {
        name: "openapi",
        arguments: "[--check]",
        purpose: "write openapi/claviger.json from the code, or compare",
        run: openapi::run,
    },
    Command {
        name: "torture",
        arguments: "R1 R2 R17 … [--quick]",
        purpose: "the reliability programmes against the release build",
        run: programs::torture,
    },
    Command {
        name: "bench",
        arguments: "NAME [--quick]",
        purpose: "measure against a bare server in the same run",
        run: programs::bench,
    },
    Command {
        name: "help",
        arguments: "",
        purpose: "this list",
        run: help,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<()> {
    let Some((name, rest)) = arguments.split_first() else {
        return help(&[]);
    };
    match COMMANDS
        .iter()
        .find(|command| command.name == name.trim_start_matches("--"))
    {
        Some(command) => (command.run)(rest),
        None => bail!("no command `{name}`; `cargo xtask help` lists them"),
    }
}

fn help(_: &[String]) -> Result<()> {
    println!("cargo xtask <command>\n");
    for command in COMMANDS {
        println!(
            "  {:<32} {}",
            format!("{} {}", command.name, command.arguments),
            command.purpose
        );
    }
    Ok(())
}
