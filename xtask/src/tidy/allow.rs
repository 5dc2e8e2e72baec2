//! The list of exceptions, `xtask/tidy-allow.toml`, and the ratchet on it.
//!
//! Invariant: an entry has a reason, is needed, and states the true number; so the list can only shrink.
//! Called by `tidy::rust`.

use std::{cell::Cell, fs};

use anyhow::{Context as _, Result};
use toml::Value;

use crate::workspace;

const PATH: &str = "xtask/tidy-allow.toml";

/// All exceptions.
pub(super) struct Allowed(Vec<Entry>);

/// One exception: a file, or a function of it.
struct Entry {
    path: String,
    function: Option<String>,
    lines: usize,
    used: Cell<bool>,
}

impl Allowed {
    /// Reads the list.
    ///
    /// # Errors
    /// When the file is missing or an entry lacks its path, lines or reason.
    pub(super) fn read() -> Result<Self> {
        let text = fs::read_to_string(workspace::root().join(PATH))
            .with_context(|| format!("cannot read {PATH}"))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self> {
        let table: toml::Table = toml::from_str(text).with_context(|| format!("{PATH} is no TOML"))?;
        let mut entries = Vec::new();
        for kind in ["file", "function"] {
            for value in table
                .get(kind)
                .and_then(Value::as_array)
                .map(Vec::as_slice)
                .unwrap_or_default()
            {
                let entry = Entry::of(value, kind == "function");
                entries.push(
                    entry.with_context(|| format!("{PATH}: an entry of `{kind}` is incomplete: {value}"))?,
                );
            }
        }
        Ok(Self(entries))
    }

    /// What is wrong with a file or function that is longer than the limit: nothing, if its exact length is allowed.
    pub(super) fn excuse(&self, path: &str, function: Option<&str>, lines: usize) -> Option<String> {
        let entry = self
            .0
            .iter()
            .find(|entry| entry.path == path && entry.function.as_deref() == function)?;
        entry.used.set(true);
        Some(match lines.cmp(&entry.lines) {
            std::cmp::Ordering::Equal => String::new(),
            std::cmp::Ordering::Less => format!("{path}: {lines} lines now; lower its entry in {PATH}"),
            std::cmp::Ordering::Greater => {
                format!("{path}: {lines} lines, and {PATH} allows {}", entry.lines)
            }
        })
    }

    /// Entries that excused nothing.
    pub(super) fn unused(&self) -> impl Iterator<Item = String> {
        let unused = self.0.iter().filter(|entry| !entry.used.get());
        unused.map(|entry| {
            format!(
                "{PATH}: {} {} is short enough now; remove its entry",
                entry.path,
                entry.name()
            )
        })
    }
}

impl Entry {
    fn of(value: &Value, is_function: bool) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        text("reason").filter(|reason| !reason.is_empty())?;
        let lines = usize::try_from(value.get("lines")?.as_integer()?).ok()?;
        let function = if is_function { Some(text("name")?) } else { None };
        Some(Self {
            path: text("path")?,
            function,
            lines,
            used: Cell::new(false),
        })
    }

    fn name(&self) -> &str {
        self.function.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "[[file]]\npath = \"a.rs\"\nlines = 600\nreason = \"one table\"\n";

    #[test]
    fn only_the_exact_length_is_excused() {
        let allowed = Allowed::parse(LIST).unwrap();

        assert_eq!(allowed.excuse("a.rs", None, 600), Some(String::new()));
        assert!(allowed.excuse("a.rs", None, 599).unwrap().contains("lower"));
        assert!(allowed.excuse("a.rs", None, 601).unwrap().contains("allows 600"));
        assert_eq!(allowed.excuse("b.rs", None, 600), None);
    }

    #[test]
    fn an_entry_that_excuses_nothing_is_a_problem() {
        let allowed = Allowed::parse(LIST).unwrap();

        assert_eq!(allowed.unused().count(), 1);
        allowed.excuse("a.rs", None, 600);
        assert_eq!(allowed.unused().count(), 0);
    }

    #[test]
    fn an_entry_needs_a_reason() {
        assert!(Allowed::parse("[[file]]\npath = \"a.rs\"\nlines = 600\n").is_err());
        assert!(Allowed::parse("[[function]]\npath = \"a.rs\"\nlines = 80\nreason = \"x\"\n").is_err());
    }
}
