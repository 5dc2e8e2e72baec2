//! The key directory: `peppers` (one key a line) and `audit-anchor`, each with mode 0600 and replaced as a whole.
//!
//! Invariant: what is read was private to its owner, and what is written is on disk before the call returns. No error shows a key.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use claviger_service::keys::Key;
use zeroize::Zeroizing;

use super::KeysError;
use crate::hex;

const PEPPERS: &str = "peppers";
const ANCHOR: &str = "audit-anchor";
const HEAD: &str = "\
# Claviger's keys. Whoever holds them and the database can make tokens; without them no token can be verified.
# Keep a copy, apart from copies of the database.
";

/// The files in the key directory. One writer at a time.
pub(super) struct KeyFile {
    directory: PathBuf,
    writing: Mutex<()>,
}

/// What the key file holds.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) current: Option<Key>,
    pub(super) previous: Option<Key>,
    pub(super) audit: Option<Key>,
}

// === impl KeyFile ===

impl KeyFile {
    pub(super) fn in_directory(directory: PathBuf) -> Self {
        Self {
            directory,
            writing: Mutex::new(()),
        }
    }

    /// The key file's path.
    pub(super) fn path(&self) -> PathBuf {
        self.directory.join(PEPPERS)
    }

    /// The keys; `None` when there is no file.
    pub(super) fn read(&self) -> Result<Option<Kept>, KeysError> {
        let path = self.path();
        let text = match fs::metadata(&path) {
            Ok(metadata) => {
                refuse_exposed(&self.directory, mode_of(&self.directory)?, 0o022, "700")?;
                refuse_exposed(&path, metadata.mode() & 0o777, 0o077, "600")?;
                fs::read_to_string(&path)
            }
            Err(error) => Err(error),
        };
        match text {
            Ok(text) => parse(&path, &Zeroizing::new(text)).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.io(error)),
        }
    }

    /// Replaces the keys, durably.
    pub(super) fn write(&self, kept: &Kept) -> io::Result<()> {
        let mut text = Zeroizing::new(String::with_capacity(HEAD.len() + 256));
        text.push_str(HEAD);
        for (name, key) in [
            ("current", &kept.current),
            ("previous", &kept.previous),
            ("audit", &kept.audit),
        ] {
            if let Some(key) = key {
                text.push_str(name);
                text.push(' ');
                text.push_str(&hex::text(key));
                text.push('\n');
            }
        }
        self.replace(PEPPERS, text.as_bytes())
    }

    pub(super) fn write_anchor(&self, anchor: &str) -> io::Result<()> {
        self.replace(ANCHOR, anchor.as_bytes())
    }

    pub(super) fn read_anchor(&self) -> io::Result<Option<String>> {
        match fs::read_to_string(self.directory.join(ANCHOR)) {
            Ok(anchor) => Ok(Some(anchor)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The error of a file that lacks something.
    pub(super) fn lacks(&self, reason: &'static str) -> KeysError {
        let text = fs::read_to_string(self.path()).map(Zeroizing::new);
        KeysError::Malformed {
            path: self.path(),
            line: text.map_or(0, |text| text.lines().count()),
            reason,
        }
    }

    pub(super) fn io(&self, error: io::Error) -> KeysError {
        KeysError::Io {
            path: self.path(),
            error,
        }
    }

    fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let _one_writer = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)?;
        let temporary = self.directory.join(format!("{name}.new"));
        // Left over from a crash; a file that others could have made is never written into.
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&temporary, self.directory.join(name))?;
        File::open(&self.directory)?.sync_all()
    }
}

fn mode_of(path: &Path) -> Result<u32, KeysError> {
    let metadata = fs::metadata(path).map_err(|error| KeysError::Io {
        path: path.to_owned(),
        error,
    })?;
    Ok(metadata.mode() & 0o777)
}

fn refuse_exposed(path: &Path, mode: u32, forbidden: u32, should: &'static str) -> Result<(), KeysError> {
    if mode & forbidden == 0 {
        return Ok(());
    }
    Err(KeysError::Exposed {
        path: path.to_owned(),
        mode,
        should,
    })
}

fn parse(path: &Path, text: &str) -> Result<Kept, KeysError> {
    let mut kept = Kept::default();
    for (place, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        put(&mut kept, line).map_err(|reason| KeysError::Malformed {
            path: path.to_owned(),
            line: place + 1,
            reason,
        })?;
    }
    Ok(kept)
}

/// Puts the key of one line in its place.
fn put(kept: &mut Kept, line: &str) -> Result<(), &'static str> {
    let (name, digits) = line
        .split_once(' ')
        .ok_or("a line is a name, a space and a key of 64 hex digits")?;
    let key = hex::key(digits.trim()).ok_or("the key is not 64 hex digits, 256 bits")?;
    if hex::is_weak(&key) {
        return Err("the key is no random key");
    }
    let others = [&kept.current, &kept.previous, &kept.audit];
    if others
        .into_iter()
        .flatten()
        .any(|other| other.expose() == key.expose())
    {
        return Err("the same key stands in two places");
    }
    let place = match name {
        "current" => &mut kept.current,
        "previous" => &mut kept.previous,
        "audit" => &mut kept.audit,
        _ => return Err("the name is none of `current`, `previous` and `audit`"),
    };
    if place.replace(key).is_some() {
        return Err("the name stands there twice");
    }
    Ok(())
}
