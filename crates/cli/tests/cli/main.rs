//! What the binary promises to people and scripts, by running it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod config;
mod demo;
mod help;
mod limits;
mod order;
mod people;
mod reference;
mod reminders;
mod scan;
mod secrets;
mod sessions;
mod stub;

use assert_cmd::Command;

/// The binary, away from the environment and the files of whoever runs the tests.
pub(crate) fn claviger(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_claviger"));
    command
        .args(arguments)
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .env_clear();
    command
}

/// What a command printed, and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command with this standard input.
pub(crate) fn run(command: &mut Command, input: &[u8]) -> Ran {
    let output = command.write_stdin(input).output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
