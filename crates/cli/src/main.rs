//! The binary `claviger`: `serve`, and the commands a person types on top of the public API.
//!
//! Invariant: a token is never an argument and never printed, except where the API shows it, at issue and regenerate. Every
//! command ends with one of the exit codes of [`exit`], and everything is printed by [`output`].

mod asked;
mod assignment;
mod cli;
mod commands;
mod exit;
mod expiry;
mod limits;
mod output;
mod paging;
mod progress;
mod prompt;
mod receipt;
mod remote;
mod secrets;
mod span;
mod table;
mod text;

use std::process::ExitCode;

use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let outcome = commands::run(cli::Cli::parse());
    exit::conclude(outcome)
}
