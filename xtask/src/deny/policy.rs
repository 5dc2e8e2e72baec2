//! `deny.toml` as far as this runner reads it: the parts that licences, sources, bans and duplicates need.
//!
//! Invariant: the same file, in the same meaning, as cargo-deny's. Called by `deny`.

use std::fs;

use anyhow::{Context as _, Result};
use toml::{Table, Value};

use crate::workspace;

/// What is allowed.
pub(super) struct Policy {
    /// Target triples that count.
    pub(super) targets: Vec<String>,
    licences: Vec<String>,
    /// A crate and a licence that only it may have.
    exceptions: Vec<(String, String)>,
    /// A crate and why it may not be in the tree.
    bans: Vec<(String, String)>,
    skips: Vec<(String, Version)>,
    registries: Vec<String>,
}

/// The beginning of version numbers: `1` means every 1.x, `0.22` every 0.22.x.
pub(super) struct Version(String);

impl Policy {
    /// Reads `deny.toml`.
    ///
    /// # Errors
    /// When it is missing, no TOML, or an exception of it has no reason.
    pub(super) fn read() -> Result<Self> {
        let text =
            fs::read_to_string(workspace::root().join("deny.toml")).context("cannot read deny.toml")?;
        Self::parse(&text)
    }

    pub(super) fn parse(text: &str) -> Result<Self> {
        let file: Table = toml::from_str(text).context("deny.toml is no TOML")?;
        let list = |section: &str, key: &str| -> Vec<Value> {
            let found = file
                .get(section)
                .and_then(|section| section.get(key))
                .and_then(Value::as_array);
            found.cloned().unwrap_or_default()
        };
        let mut exceptions = Vec::new();
        for entry in list("licenses", "exceptions") {
            for licence in strings(
                entry
                    .get("allow")
                    .and_then(Value::as_array)
                    .map(Vec::as_slice)
                    .unwrap_or_default(),
            ) {
                exceptions.push((text_of(&entry, "crate")?, licence));
            }
        }
        let bans = list("bans", "deny")
            .into_iter()
            .map(|ban| Ok((text_of(&ban, "crate")?, text_of(&ban, "reason")?)));
        let skips = list("bans", "skip").into_iter().map(|skip| {
            text_of(&skip, "reason")?;
            let named = text_of(&skip, "crate")?;
            let (name, version) = named
                .split_once('@')
                .context("deny.toml: a skip names `crate@version`")?;
            Ok((name.to_owned(), Version(version.to_owned())))
        });
        Ok(Self {
            targets: strings(&list("graph", "targets")),
            licences: strings(&list("licenses", "allow")),
            exceptions,
            bans: bans.collect::<Result<_>>()?,
            skips: skips.collect::<Result<_>>()?,
            registries: strings(&list("sources", "allow-registry")),
        })
    }

    pub(super) fn allows_licence(&self, name: &str, licence: &str) -> bool {
        let own = self
            .exceptions
            .iter()
            .any(|(package, allowed)| package == name && allowed == licence);
        own || self.licences.iter().any(|allowed| allowed == licence)
    }

    pub(super) fn allows_source(&self, source: &str) -> bool {
        source
            .strip_prefix("registry+")
            .is_some_and(|url| self.registries.iter().any(|allowed| allowed == url))
    }

    /// Why this crate is banned.
    pub(super) fn ban(&self, name: &str) -> Option<&str> {
        self.bans
            .iter()
            .find(|(banned, _)| banned == name)
            .map(|(_, reason)| reason.as_str())
    }

    /// Whether this version may stand beside another of the same crate.
    pub(super) fn skips(&self, name: &str, version: &str) -> bool {
        self.skips
            .iter()
            .any(|(skipped, requirement)| skipped == name && requirement.matches(version))
    }

    /// Skips of what is in the tree no more than once.
    pub(super) fn idle_skips(&self, duplicated: impl Fn(&str, &Version) -> bool) -> Vec<String> {
        let idle = self
            .skips
            .iter()
            .filter(|(name, version)| !duplicated(name, version));
        idle.map(|(name, version)| format!("deny.toml: `{name}@{}` is no duplicate any more", version.0))
            .collect()
    }
}

impl Version {
    /// Whether this is the beginning of a version number, in whole parts.
    pub(super) fn matches(&self, version: &str) -> bool {
        let rest = version.strip_prefix(self.0.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '+']))
    }
}

fn text_of(entry: &Value, key: &str) -> Result<String> {
    let text = entry
        .get(key)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty());
    text.map(str::to_owned)
        .with_context(|| format!("deny.toml: an entry lacks its `{key}`: {entry}"))
}

fn strings(values: &[Value]) -> Vec<String> {
    values
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_match_in_whole_parts() {
        let version = |text: &str| Version(text.to_owned());

        assert!(
            version("1").matches("1.2.3")
                && version("0.22").matches("0.22.1")
                && version("1.2.3").matches("1.2.3")
        );
        assert!(!version("1").matches("10.0.0") && !version("0.2").matches("0.22.1"));
    }

    #[test]
    fn an_exception_without_a_reason_is_refused() {
        assert!(Policy::parse("[bans]\nskip = [{ crate = \"a@1\" }]\n").is_err());
        assert!(Policy::parse("[bans]\ndeny = [{ crate = \"a\" }]\n").is_err());
    }
}
