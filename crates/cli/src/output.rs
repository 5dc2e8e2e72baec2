//! Everything that a command prints: results on the standard output, words about them on the standard error.
//!
//! Invariant: text for people is made visible first; only [`json`] and [`page`] write what they are given. Each write ends in a
//! [`Failure`] when the output is gone, so that nothing is lost in silence.

use std::io::{self, Write as _};

use serde::Serialize;

use crate::{
    exit::{Failure, Outcome},
    table,
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

/// Prints rows under their headings.
pub(crate) fn table(stream: Stream, headings: &[&str], rows: &[Vec<String>]) -> Outcome<()> {
    let shown = |row: &Vec<String>| row.iter().map(|cell| visible(cell).into_owned()).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(shown).collect();
    print(stream, &table::rows(headings, &rows, width(stream)))
}

/// Prints one thing as pairs of a word and its value.
pub(crate) fn record(stream: Stream, pairs: &[(&str, String)]) -> Outcome<()> {
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(word, value)| (*word, visible(value)))
        .collect();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(word, value)| (*word, value.as_ref()))
        .collect();
    print(stream, &table::record(&pairs, width(stream)))
}

/// The columns of the terminal that a stream goes to; none for a pipe, and for a terminal that does not say.
fn width(stream: Stream) -> Option<u16> {
    let mut table = comfy_table::Table::new();
    match stream {
        Stream::Result => {}
        Stream::Aside => {
            table.use_stderr();
        }
    }
    table.width().filter(|width| *width > 0)
}

fn print(stream: Stream, text: &str) -> Outcome<()> {
    match stream {
        Stream::Result => page(text),
        Stream::Aside => {
            let _ = writeln!(io::stderr().lock(), "{text}");
            Ok(())
        }
    }
}
