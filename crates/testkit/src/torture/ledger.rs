//! The ledger: one line before an operation is sent, one after its answer, on a disk that nobody breaks.
//!
//! Invariants: each line is written with one `write(2)` on a file opened for appending, before the next operation of that client; the
//! driver itself is never killed. Times are `CLOCK_MONOTONIC`. What is checked later is read back from the file.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{api::Reply, monotonic_ns};

/// An operation that changes something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Operation {
    Issue {
        name: String,
        key: String,
    },
    Regenerate {
        token: String,
        key: String,
    },
    Revoke {
        token: String,
    },
    Update {
        token: String,
        description: String,
    },
    Deploy {
        service: String,
        version: String,
        key: String,
    },
    /// The operation of that number once more, with its key: nothing may change.
    Again {
        of: u64,
    },
}

/// An operation and what is known of it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) number: u64,
    pub(super) operation: Operation,
    pub(super) sent: u64,
    /// `None`: no answer came.
    pub(super) answer: Option<Ended>,
}

/// The line after an answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Ended {
    number: u64,
    pub(super) done: u64,
    pub(super) status: u16,
    /// The id of what was made or changed.
    pub(super) id: Option<String>,
    pub(super) secret: Option<String>,
    pub(super) problem: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Begun {
    number: u64,
    sent: u64,
    #[serde(flatten)]
    operation: Operation,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Line {
    Begun(Begun),
    Ended(Ended),
}

/// The open ledger.
pub(super) struct Ledger {
    path: PathBuf,
    file: Mutex<File>,
    numbers: AtomicU64,
    read_to: Mutex<u64>,
}

// === impl Ledger ===

impl Ledger {
    pub(super) fn create(path: &Path) -> Result<Self> {
        let file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .mode(0o600)
            .open(path);
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(file.context("the ledger cannot be made")?),
            numbers: AtomicU64::new(1),
            read_to: Mutex::new(0),
        })
    }

    /// Writes the line before; gives the operation's number.
    pub(super) fn begin(&self, operation: &Operation) -> Result<u64> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let operation = operation.clone();
        let sent = monotonic_ns();
        self.append(&Begun {
            number,
            sent,
            operation,
        })?;
        Ok(number)
    }

    /// Writes the line after, if there was an answer.
    pub(super) fn end(&self, number: u64, reply: &Reply) -> Result<()> {
        let Reply::Answered { status, body } = reply else {
            return Ok(());
        };
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        self.append(&Ended {
            number,
            done: monotonic_ns(),
            status: *status,
            id: text("/token/id").or_else(|| text("/id")),
            secret: text("/secret"),
            problem: text("/code"),
        })
    }

    /// The operations that were begun since the last call, in the order in which they were. An answer that came after `broken` counts as
    /// none: a machine that breaks then does not give it.
    pub(super) fn read_new(&self, broken: u64) -> Result<Vec<Entry>> {
        let mut read_to = self.read_to.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(*read_to))?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        *read_to += u64::try_from(text.len())?;
        let mut entries = BTreeMap::new();
        for line in text.lines() {
            match serde_json::from_str(line).with_context(|| format!("no ledger line: {line}"))? {
                Line::Begun(Begun {
                    number,
                    sent,
                    operation,
                }) => {
                    let answer = None;
                    entries.insert(
                        number,
                        Entry {
                            number,
                            operation,
                            sent,
                            answer,
                        },
                    );
                }
                Line::Ended(ended) => {
                    let entry = entries
                        .get_mut(&ended.number)
                        .context("an end without a beginning")?;
                    entry.answer = (ended.done < broken).then_some(ended);
                }
            }
        }
        Ok(entries.into_values().collect())
    }

    fn append(&self, line: &impl Serialize) -> Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(file.write_all(&bytes)?)
    }
}

// === impl Entry ===

impl Entry {
    /// The answer, when the server said that it did it.
    pub(super) fn acknowledged(&self) -> Option<&Ended> {
        self.answer
            .as_ref()
            .filter(|answer| (200..300).contains(&answer.status))
    }

    /// The answer, when the server said that it did not and will not: 4xx.
    pub(super) fn refused(&self) -> Option<&Ended> {
        self.answer
            .as_ref()
            .filter(|answer| (400..500).contains(&answer.status))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_sent_and_answered_is_read_back_once() {
        let directory = tempfile::tempdir().unwrap();
        let ledger = Ledger::create(&directory.path().join("ledger")).unwrap();
        let revoke = Operation::Revoke {
            token: "tok_1".into(),
        };
        let issue = Operation::Issue {
            name: "n".into(),
            key: "k".into(),
        };

        let first = ledger.begin(&revoke).unwrap();
        let second = ledger.begin(&issue).unwrap();
        let body = json!({ "secret": "s", "token": { "id": "tok_2" } });
        ledger
            .end(second, &Reply::Answered { status: 201, body })
            .unwrap();
        ledger.end(first, &Reply::Lost("gone".into())).unwrap();

        let entries = ledger.read_new(u64::MAX).unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!((&entries[0].operation, &entries[1].operation), (&revoke, &issue));
        assert!(entries[0].answer.is_none());
        let answer = entries[1].acknowledged().unwrap();
        assert_eq!(
            (answer.id.as_deref(), answer.secret.as_deref()),
            (Some("tok_2"), Some("s"))
        );
        assert!(answer.done >= entries[1].sent);
        assert!(ledger.read_new(u64::MAX).unwrap().is_empty());
    }
    #[test]
    fn an_answer_after_the_break_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let ledger = Ledger::create(&directory.path().join("ledger")).unwrap();
        let revoke = Operation::Revoke {
            token: "tok_1".into(),
        };
        let number = ledger.begin(&revoke).unwrap();
        let broken = monotonic_ns();

        let body = json!({ "token": { "id": "tok_1" } });
        ledger
            .end(number, &Reply::Answered { status: 200, body })
            .unwrap();

        assert!(ledger.read_new(broken).unwrap()[0].answer.is_none());
    }
}
