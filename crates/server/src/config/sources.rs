//! The four places that settings come from, and which of them wins.
//!
//! Invariant: the environment is read in one place, [`Environment::read`], once. What leaves this file is, for every key of
//! [`super::FIELDS`] that is set, its text and where that came from.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use config::{File, FileFormat, Map, Source, Value, ValueKind};

use super::{ConfigError, FIELDS, Field};

const DEFAULT_FILE: &str = "claviger.toml";
const PREFIX: &str = "CLAVIGER_";
/// Variables with our prefix that are no settings.
const NOT_SETTINGS: [&str; 4] = [
    "CLAVIGER_CONFIG",
    "CLAVIGER_TOKEN",
    "CLAVIGER_URL",
    "CLAVIGER_BIN",
];
const NOT_SETTINGS_PREFIX: &str = "CLAVIGER_TEST_";

/// What the command line says: it beats file and environment.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--config`: the file to read. It must exist.
    pub config: Option<PathBuf>,
    /// Key, flag and value of each setting; [`Overrides::set`] adds one.
    pub settings: Vec<(&'static str, &'static str, String)>,
}

/// The environment's variables that concern Claviger.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

/// The settings that are in force, by key.
pub(super) type Values = BTreeMap<&'static str, Given>;

/// A setting's text and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) text: String,
    pub(super) origin: Origin,
}

/// Where a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    Default,
    File(String),
    Variable(String),
    Flag(String),
}

// === impl Overrides ===

impl Overrides {
    /// No overrides.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the setting `key` (of [`FIELDS`]) to `value`, if there is one. `flag` is named when the value is refused.
    #[must_use]
    pub fn set(mut self, key: &'static str, flag: &'static str, value: Option<String>) -> Self {
        self.settings.extend(value.map(|value| (key, flag, value)));
        self
    }
}

// === impl Environment ===

impl Environment {
    /// The environment of this process.
    ///
    /// # Errors
    /// When a variable of ours is not Unicode.
    pub fn read() -> Result<Self, ConfigError> {
        Self::from_variables(std::env::vars_os())
    }

    /// An environment of these variables; those without our prefix are left out.
    ///
    /// # Errors
    /// When a variable of ours is not Unicode.
    pub fn from_variables(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let mut ours = BTreeMap::new();
        for (name, value) in variables {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
                continue;
            };
            let value = value
                .into_string()
                .map_err(|_| ConfigError::one(format!("`{name}` in the environment is not Unicode")))?;
            ours.insert(name.to_owned(), value);
        }
        Ok(Self { variables: ours })
    }

    fn config_file(&self) -> Option<&str> {
        self.variables
            .get("CLAVIGER_CONFIG")
            .map(String::as_str)
            .filter(|path| !path.is_empty())
    }

    fn settings(&self) -> config::Environment {
        let settings = self.variables.iter().filter(|(name, _)| {
            !NOT_SETTINGS.contains(&name.as_str()) && !name.starts_with(NOT_SETTINGS_PREFIX)
        });
        config::Environment::with_prefix("CLAVIGER")
            .prefix_separator("_")
            .separator("__")
            .ignore_empty(true)
            .source(Some(
                settings
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect(),
            ))
    }
}

impl fmt::Debug for Environment {
    /// Values may be secrets: only names are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

// === impl Origin ===

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {path}"),
            Self::Variable(name) => write!(f, "environment {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// All settings that are in force, the strongest source of each.
///
/// # Errors
/// Every unknown key, a file that cannot be read, a value that is a list or a table.
pub(super) fn layered(overrides: &Overrides, environment: &Environment) -> Result<Values, ConfigError> {
    let mut values: Values = FIELDS
        .iter()
        .filter_map(|field| Some((field.key, Given::new(field.default?, Origin::Default))))
        .collect();
    let mut faults = Vec::new();
    if let Some(path) = file_to_read(overrides, environment) {
        let origin = Origin::File(path.display().to_string());
        overlay(&mut values, &mut faults, collect_file(&path)?, |_| origin.clone());
    }
    let variables = environment
        .settings()
        .collect()
        .map_err(|error| one_fault(&error))?;
    overlay(&mut values, &mut faults, variables, |key| {
        Origin::Variable(format!("{PREFIX}{}", key.replace('.', "__").to_uppercase()))
    });
    for (key, flag, value) in &overrides.settings {
        values.insert(key, Given::new(value, Origin::Flag((*flag).to_owned())));
    }
    if faults.is_empty() {
        Ok(values)
    } else {
        Err(ConfigError { faults })
    }
}

impl Given {
    fn new(text: &str, origin: Origin) -> Self {
        Self {
            text: text.to_owned(),
            origin,
        }
    }
}

fn file_to_read(overrides: &Overrides, environment: &Environment) -> Option<PathBuf> {
    let named = overrides.config.clone();
    let named = named.or_else(|| environment.config_file().map(PathBuf::from));
    named.or_else(|| {
        Path::new(DEFAULT_FILE)
            .exists()
            .then(|| PathBuf::from(DEFAULT_FILE))
    })
}

fn collect_file(path: &Path) -> Result<Map<String, Value>, ConfigError> {
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::one(format!("{name} cannot be read: {error}")))?;
    File::from_str(&text, FileFormat::Toml)
        .collect()
        .map_err(|error| {
            // The parser quotes the offending line, which may hold a key: keep its place and its reason.
            let shown = error.to_string();
            let lines: Vec<_> = shown.lines().collect();
            let (first, last) = (lines.first().unwrap_or(&""), lines.last().unwrap_or(&""));
            ConfigError::one(format!("{name} is no TOML: {first}: {last}"))
        })
}

/// Lays what one source says over `values`.
fn overlay(
    values: &mut Values,
    faults: &mut Vec<String>,
    source: Map<String, Value>,
    origin: impl Fn(&str) -> Origin,
) {
    let mut leaves = Vec::new();
    flatten("", source, &mut leaves);
    leaves.sort_by(|(left, _), (right, _)| left.cmp(right));
    for (key, text) in leaves {
        let origin = origin(&key);
        match (Field::of(&key), text) {
            (Some(field), Some(text)) => {
                values.insert(field.key, Given { text, origin });
            }
            (Some(field), None) => {
                faults.push(format!(
                    "`{key}` ({origin}) takes {}, not a list or table",
                    field.takes
                ));
            }
            (None, _) => faults.push(unknown(&key, &origin)),
        }
    }
}

/// The scalar values of a tree as text, by dotted key; `None` for what is no scalar.
fn flatten(head: &str, table: Map<String, Value>, leaves: &mut Vec<(String, Option<String>)>) {
    for (name, value) in table {
        let key = if head.is_empty() {
            name
        } else {
            format!("{head}.{name}")
        };
        match value.kind {
            ValueKind::Table(inner) if Field::of(&key).is_none() && !inner.is_empty() => {
                flatten(&key, inner, leaves);
            }
            ValueKind::Table(_) | ValueKind::Array(_) | ValueKind::Nil => leaves.push((key, None)),
            scalar => leaves.push((key, Some(scalar.to_string()))),
        }
    }
}

fn unknown(key: &str, origin: &Origin) -> String {
    // Shown keys are cut: a value pasted in the place of a key could be a secret, and a long one is no typo.
    let shown: String = key.chars().take(40).collect();
    let nearest = FIELDS
        .iter()
        .filter(|field| !field.hidden)
        .map(|field| (strsim::damerau_levenshtein(field.key, key), field.key))
        .min();
    match nearest {
        Some((distance, nearest)) if distance <= 3.max(nearest.len() / 3) => {
            format!("unknown key `{shown}` ({origin}), did you mean `{nearest}`?")
        }
        _ => format!("unknown key `{shown}` ({origin})"),
    }
}

fn one_fault(error: &config::ConfigError) -> ConfigError {
    ConfigError::one(error.to_string())
}
