//! `claviger scan`: this installation's tokens in files, directories and streams, found offline by prefix and checksum.
//!
//! Invariant: what is found is named by place, type and hint; the token itself is never printed. Memory does not grow with
//! the size of a file.

mod position;
mod walk;

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use claviger_token::{Prefix, scan::Scanner};
use serde::Serialize;

use self::{position::Position, walk::Walk};
use crate::{
    exit::{Exit, Failure, Outcome},
    output,
    progress::Progress,
    text::visible,
};

/// Bytes that are read at a time.
const CHUNK_BYTES: usize = 64 << 10;

/// Find this installation's tokens in files, directories and the standard input. No server is needed.
///
/// A token is known by its prefix and its checksum. Directories are searched to their depths; symbolic links in them are not
/// followed, and archives and compressed files are not unpacked. A finding is printed as `path:line:column`, in a binary file
/// as `path: offset`, with type and hint, and never with the token itself.
#[derive(Debug, Args)]
#[command(after_help = CODES)]
pub(crate) struct Scan {
    /// Files and directories; `-` is the standard input.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// The prefix of the installation whose tokens are sought.
    #[arg(
        long,
        env = "CLAVIGER_PREFIX",
        hide_env_values = true,
        value_name = "PREFIX",
        default_value = "clv"
    )]
    prefix: Prefix,
    /// Print JSON instead of text for people.
    #[arg(long)]
    json: bool,
}

const CODES: &str = "\
Exit codes:
  0  nothing was found
  1  something was found
  2  wrong usage, or nothing was found but something could not be read
  4  failed: the output cannot be written";

/// A token that was found. Positions count from 1, columns in bytes; the offset counts from 0.
#[derive(Debug, Serialize)]
struct Found {
    path: String,
    offset: u64,
    /// Absent in a binary file.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u64>,
    #[serde(rename = "type")]
    token_type: &'static str,
    hint: String,
}

/// What was searched and what came of it.
#[derive(Debug, Default, Serialize)]
struct Tally {
    found: Vec<Found>,
    files: u64,
    bytes: u64,
    /// Texts that looked like a token but for their checksum: typos, cuts, made-up examples.
    bad_checksums: u64,
    unreadable: Vec<String>,
}

// === impl Scan ===

impl Scan {
    pub(crate) fn run(self) -> Outcome {
        let mut tally = Tally::default();
        let progress = Progress::counting("files scanned:");
        for path in &self.paths {
            if path == Path::new("-") {
                self.search("-", &mut io::stdin().lock(), &mut tally, &progress)?;
                continue;
            }
            for entry in Walk::from(path.clone()) {
                self.search_file(entry, &mut tally, &progress)?;
            }
        }
        drop(progress);
        self.conclude(&tally)
    }

    fn search_file(
        &self,
        entry: Result<PathBuf, (PathBuf, io::Error)>,
        tally: &mut Tally,
        progress: &Progress,
    ) -> Outcome<()> {
        let (path, file) = match entry {
            Ok(path) => {
                let file = File::open(&path);
                (path, file)
            }
            Err((path, error)) => (path, Err(error)),
        };
        let path = path.to_string_lossy();
        match file {
            Ok(mut file) => self.search(&path, &mut file, tally, progress)?,
            Err(error) => tally.miss(&path, &error, progress),
        }
        Ok(())
    }

    /// Searches one stream to its end and tells of each finding as it comes.
    fn search(
        &self,
        path: &str,
        stream: &mut impl Read,
        tally: &mut Tally,
        progress: &Progress,
    ) -> Outcome<()> {
        let mut scanner = Scanner::new(self.prefix);
        let mut position = Position::default();
        let mut chunk = vec![0; CHUNK_BYTES];
        tally.files += 1;
        progress.advance(1);
        loop {
            let read = match stream.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    tally.miss(path, &error, progress);
                    break;
                }
            };
            let bytes = &chunk[..read];
            position.enter(bytes);
            let mut findings = Vec::new();
            scanner.feed(bytes, |finding| findings.push(finding));
            for finding in findings {
                let place = position.of(bytes, finding.offset);
                let found = Found {
                    path: path.to_owned(),
                    offset: finding.offset,
                    line: place.map(|(line, _)| line),
                    column: place.map(|(_, column)| column),
                    token_type: finding.token_type.as_str(),
                    hint: finding.hint.to_string(),
                };
                if !self.json {
                    progress.suspend(|| output::line(&found.sentence()))?;
                }
                tally.found.push(found);
            }
            position.leave(bytes);
            tally.bytes += u64::try_from(read).unwrap_or(u64::MAX);
        }
        tally.bad_checksums += scanner.bad_checksums();
        Ok(())
    }

    fn conclude(&self, tally: &Tally) -> Outcome {
        if self.json {
            output::json(tally)?;
        } else {
            output::note(&tally.sentence());
        }
        if !tally.found.is_empty() {
            return Ok(Exit::Negative);
        }
        match tally.unreadable.len() {
            0 => Ok(Exit::Done),
            count => Err(Failure::usage(format!(
                "{count} of what was named could not be read"
            ))),
        }
    }
}

// === impl Found ===

impl Found {
    fn sentence(&self) -> String {
        let Self {
            path,
            offset,
            line,
            column,
            token_type,
            hint,
        } = self;
        let path = visible(path);
        match line.zip(*column) {
            Some((line, column)) => format!("{path}:{line}:{column}: {token_type} token …{hint}"),
            None => format!("{path}: offset {offset}: {token_type} token …{hint}"),
        }
    }
}

// === impl Tally ===

impl Tally {
    fn miss(&mut self, path: &str, error: &io::Error, progress: &Progress) {
        progress.suspend(|| output::note(&format!("{path} cannot be read: {error}")));
        self.unreadable.push(path.to_owned());
    }

    fn sentence(&self) -> String {
        let Self {
            found,
            files,
            bytes,
            bad_checksums,
            ..
        } = self;
        let mut text = format!("{} found in {files} files, {bytes} bytes", found.len());
        if *bad_checksums > 0 {
            text += &format!("; {bad_checksums} looked alike but have a wrong checksum");
        }
        if !found.is_empty() {
            text += "; `claviger token report-leak` ends a live one";
        }
        text
    }
}
