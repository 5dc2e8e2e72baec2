//! The releases of a git repository, read with `git` itself.
//!
//! Invariant: nothing is written to the repository, and no more than [`MOST`] releases are read.

use std::{
    io,
    path::Path,
    process::{Command, Output},
};

use jiff::Timestamp;

use crate::exit::{Failure, Outcome};

/// The most releases that are reported: the newest.
const MOST: usize = 2000;
/// How many commits stand for releases when there are neither tags nor merges.
const LAST_COMMITS: usize = 50;
/// How much of a commit's hash is reported: enough for any repository, and little enough for a table.
const COMMIT_CHARACTERS: usize = 12;

/// What is reported as deployments.
#[derive(Debug)]
pub(super) struct History {
    /// The repository's folder name: the service.
    pub(super) service: String,
    /// What stands for a release, in the plural.
    pub(super) kind: &'static str,
    /// The oldest first.
    pub(super) releases: Vec<Release>,
    /// How many there are in all.
    pub(super) total: usize,
}

/// One release.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Release {
    /// The tag's name, or the commit's short hash.
    pub(super) version: String,
    /// The first 12 characters of the commit's hash.
    pub(super) commit: String,
    /// When it was made, RFC 3339 in UTC.
    pub(super) at: String,
}

// === impl History ===

impl History {
    /// Reads the release tags of the repository at `path`; without tags its merge commits; without merges its last commits.
    pub(super) fn of(path: &Path) -> Outcome<Self> {
        let service = service(path)?;
        let tags = git(
            path,
            &[
                "for-each-ref",
                "refs/tags",
                "--sort=creatordate",
                "--format=%(refname:lstrip=2)%00%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)%00%(creatordate:iso-strict)",
            ],
        )?;
        let tags = releases(&tags);
        if !tags.is_empty() {
            return Ok(Self::new(service, "release tags", tags));
        }
        let merges = log(path, &["--merges"])?;
        if !merges.is_empty() {
            return Ok(Self::new(service, "merge commits", merges));
        }
        let count = format!("--max-count={LAST_COMMITS}");
        let commits = log(path, &[&count])?;
        if commits.is_empty() {
            return Err(Failure::usage(format!(
                "the repository {} has no commits",
                path.display()
            )));
        }
        Ok(Self::new(service, "last commits", commits))
    }

    fn new(service: String, kind: &'static str, mut releases: Vec<Release>) -> Self {
        let total = releases.len();
        releases.drain(..total.saturating_sub(MOST));
        Self {
            service,
            kind,
            releases,
            total,
        }
    }
}

/// The repository's folder name.
fn service(path: &Path) -> Outcome<String> {
    let run = run(path, &["rev-parse", "--is-bare-repository"])?;
    if !run.status.success() {
        let reason = String::from_utf8_lossy(&run.stderr);
        let reason = reason
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("fatal: ");
        return Err(Failure::usage(format!(
            "{} is not a git repository that can be read ({reason}); name one with --repo PATH",
            path.display()
        )));
    }
    let bare = run.stdout.starts_with(b"true");
    let root = git(
        path,
        &[
            "rev-parse",
            if bare {
                "--absolute-git-dir"
            } else {
                "--show-toplevel"
            },
        ],
    )?;
    let name = Path::new(root.trim_end())
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_else(|| "repository".to_owned());
    Ok(name
        .strip_suffix(".git")
        .filter(|name| !name.is_empty())
        .unwrap_or(&name)
        .to_owned())
}

/// Commits, the oldest first. A repository without commits has none.
fn log(path: &Path, choice: &[&str]) -> Outcome<Vec<Release>> {
    if !run(path, &["rev-parse", "--verify", "--quiet", "HEAD"])?
        .status
        .success()
    {
        return Ok(Vec::new());
    }
    let mut arguments = vec!["log", "--no-show-signature", "--format=%h%x00%H%x00%cI"];
    arguments.extend(choice);
    let mut commits = releases(&git(path, &arguments)?);
    commits.reverse();
    Ok(commits)
}

/// One release a line; tags of things without a date, such as blobs, are left out.
fn releases(text: &str) -> Vec<Release> {
    text.lines()
        .filter_map(|line| {
            let mut fields = line.split('\0');
            let (version, commit, date) = (fields.next()?, fields.next()?, fields.next()?);
            let at = date.parse::<Timestamp>().ok()?.to_string();
            let commit = commit.chars().take(COMMIT_CHARACTERS).collect();
            Some(Release {
                version: version.to_owned(),
                commit,
                at,
            })
        })
        .collect()
}

fn git(path: &Path, arguments: &[&str]) -> Outcome<String> {
    let output = run(path, arguments)?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Failure::Failed(anyhow::anyhow!("git {}: {reason}", arguments[0])));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn run(path: &Path, arguments: &[&str]) -> Outcome<Output> {
    let output = Command::new("git").arg("-C").arg(path).args(arguments).output();
    output.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            Failure::usage("`git` is not installed; the demo reads a repository with it")
        }
        _ => Failure::from(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Repository(tempfile::TempDir);

    impl Repository {
        fn new() -> Self {
            let repository = Self(tempfile::tempdir().unwrap());
            repository.git(&["init", "--quiet", "--initial-branch=main"], 0);
            repository
        }

        /// Runs git at the day `day` of January 2026.
        fn git(&self, arguments: &[&str], day: u8) -> &Self {
            let date = format!("2026-01-{:02}T12:00:00+02:00", day.max(1));
            let status = Command::new("git")
                .arg("-C")
                .arg(self.0.path())
                .args([
                    "-c",
                    "user.name=Ada",
                    "-c",
                    "user.email=ada@example.org",
                    "-c",
                    "commit.gpgsign=false",
                ])
                .args(arguments)
                .envs([("GIT_AUTHOR_DATE", &date), ("GIT_COMMITTER_DATE", &date)])
                .status()
                .unwrap();
            assert!(status.success(), "git {arguments:?}");
            self
        }

        fn commit(&self, day: u8) -> &Self {
            self.git(&["commit", "--quiet", "--allow-empty", "-m", "change"], day)
        }

        fn read(&self) -> Outcome<History> {
            History::of(self.0.path())
        }
    }

    fn versions(history: &History) -> Vec<&str> {
        history
            .releases
            .iter()
            .map(|release| release.version.as_str())
            .collect()
    }

    #[test]
    fn tags_are_releases_by_date_with_the_commits_they_name() {
        let repository = Repository::new();
        repository
            .commit(1)
            .git(&["tag", "-a", "v1.1", "-m", "x"], 5)
            .git(&["tag", "v1.0"], 1);

        let history = repository.read().unwrap();

        assert_eq!((history.kind, history.total), ("release tags", 2));
        assert_eq!(versions(&history), ["v1.0", "v1.1"]);
        assert_eq!(history.releases[0].at, "2026-01-01T10:00:00Z");
        assert_eq!(
            history.releases[0].commit, history.releases[1].commit,
            "an annotated tag is peeled"
        );
        assert_eq!(history.releases[0].commit.len(), COMMIT_CHARACTERS);
        assert_eq!(
            history.service,
            repository.0.path().file_name().unwrap().to_str().unwrap()
        );
    }

    #[test]
    fn merges_stand_in_for_tags_and_commits_for_merges() {
        let repository = Repository::new();
        repository.commit(1).commit(2);
        let commits = repository.read().unwrap();

        repository
            .git(&["checkout", "--quiet", "-b", "side"], 2)
            .commit(3);
        repository
            .git(&["checkout", "--quiet", "main"], 3)
            .git(&["merge", "--quiet", "--no-ff", "side"], 4);
        let merges = repository.read().unwrap();

        assert_eq!((commits.kind, commits.total), ("last commits", 2));
        assert!(
            commits.releases[0].at < commits.releases[1].at,
            "the oldest first"
        );
        assert_eq!((merges.kind, merges.total), ("merge commits", 1));
    }

    #[test]
    fn what_is_no_repository_or_has_no_commits_is_refused() {
        let nothing = tempfile::tempdir().unwrap();
        let refusal = History::of(nothing.path()).unwrap_err().to_string();
        assert!(
            refusal.contains("not a git repository") && refusal.contains("--repo"),
            "{refusal}"
        );

        let refusal = Repository::new().read().unwrap_err().to_string();
        assert!(refusal.contains("no commits"), "{refusal}");
    }

    #[test]
    fn only_the_newest_are_reported() {
        let release = |number: usize| Release {
            version: number.to_string(),
            commit: String::new(),
            at: String::new(),
        };

        let history = History::new(
            "x".to_owned(),
            "release tags",
            (0..MOST + 3).map(release).collect(),
        );

        assert_eq!((history.total, history.releases.len()), (MOST + 3, MOST));
        assert_eq!(history.releases[0].version, "3");
    }
}
