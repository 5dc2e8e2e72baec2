//! What `claviger config check` shows: every setting, its value and its source, and remarks on the combination.
//!
//! Invariant: the value of a secret is never in it; of a database URL everything but the password is.

use std::fmt;

use super::{Config, Database, Field, sources::Given};

/// Everything there is to know about a configuration without starting it. `Display` is for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Every setting, in the order of the reference.
    pub settings: Vec<Setting>,
    /// What an operator should know: nothing here stops the start.
    pub remarks: Vec<String>,
}

/// One setting as it is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The key.
    pub key: &'static str,
    /// Its value, or that it is set when it is a secret; `None` = not set.
    pub value: Option<String>,
    /// Where it came from: `default`, `file …`, `environment …` or `flag …`.
    pub source: String,
}

// === impl Setting ===

impl Setting {
    pub(super) fn new(field: &Field, given: Option<&Given>) -> Self {
        let shown = |given: &Given| match field.key {
            "database" => without_password(&given.text),
            _ if field.secret => "(set, not shown)".to_owned(),
            _ => given.text.clone(),
        };
        Self {
            key: field.key,
            value: given.map(shown),
            source: given.map_or_else(|| "default".to_owned(), |given| given.origin.to_string()),
        }
    }
}

/// Everything of a database URL but its password, whether that stands before the host or among the parameters.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (rest, None),
    };
    let rest = match rest.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((user, _)) => format!("{user}:…@{host}"),
            None => format!("{user}@{host}"),
        },
        None => rest.to_owned(),
    };
    let Some(query) = query else {
        return format!("{scheme}://{rest}");
    };
    let hide = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if name.to_ascii_lowercase().contains("pass") => format!("{name}=…"),
        _ => pair.to_owned(),
    };
    let query: Vec<_> = query.split('&').map(hide).collect();
    format!("{scheme}://{rest}?{}", query.join("&"))
}

pub(super) fn check(config: &Config) -> Report {
    let mut remarks = Vec::new();
    if !config.listen.ip().is_loopback() {
        remarks.push(format!(
            "`listen` reaches beyond this machine ({}): let a proxy end TLS before it, tokens travel in plain HTTP otherwise",
            config.listen
        ));
    }
    if config.keys.pepper.is_none() && config.keys_dir.starts_with(&config.data_dir) {
        remarks.push(format!(
            "the key file lives under `data_dir` ({}): leave it out of copies of the database, and keep a copy of it elsewhere",
            config.keys_dir.display()
        ));
    }
    if config.unsafe_synchronous_off {
        remarks.push(
            "`unsafe_synchronous_off` is set: acknowledged writes are lost when the machine stops".to_owned(),
        );
    }
    if config.unsafe_synchronous_off && matches!(config.database, Database::Postgres(_)) {
        remarks.push("`unsafe_synchronous_off` means nothing to PostgreSQL".to_owned());
    }
    Report {
        settings: config.settings.clone(),
        remarks,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .settings
            .iter()
            .map(|setting| setting.key.len())
            .max()
            .unwrap_or(0);
        for Setting { key, value, source } in &self.settings {
            let value = value.as_deref().unwrap_or("(not set)");
            writeln!(f, "{key:width$}  {value}  ({source})")?;
        }
        for remark in &self.remarks {
            writeln!(f, "note: {remark}")?;
        }
        Ok(())
    }
}
