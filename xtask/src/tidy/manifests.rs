//! The workspace's dependency list holds nothing that no member uses.
//!
//! Invariant: versions stand once, in the root manifest; members say `workspace = true`. Called by `tidy`.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use toml::{Table, Value};

use crate::workspace::File;

/// Compares the root manifest with those of the members.
///
/// # Errors
/// When a manifest is no TOML.
pub(super) fn check(files: &[File]) -> Result<Vec<String>> {
    let mut listed = BTreeSet::new();
    let mut used = BTreeSet::new();
    let mut problems = Vec::new();
    for file in files
        .iter()
        .filter(|file| file.path.ends_with("Cargo.toml") && !file.path.starts_with("fuzz/"))
    {
        let manifest: Table =
            toml::from_str(&file.text).with_context(|| format!("{} is no TOML", file.path))?;
        if file.path == "Cargo.toml" {
            let workspace = manifest.get("workspace").and_then(Value::as_table);
            listed = dependencies(workspace).map(|(name, _)| name).collect();
        }
        for (name, value) in member_dependencies(&manifest) {
            if value.get("workspace") != Some(&Value::Boolean(true)) {
                problems.push(format!(
                    "{}: `{name}` does not come from the workspace's list",
                    file.path
                ));
            }
            used.insert(name);
        }
    }
    let unused = listed.difference(&used);
    problems
        .extend(unused.map(|name| format!("Cargo.toml: no member uses the workspace dependency `{name}`")));
    Ok(problems)
}

/// Dependencies of any kind, also those for some targets only.
fn member_dependencies(manifest: &Table) -> Vec<(String, Value)> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let tables = targets
        .into_iter()
        .flat_map(Table::values)
        .filter_map(Value::as_table);
    tables
        .chain([manifest])
        .flat_map(|table| dependencies(Some(table)))
        .collect()
}

fn dependencies(table: Option<&Table>) -> impl Iterator<Item = (String, Value)> {
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let tables = kinds
        .into_iter()
        .filter_map(move |kind| table?.get(kind)?.as_table());
    tables
        .flatten()
        .map(|(name, value)| (name.clone(), value.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(path: &str, text: &str) -> File {
        File {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_dependency_that_nobody_uses_is_found() {
        let root = manifest(
            "Cargo.toml",
            "[workspace.dependencies]\na = \"1\"\nb = \"1\"\nc = \"1\"\n",
        );
        let one = manifest("crates/x/Cargo.toml", "[dev-dependencies]\na.workspace = true\n");
        let other = manifest(
            "crates/y/Cargo.toml",
            "[target.'cfg(loom)'.dependencies]\nb = { workspace = true }\n",
        );

        let problems = check(&[root, one, other]).unwrap();

        assert_eq!(
            problems,
            ["Cargo.toml: no member uses the workspace dependency `c`"]
        );
    }

    #[test]
    fn a_version_of_its_own_is_refused() {
        let root = manifest("Cargo.toml", "[workspace.dependencies]\n");
        let member = manifest("crates/x/Cargo.toml", "[dependencies]\na = \"1\"\n");

        assert_eq!(check(&[root, member]).unwrap().len(), 1);
    }
}
