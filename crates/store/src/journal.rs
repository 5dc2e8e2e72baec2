//! The revocation journal: an append-only file outside every backup, in which each change that ends or narrows something is written
//! and synced before it is acknowledged (security.md T26).
//!
//! A backup that is restored, or a copied file, is older than its journal: whoever opens it finds in the journal what has ended since.
//! A line is the place of the change in the feed, a link and a text that `service` writes and reads; the link is SHA-256 over the link
//! before, the place and the text, so that no line can be changed, left out or put elsewhere unnoticed. Appended by the writer, after
//! the commit and before the hooks and the answers of its batch.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::durable::sync_name;

/// What the first line begins with.
const HEADER: &str = "claviger-journal 1 ";
/// The longest line that is read: a transaction narrows at most some thousand things.
const MAX_LINE_BYTES: u64 = 64 << 20;

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    id: JournalId,
    link: Link,
    last: u64,
    /// Where the next line goes.
    end: u64,
    is_damaged: bool,
}

/// Names a journal, and the store that belongs to it. Not a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalId([u8; 16]);

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalLine {
    /// Its place in the feed.
    pub epoch: u64,
    /// What it was, in one line.
    pub text: String,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be read or written.
    #[error("the revocation journal `{path}` cannot be used: {error}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// A line was changed, or lines are missing. What ended cannot be told any more.
    #[error("the revocation journal `{path}` is damaged at byte {at}; restore it from its own copy", path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The first byte that is not as it was written.
        at: u64,
    },
}

type Link = [u8; 16];

// === impl JournalId ===

impl JournalId {
    /// An id of these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Reads what [`std::fmt::Display`] wrote: 32 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        unhex(text).map(Self)
    }
}

impl std::fmt::Display for JournalId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        hex(&self.0).fmt(f)
    }
}

// === impl Journal ===

impl Journal {
    /// Begins a journal. Its name is on disk when this returns.
    ///
    /// # Errors
    /// [`JournalError::Io`], also when there is a file already.
    pub fn create(path: &Path, id: JournalId) -> Result<Self, JournalError> {
        let failed = |error| at(path, error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        let header = format!("{HEADER}{id}\n");
        file.write_all(header.as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| sync_name(path))
            .map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            id,
            link: first_link(id),
            last: 0,
            end: header.len() as u64,
            is_damaged: false,
        })
    }

    /// Opens a journal and reads it through, showing every line to `show`; `None` when there is no such file. An unfinished last line was
    /// never acknowledged and is cut off; reading ends before any other damage ([`Journal::is_damaged`]). Cost: the file, about 100 MB
    /// a second.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn open(path: &Path, mut show: impl FnMut(JournalLine)) -> Result<Option<Self>, JournalError> {
        let failed = |error| at(path, error);
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let mut lines = BufReader::new(&file);
        let damaged = |at| JournalError::Damaged {
            path: path.to_owned(),
            at,
        };
        let mut bytes = Vec::new();
        let header = next_line(&mut lines, &mut bytes).map_err(failed)?;
        let id = header
            .and_then(|line| line.strip_prefix(HEADER))
            .and_then(JournalId::parse)
            .ok_or_else(|| damaged(0))?;
        let (mut link, mut last, mut end) = (first_link(id), 0, bytes.len() as u64);
        let mut is_damaged = false;
        while let Some(line) = next_line(&mut lines, &mut bytes).map_err(failed)? {
            let Some((line, next)) = read_line(line, &link) else {
                is_damaged = true;
                break;
            };
            (link, last) = (next, last.max(line.epoch));
            end += bytes.len() as u64;
            show(line);
        }
        // Nothing that long was ever written.
        is_damaged |= bytes.len() as u64 >= MAX_LINE_BYTES;
        let is_unfinished = !is_damaged && !bytes.is_empty();
        drop(lines);
        let journal = Self {
            path: path.to_owned(),
            file,
            id,
            link,
            last,
            end,
            is_damaged,
        };
        if is_unfinished {
            journal.cut()?;
        }
        // Lines that a process wrote and did not live to sync are relied on from here on.
        journal.file.sync_data().map_err(failed)?;
        Ok(Some(journal))
    }

    /// True when lines were changed or are missing: what was read may not be all.
    pub const fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    /// Says that the journal cannot be relied on.
    pub fn damage(&self) -> JournalError {
        JournalError::Damaged {
            path: self.path.clone(),
            at: self.end,
        }
    }

    fn cut(&self) -> Result<(), JournalError> {
        tracing::warn!(
            at = self.end,
            "the end of the revocation journal is broken and is cut off"
        );
        let cut = self.file.set_len(self.end).and_then(|()| self.file.sync_all());
        cut.map_err(|error| at(&self.path, error))
    }

    /// Which journal this is.
    pub const fn id(&self) -> JournalId {
        self.id
    }

    /// The greatest place in it; 0 before the first.
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// Appends lines, in one write and one flush. When it fails, nothing may be acknowledged any more.
    pub(crate) fn append(&mut self, lines: &[JournalLine]) -> Result<(), JournalError> {
        let (mut link, mut last, mut text) = (self.link, self.last, String::new());
        for line in lines {
            link = next_link(&link, line);
            last = last.max(line.epoch);
            text.push_str(&format!("{} {} {}\n", line.epoch, hex(&link), line.text));
        }
        let written = self
            .file
            .seek(SeekFrom::Start(self.end))
            .and_then(|_| self.file.write_all(text.as_bytes()))
            .and_then(|()| self.file.sync_data());
        written.map_err(|error| at(&self.path, error))?;
        (self.link, self.last) = (link, last);
        self.end += text.len() as u64;
        Ok(())
    }
}

fn at(path: &Path, error: io::Error) -> JournalError {
    JournalError::Io {
        path: path.to_owned(),
        error,
    }
}

/// The next finished line without its end; `bytes` holds all of it. `None` at the end, where `bytes` holds what is unfinished.
fn next_line<'b>(lines: &mut impl BufRead, bytes: &'b mut Vec<u8>) -> io::Result<Option<&'b str>> {
    bytes.clear();
    io::Read::take(&mut *lines, MAX_LINE_BYTES).read_until(b'\n', bytes)?;
    match bytes.split_last() {
        // What is no text fails to be a line, and shows as damage.
        Some((b'\n', line)) => Ok(Some(std::str::from_utf8(line).unwrap_or_default())),
        _ => Ok(None),
    }
}

/// The line and its link, if it follows the link before.
fn read_line(text: &str, before: &Link) -> Option<(JournalLine, Link)> {
    let (epoch, rest) = text.split_once(' ')?;
    let (link, text) = rest.split_once(' ')?;
    let line = JournalLine {
        epoch: epoch.parse().ok()?,
        text: text.to_owned(),
    };
    let expected = next_link(before, &line);
    (unhex(link) == Some(expected)).then_some((line, expected))
}

fn first_link(id: JournalId) -> Link {
    shortened(Sha256::new_with_prefix(b"claviger journal v1\0").chain_update(id.0))
}

fn next_link(before: &Link, line: &JournalLine) -> Link {
    let hash = Sha256::new_with_prefix(before)
        .chain_update(line.epoch.to_be_bytes())
        .chain_update(line.text.as_bytes());
    shortened(hash)
}

fn shortened(hash: Sha256) -> Link {
    let whole: [u8; 32] = hash.finalize().into();
    let mut link = [0; 16];
    link.copy_from_slice(&whole[..16]);
    link
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: JournalId = JournalId([7; 16]);

    fn line(epoch: u64, text: &str) -> JournalLine {
        JournalLine {
            epoch,
            text: text.to_owned(),
        }
    }

    fn read(path: &Path) -> Result<(u64, Vec<JournalLine>), JournalError> {
        let mut lines = Vec::new();
        let journal = Journal::open(path, |line| lines.push(line))?.unwrap();
        assert_eq!(journal.id(), ID);
        Ok((journal.last(), lines))
    }

    fn is_damaged(path: &Path) -> bool {
        match Journal::open(path, |_| {}) {
            Ok(journal) => journal.unwrap().is_damaged(),
            Err(JournalError::Damaged { .. }) => true,
            Err(error) => panic!("{error}"),
        }
    }

    /// A journal of three lines in two batches, and its bytes.
    fn journal(directory: &Path) -> (PathBuf, Vec<u8>) {
        let path = directory.join("revocations.journal");
        let mut journal = Journal::create(&path, ID).unwrap();
        journal.append(&[line(3, "{\"ended\":[1]}")]).unwrap();
        journal.append(&[line(5, "two words"), line(9, "{}")]).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        (path, bytes)
    }

    #[test]
    fn what_was_appended_is_read_back_and_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let (path, _) = journal(directory.path());
        let lines = vec![line(3, "{\"ended\":[1]}"), line(5, "two words"), line(9, "{}")];
        assert_eq!(read(&path).unwrap(), (9, lines.clone()));

        let mut again = Journal::open(&path, |_| {}).unwrap().unwrap();
        again.append(&[line(10, "more")]).unwrap();

        let expected = lines.into_iter().chain([line(10, "more")]).collect();
        assert_eq!(read(&path).unwrap(), (10, expected));
        assert!(Journal::create(&path, ID).is_err(), "none is overwritten");
        assert!(
            Journal::open(&directory.path().join("none"), |_| {})
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn an_unfinished_last_line_is_cut_off() {
        let directory = tempfile::tempdir().unwrap();
        let (path, bytes) = journal(directory.path());
        let last = bytes.len() - "9 0123456789abcdef0123456789abcdef {}\n".len();

        for cut in last + 1..bytes.len() {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            assert_eq!(read(&path).unwrap().0, 5, "cut to {cut} bytes");
            assert_eq!(std::fs::metadata(&path).unwrap().len(), last as u64);
        }
    }

    #[test]
    fn every_changed_byte_and_every_missing_line_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let (path, bytes) = journal(directory.path());

        for place in 0..bytes.len() - 1 {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            assert!(is_damaged(&path), "byte {place}");
        }
        let second = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let third = second + bytes[second..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
        std::fs::write(&path, [&bytes[..second], &bytes[third..]].concat()).unwrap();
        assert!(is_damaged(&path));
    }
}
