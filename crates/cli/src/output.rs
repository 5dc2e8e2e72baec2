//! Everything that a command prints: results on the standard output, words about them on the standard error.
//!
//! Invariant: text for people is made visible first; only [`json`] and [`page`] write what they are given. Each write ends in a
//! [`Failure`] when the output is gone, so that nothing is lost in silence.

use std::io::{self, IsTerminal as _, Write as _};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::{
    exit::{Failure, Outcome},
    text::visible,
};

/// Where a table goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// The standard output: it is the result.
    Result,
    /// The standard error: it accompanies a result that a script reads.
    Aside,
}

/// Prints one line of the result.
pub(crate) fn line(text: &str) -> Outcome<()> {
    Ok(writeln!(io::stdout().lock(), "{}", visible(text))?)
}

/// Prints a text that this program made itself, line breaks and all.
pub(crate) fn page(text: &str) -> Outcome<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        stdout.write_all(b"\n")?;
    }
    Ok(stdout.flush()?)
}

/// Tells the person one line beside the result. Nobody may be listening, and that is all right.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", visible(text));
}

/// Prints a secret alone on its line, so that `TOKEN=$(claviger token issue …)` works. The one place where a secret is shown.
pub(crate) fn secret(text: &str) -> Outcome<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", visible(text))?;
    Ok(stdout.flush()?)
}

/// Prints the API's own JSON. JSON strings have no raw control characters; everything else is the reader's affair.
pub(crate) fn json(value: &impl Serialize) -> Outcome<()> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::Failed(error.into()))?;
    page(&text)
}

/// Prints rows under their headings; wraps them to the terminal, and not at all for a pipe.
pub(crate) fn table(stream: Stream, headings: &[&str], rows: &[Vec<String>]) -> Outcome<()> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(headings);
    for row in rows {
        table.add_row(
            row.iter()
                .map(|cell| visible(cell).into_owned())
                .collect::<Vec<_>>(),
        );
    }
    print(stream, table)
}

/// Prints one thing as pairs of a word and its value.
pub(crate) fn record(stream: Stream, pairs: &[(&str, String)]) -> Outcome<()> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for (word, value) in pairs {
        table.add_row([*word, visible(value).as_ref()]);
    }
    print(stream, table)
}

fn print(stream: Stream, mut table: Table) -> Outcome<()> {
    let terminal = match stream {
        Stream::Result => io::stdout().is_terminal(),
        Stream::Aside => io::stderr().is_terminal(),
    };
    if terminal {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    } else {
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.force_no_tty();
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    match stream {
        Stream::Result => page(&table.trim_fmt()),
        Stream::Aside => {
            let _ = writeln!(io::stderr().lock(), "{}", table.trim_fmt());
            Ok(())
        }
    }
}
