//! `claviger help-markdown`: the reference page `docs/reference/cli.md`, made from the command line itself.
//!
//! Invariant: the page depends on nothing but the program; `tests/reference.rs` holds the committed page to it.

use std::fmt::Write as _;

use clap::{Args, Command, CommandFactory as _};

use crate::{
    cli::Cli,
    exit::{self, Exit, Outcome},
    output,
};

/// Print the reference of all commands as Markdown.
#[derive(Debug, Args)]
#[command(after_help = exit::PRINTED)]
pub(crate) struct HelpMarkdown {}

/// The width of the page, in characters: independent of the terminal that makes it.
const WIDTH: usize = 100;

const INTRODUCTION: &str = "\
# The command line

Made by `claviger help-markdown` from the program; a test fails when they differ.

- A token is never an argument. The one you call with comes from `--token-file`, from `CLAVIGER_TOKEN`, or from a prompt; the one
  that `verify` and `token report-leak` are about comes from `--subject-file`, from the standard input, or from a prompt.
- Results go to the standard output, everything else to the standard error. `--json` prints the API's own JSON.
- In text for people, control and bidirectional characters of names are written as `\\u{…}`.

| exit code | meaning |
| --- | --- |
| 0 | done |
| 1 | done, and the answer is no: `verify` of a token that is not valid, `audit verify` of a trail that is not intact, `scan` that found something, a question answered no |
| 2 | wrong usage: the command line, a file that it names, or the configuration |
| 3 | refused by the server (4xx) |
| 4 | failed: the server (5xx), the network, or the output |
";

// === impl HelpMarkdown ===

impl HelpMarkdown {
    pub(crate) fn run(&self) -> Outcome {
        output::page(&reference())?;
        Ok(Exit::Done)
    }
}

fn reference() -> String {
    let mut root = Cli::command().term_width(WIDTH).disable_help_subcommand(true);
    root.build();
    let mut text = INTRODUCTION.to_owned();
    describe(&mut root, &mut text);
    text
}

/// Adds one command and, below it, its own.
fn describe(command: &mut Command, text: &mut String) {
    let name = command
        .get_bin_name()
        .unwrap_or_else(|| command.get_name())
        .to_owned();
    let help = command.render_long_help().to_string();
    let lines: Vec<_> = help.lines().map(str::trim_end).collect();
    // Writing into a string cannot fail.
    let _ = write!(
        text,
        "\n## `{name}`\n\n```text\n{}\n```\n",
        lines.join("\n").trim_end()
    );
    for inner in command.get_subcommands_mut().filter(|inner| !inner.is_hide_set()) {
        describe(inner, text);
    }
}
