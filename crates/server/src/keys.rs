//! Key material outside the database: the key file, or keys that the configuration gives.
//!
//! Invariant: new keys are made only for a database that holds no token. A key file that is missing, readable by others, weak or
//! foreign to the database stops the start; nothing is repaired in silence. The file is replaced as a whole (temporary file, fsync,
//! rename, fsync of the directory), so that a crash finds the old keys or the new ones. Opened once, by `wiring`.

mod file;

use std::{path::PathBuf, sync::Arc};

use claviger_service::keys::{Key, KeyRing, KeyStore, KeyStoreError, PepperKeys};
use claviger_token::{PepperId, RandomSource, RandomUnavailable};

use crate::config::GivenKeys;
use file::{Kept, KeyFile};

/// All keys, and where changes of them are kept.
pub(crate) struct Keys {
    /// The keys in memory.
    pub(crate) ring: KeyRing,
    /// Keeps them across restarts.
    pub(crate) store: Arc<dyn KeyStore>,
}

/// Why there are no usable keys. No start without them.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The key file is gone, and the database needs it.
    #[error(
        "there is no key file {}, and the database holds tokens made under pepper {}: put the key file back; \
         a new one would make every token unknown",
        .path.display(), .pepper_ids
    )]
    Missing {
        /// Where it should be.
        path: PathBuf,
        /// The peppers in use.
        pepper_ids: PepperIds,
    },
    /// The keys are those of another database.
    #[error(
        "the database holds tokens made under pepper {in_use}, and the keys at hand ({from}) are {live}: \
         not one token could be verified; put the right keys back"
    )]
    Foreign {
        /// The peppers in use.
        in_use: PepperIds,
        /// The peppers at hand.
        live: PepperIds,
        /// Where these come from.
        from: String,
    },
    /// The file or its directory is open to others.
    #[error("{} has mode {mode:03o} and must not be open to others; run `chmod {should} {0}`", .path.display())]
    Exposed {
        /// The file or directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// The mode it should have.
        should: &'static str,
    },
    /// The file is not what it should be.
    #[error("{}, line {line}: {reason}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1; the last one when something is missing.
        line: usize,
        /// What is wrong. Never a key.
        reason: &'static str,
    },
    /// The file could not be read or written.
    #[error("{}: {error}", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// No random bytes for new keys.
    #[error("no keys were made: {0}")]
    Random(#[from] RandomUnavailable),
}

/// Pepper ids for a sentence: `9f86d081, 1ebb326e`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PepperIds(pub Vec<PepperId>);

/// Finds the keys: those the configuration gives, else those of the key file in `directory`; at the first start new ones.
///
/// `in_use` are the peppers under which the database holds tokens; empty for a new database.
///
/// # Errors
/// [`KeysError`]; then nothing was written.
pub(crate) fn open(
    given: &GivenKeys,
    directory: PathBuf,
    in_use: &[PepperId],
    random: &dyn RandomSource,
) -> Result<Keys, KeysError> {
    let file = KeyFile::in_directory(directory);
    let kept = match file.read()? {
        Some(kept) => kept,
        None if given.pepper.is_some() && given.audit.is_some() => Kept::default(),
        None if !in_use.is_empty() => {
            return Err(KeysError::Missing {
                path: file.path(),
                pepper_ids: PepperIds(in_use.to_vec()),
            });
        }
        None => fresh(given, &file, random)?,
    };
    let from_file = given.pepper.is_none();
    let (current, previous) = if from_file {
        (kept.current, kept.previous)
    } else {
        (given.pepper.clone(), given.previous_pepper.clone())
    };
    let current = current.ok_or_else(|| file.lacks("no line `current` with a key"))?;
    let audit = given.audit.clone().or(kept.audit);
    let audit = audit.ok_or_else(|| file.lacks("no line `audit` with a key"))?;
    let peppers = PepperKeys { current, previous };
    refuse_foreign(&peppers, in_use, &file, from_file)?;
    let store: Arc<dyn KeyStore> = if from_file {
        Arc::new(FileKeys {
            file,
            audit: audit.clone(),
        })
    } else {
        Arc::new(ConfigKeys { file })
    };
    Ok(Keys {
        ring: KeyRing::new(peppers, audit),
        store,
    })
}

/// Makes and keeps the keys that the configuration does not give.
fn fresh(given: &GivenKeys, file: &KeyFile, random: &dyn RandomSource) -> Result<Kept, KeysError> {
    let kept = Kept {
        current: match given.pepper {
            Some(_) => None,
            None => Some(draw(random)?),
        },
        previous: None,
        audit: match given.audit {
            Some(_) => None,
            None => Some(draw(random)?),
        },
    };
    file.write(&kept).map_err(|error| file.io(error))?;
    Ok(kept)
}

fn draw(random: &dyn RandomSource) -> Result<Key, RandomUnavailable> {
    let mut bytes = zeroize::Zeroizing::new([0; 32]);
    random.fill(&mut *bytes)?;
    Ok(Key::new(*bytes))
}

fn refuse_foreign(
    peppers: &PepperKeys,
    in_use: &[PepperId],
    file: &KeyFile,
    from_file: bool,
) -> Result<(), KeysError> {
    let live: Vec<_> = std::iter::once(&peppers.current)
        .chain(&peppers.previous)
        .map(Key::pepper_id)
        .collect();
    if in_use.is_empty() || in_use.iter().any(|id| live.contains(id)) {
        return Ok(());
    }
    Err(KeysError::Foreign {
        in_use: PepperIds(in_use.to_vec()),
        live: PepperIds(live),
        from: if from_file {
            file.path().display().to_string()
        } else {
            "the configuration's".to_owned()
        },
    })
}

/// The key file as the place where peppers are kept.
struct FileKeys {
    file: KeyFile,
    audit: Key,
}

/// Peppers that the configuration gives: only the anchor is kept.
struct ConfigKeys {
    file: KeyFile,
}

impl KeyStore for FileKeys {
    fn save_peppers(&self, peppers: &PepperKeys) -> Result<(), KeyStoreError> {
        let kept = Kept {
            current: Some(peppers.current.clone()),
            previous: peppers.previous.clone(),
            audit: Some(self.audit.clone()),
        };
        Ok(self.file.write(&kept)?)
    }

    fn save_anchor(&self, anchor: &str) -> Result<(), KeyStoreError> {
        Ok(self.file.write_anchor(anchor)?)
    }

    fn load_anchor(&self) -> Result<Option<String>, KeyStoreError> {
        Ok(self.file.read_anchor()?)
    }
}

impl KeyStore for ConfigKeys {
    fn save_peppers(&self, _: &PepperKeys) -> Result<(), KeyStoreError> {
        Err(KeyStoreError::ReadOnly)
    }

    fn save_anchor(&self, anchor: &str) -> Result<(), KeyStoreError> {
        Ok(self.file.write_anchor(anchor)?)
    }

    fn load_anchor(&self) -> Result<Option<String>, KeyStoreError> {
        Ok(self.file.read_anchor()?)
    }
}

impl std::fmt::Display for PepperIds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, id) in self.0.iter().enumerate() {
            write!(f, "{}{id}", if place == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
