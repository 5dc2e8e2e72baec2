//! `cargo xtask deny`: the supply chain, judged by `deny.toml` without a network.
//!
//! Invariant: the file has cargo-deny's format and means the same to both; where cargo-deny is installed it judges
//! instead. What is judged is what `cargo tree` says is built, not the optional rest of the lock file. Called by `ci`.

mod licence;
mod policy;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::workspace::{self, cargo};
use policy::Policy;

/// One package that is built.
struct Package {
    name: String,
    version: String,
    licence: String,
    /// Absent for the workspace's own packages.
    source: Option<String>,
}

/// Judges licences, sources, bans and duplicates.
///
/// # Errors
/// When something is refused, or cargo fails.
pub(crate) fn run(_: &[String]) -> Result<()> {
    let path = env::var_os("PATH").unwrap_or_default();
    if env::split_paths(&path).any(|folder| folder.join("cargo-deny").is_file()) {
        return workspace::run(cargo().args(["deny", "--locked", "check", "bans", "licenses", "sources"]));
    }
    let policy = Policy::read()?;
    let packages = built_packages(&policy)?;
    println!("{} packages judged by deny.toml", packages.len());
    workspace::conclude("deny", &judge(&policy, &packages))
}

fn judge(policy: &Policy, packages: &[Package]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages {
        let Package {
            name,
            version,
            licence,
            source,
        } = package;
        versions.entry(name).or_default().push(version);
        if !licence::is_allowed(licence, |id| policy.allows_licence(name, id)) {
            problems.push(format!("{name} {version}: licence `{licence}` is not allowed"));
        }
        if source
            .as_ref()
            .is_some_and(|source| !policy.allows_source(source))
        {
            problems.push(format!(
                "{name} {version}: comes from {}",
                source.as_deref().unwrap_or_default()
            ));
        }
        if let Some(reason) = policy.ban(name) {
            problems.push(format!("{name} {version}: banned: {reason}"));
        }
    }
    for (name, versions) in versions.iter().filter(|(_, versions)| versions.len() > 1) {
        let counted: Vec<&str> = versions
            .iter()
            .copied()
            .filter(|version| !policy.skips(name, version))
            .collect();
        if counted.len() > 1 {
            problems.push(format!(
                "{name}: several versions, {}, and no reason in deny.toml",
                counted.join(", ")
            ));
        }
    }
    let duplicated = |name: &str, version: &str| {
        versions
            .get(name)
            .is_some_and(|all| all.len() > 1 && all.contains(&version))
    };
    let exists = |name: &str, requirement: &policy::Version| {
        versions
            .get(name)
            .is_some_and(|all| all.iter().any(|v| requirement.matches(v) && duplicated(name, v)))
    };
    problems.extend(policy.idle_skips(exists));
    problems
}

/// Every package that is built for one of the policy's targets, tests included.
fn built_packages(policy: &Policy) -> Result<Vec<Package>> {
    let mut built = BTreeSet::new();
    for target in &policy.targets {
        let arguments = [
            "tree",
            "--workspace",
            "--locked",
            "--edges",
            "normal,build,dev",
            "--prefix",
            "none",
        ];
        let tree = workspace::output(
            cargo()
                .args(arguments)
                .args(["--format", "{p}", "--target", target]),
        )?;
        built.extend(tree.lines().filter_map(name_and_version));
    }
    let metadata = workspace::metadata(&["--locked"])?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata lists no packages")?;
    let known = packages.iter().filter_map(package);
    Ok(known
        .filter(|package| built.contains(&(package.name.clone(), package.version.clone())))
        .collect())
}

/// Of `serde v1.0.1 (proc-macro) (*)`.
fn name_and_version(line: &str) -> Option<(String, String)> {
    let mut parts = line.split_whitespace();
    let (name, version) = (parts.next()?, parts.next()?);
    Some((name.to_owned(), version.strip_prefix('v')?.to_owned()))
}

fn package(value: &Value) -> Option<Package> {
    let text = |key: &str| value[key].as_str().map(str::to_owned);
    let licence = text("license").unwrap_or_else(|| "none".to_owned());
    Some(Package {
        name: text("name")?,
        version: text("version")?,
        licence,
        source: text("source"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"
        [graph]
        targets = ["x86_64-unknown-linux-gnu"]
        [licenses]
        allow = ["MIT"]
        exceptions = [{ crate = "odd", allow = ["Zlib"] }]
        [bans]
        deny = [{ crate = "bad", reason = "no" }]
        skip = [{ crate = "twice@1", reason = "old one of x" }]
        [sources]
        allow-registry = ["https://example.org/index"]
    "#;

    fn of(name: &str, version: &str, licence: &str, source: &str) -> Package {
        let source = Some(source.to_owned());
        Package {
            name: name.to_owned(),
            version: version.to_owned(),
            licence: licence.to_owned(),
            source,
        }
    }

    fn problems(packages: &[Package]) -> Vec<String> {
        let mut packages: Vec<_> = packages
            .iter()
            .map(|p| of(&p.name, &p.version, &p.licence, OK))
            .collect();
        packages.extend([of("twice", "1.2.0", "MIT", OK), of("twice", "2.0.0", "MIT", OK)]);
        judge(&Policy::parse(POLICY).unwrap(), &packages)
    }

    const OK: &str = "registry+https://example.org/index";

    #[test]
    fn what_the_policy_allows_passes() {
        assert_eq!(
            problems(&[
                of("a", "1.0.0", "MIT OR GPL-3.0", OK),
                of("odd", "1.0.0", "Zlib", OK)
            ])
            .len(),
            0
        );
    }

    #[test]
    fn licences_bans_and_duplicates_are_refused() {
        assert_eq!(problems(&[of("a", "1.0.0", "Zlib", OK)]).len(), 1);
        assert_eq!(
            problems(&[of("bad", "1.0.0", "MIT", OK)]),
            ["bad 1.0.0: banned: no"]
        );
        assert_eq!(
            problems(&[of("a", "1.0.0", "MIT", OK), of("a", "2.0.0", "MIT", OK)]).len(),
            1
        );
        assert_eq!(problems(&[of("twice", "3.0.0", "MIT", OK)]).len(), 1);
    }

    #[test]
    fn another_source_is_refused() {
        let policy = Policy::parse(POLICY).unwrap();
        let elsewhere = [of("a", "1.0.0", "MIT", "git+https://example.org/a")];

        // The idle skip of `twice` is the second problem.
        assert_eq!(judge(&policy, &elsewhere).len(), 2);
    }

    #[test]
    fn packages_are_read_from_the_tree() {
        let found = name_and_version("serde_derive v1.0.229 (proc-macro) (*)");

        assert_eq!(found, Some(("serde_derive".to_owned(), "1.0.229".to_owned())));
        assert_eq!(name_and_version(""), None);
    }
}
