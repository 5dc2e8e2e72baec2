//! Programs from outside that the tests need: found, installed from Debian where that is allowed, or asked for.
//!
//! Invariant: a test never finds its program missing and skips; what is absent ends the run before it starts, with the
//! command that installs it. Called by `test`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};

use crate::workspace;

/// Something the tests start, and the Debian package that brings it.
struct Need {
    name: &'static str,
    package: &'static str,
    present: fn(&[PathBuf]) -> bool,
}

/// The oldest PostgreSQL that the store supports.
const OLDEST_POSTGRESQL: u32 = 15;

const NEEDS: &[Need] = &[
    Need {
        name: "PostgreSQL 15 or newer",
        package: "postgresql",
        present: has_postgresql,
    },
    Need {
        name: "mkfs.ext4 (full and broken disks)",
        package: "e2fsprogs",
        present: |at| has_any(at, &["mkfs.ext4"]),
    },
    Need {
        name: "losetup and mount",
        package: "util-linux",
        present: |at| has(at, "losetup") && has(at, "mount"),
    },
    Need {
        name: "git",
        package: "git",
        present: |at| has(at, "git"),
    },
    Need {
        name: "curl",
        package: "curl",
        present: |at| has(at, "curl"),
    },
    Need {
        name: "Chromium (the documentation page in a real browser)",
        package: "chromium",
        present: |at| has_any(at, &["chromium", "chromium-browser", "google-chrome"]),
    },
];

/// Makes sure that every program is there, by installing the missing ones if this is root on a Debian.
///
/// # Errors
/// When something is missing and cannot be installed; the message says how to.
pub(crate) fn provide() -> Result<()> {
    let missing = missing(&folders());
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    let names: Vec<&str> = missing.iter().map(|need| need.name).collect();
    let advice = format!(
        "missing: {}; install with `apt-get install -y {}`",
        names.join(", "),
        packages.join(" ")
    );
    if !is_root() || !has(&folders(), "apt-get") {
        bail!("{advice} or your system's way");
    }
    println!("installing {}", packages.join(" "));
    let mut update = Command::new("apt-get");
    workspace::run(update.args(["update", "-q"]))?;
    let mut install = Command::new("apt-get");
    install
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["install", "-q", "-y", "--no-install-recommends"]);
    workspace::run(install.args(&packages))?;
    match self::missing(&folders()).first() {
        None => Ok(()),
        Some(need) => bail!(
            "`{}` is installed, and still there is no {}",
            need.package,
            need.name
        ),
    }
}

fn missing(folders: &[PathBuf]) -> Vec<&'static Need> {
    NEEDS.iter().filter(|need| !(need.present)(folders)).collect()
}

/// Where programs may be: the path, the places that only root's path has, and Debian's PostgreSQL folders.
fn folders() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/sbin"].map(PathBuf::from));
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    folders.extend(versions.map(|version| version.path().join("bin")));
    folders
}

fn has(folders: &[PathBuf], program: &str) -> bool {
    folders.iter().any(|folder| folder.join(program).is_file())
}

fn has_any(folders: &[PathBuf], programs: &[&str]) -> bool {
    programs.iter().any(|program| has(folders, program))
}

/// A folder with `postgres` and `initdb` that is new enough.
fn has_postgresql(folders: &[PathBuf]) -> bool {
    let complete = folders
        .iter()
        .filter(|at| at.join("postgres").is_file() && at.join("initdb").is_file());
    complete
        .filter_map(|folder| version_of(&folder.join("postgres")))
        .any(|major| major >= OLDEST_POSTGRESQL)
}

fn version_of(postgres: &Path) -> Option<u32> {
    let output = Command::new(postgres).arg("--version").output().ok()?;
    major_version(&String::from_utf8_lossy(&output.stdout))
}

/// 15 of `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`.
fn major_version(text: &str) -> Option<u32> {
    let (_, version) = text.split_once("(PostgreSQL) ")?;
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

fn is_root() -> bool {
    // The owner of a process's own folder is its effective user.
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").is_ok_and(|folder| folder.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_postgresql_is_read_from_its_answer() {
        assert_eq!(
            major_version("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major_version("postgres (PostgreSQL) 17beta1\n"), Some(17));
        assert_eq!(major_version("nothing\n"), None);
    }

    #[test]
    fn everything_is_missing_from_an_empty_machine() {
        assert_eq!(missing(&[]).len(), NEEDS.len());
    }
}
