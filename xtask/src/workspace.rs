//! Where things are, and how other programs are run: shared by all commands.
//!
//! Invariant: every command works from the repository's root and stops at the first program that fails, naming it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

/// The repository's root: the folder above this package.
///
/// Cargo says at run time where the package is; where it was at compile time may be another place by now, since a checkout can be
/// moved and a target directory shared.
pub(crate) fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let package = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        package.parent().map_or_else(|| package.clone(), Path::to_owned)
    });
    &ROOT
}

/// The cargo that started this task runner.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs a command to its end, with its output shown.
///
/// # Errors
/// When it cannot be started or does not succeed; the message is the command line.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    ensure!(status.success(), "{} failed ({status})", shown(command));
    Ok(())
}

/// Runs a command to its end and gives what it printed; its error output is shown.
///
/// # Errors
/// As [`run`], and when the output is not UTF-8.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(std::process::Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot start {}", shown(command)))?;
    ensure!(
        output.status.success(),
        "{} failed ({})",
        shown(command),
        output.status
    );
    String::from_utf8(output.stdout).with_context(|| format!("{} printed no UTF-8", shown(command)))
}

/// What `cargo metadata` says, with these extra arguments.
///
/// # Errors
/// When cargo fails or prints something else than JSON.
pub(crate) fn metadata(arguments: &[&str]) -> Result<Value> {
    let text = output(
        cargo()
            .args(["metadata", "--format-version", "1"])
            .args(arguments),
    )?;
    serde_json::from_str(&text).context("cargo metadata printed no JSON")
}

/// The folder that builds go to.
///
/// # Errors
/// When cargo fails.
pub(crate) fn target_folder() -> Result<PathBuf> {
    let metadata = metadata(&["--no-deps"])?;
    let folder = metadata["target_directory"]
        .as_str()
        .context("cargo metadata names no target directory")?;
    Ok(PathBuf::from(folder))
}

/// The server's program, built as the tests build it: with the features that the whole workspace asks for, so that
/// nothing is built twice.
///
/// # Errors
/// When the build fails.
pub(crate) fn server() -> Result<PathBuf> {
    run(cargo().args(["build", "--locked", "--workspace", "--bin", "claviger"]))?;
    Ok(target_folder()?.join("debug/claviger"))
}

/// A text file of the repository.
pub(crate) struct File {
    /// Relative to the root, with `/`.
    pub path: String,
    pub text: String,
}

/// Every file with one of these endings that git knows or would add, in the order of their paths.
///
/// # Errors
/// When git is missing or a file is not UTF-8.
pub(crate) fn files(endings: &[&str]) -> Result<Vec<File>> {
    let mut git = Command::new("git");
    git.current_dir(root())
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listed = output(&mut git)?;
    let mut paths: Vec<&str> = listed
        .split('\0')
        .filter(|path| has_ending(path, endings))
        .collect();
    paths.sort_unstable();
    paths.dedup();
    let mut files = Vec::new();
    for path in paths {
        match fs::read_to_string(root().join(path)) {
            Ok(text) => files.push(File {
                path: path.to_owned(),
                text,
            }),
            // Deleted, but not yet in a commit.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {path}")),
        }
    }
    Ok(files)
}

/// Ends a check: silent success, or every problem on a line of its own.
///
/// # Errors
/// When there is a problem.
pub(crate) fn conclude(check: &str, problems: &[String]) -> Result<()> {
    for problem in problems {
        println!("{problem}");
    }
    match problems.len() {
        0 => Ok(()),
        1 => bail!("{check}: 1 problem"),
        count => bail!("{check}: {count} problems"),
    }
}

fn has_ending(path: &str, endings: &[&str]) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    endings.contains(&name)
        || name
            .rsplit_once('.')
            .is_some_and(|(_, ending)| endings.contains(&ending))
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    format!(
        "`{}`",
        words
            .map(|word| word.to_string_lossy())
            .collect::<Vec<_>>()
            .join(" ")
    )
}
