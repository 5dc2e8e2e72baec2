//! `claviger demo`: the main job from the first administrator to the refused call, on a repository made for it.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use crate::{Ran, claviger, run};

/// A repository with three release tags.
fn repository() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    git(home.path(), &["init", "--quiet"]);
    for version in ["v1.0", "v1.1", "v2.0"] {
        git(
            home.path(),
            &["commit", "--quiet", "--allow-empty", "-m", version],
        );
        git(home.path(), &["tag", version]);
    }
    home
}

fn git(home: &Path, arguments: &[&str]) {
    let identity = [
        "-c",
        "user.name=Ada",
        "-c",
        "user.email=ada@example.org",
        "-c",
        "commit.gpgsign=false",
    ];
    let day = "2026-01-01T12:00:00Z";
    let status = Command::new("git")
        .current_dir(home)
        .args(identity)
        .args(arguments)
        .envs([("GIT_AUTHOR_DATE", day), ("GIT_COMMITTER_DATE", day)])
        .status();
    assert!(status.unwrap().success(), "git {arguments:?}");
}

/// The path, which the demo needs to find `git`.
fn path() -> String {
    std::env::var("PATH").unwrap()
}

#[test]
fn the_demo_ends_with_the_token_refused_and_shows_each_secret_once() {
    let repository = repository();
    let repo = repository.path().to_str().unwrap();

    let demo = ["demo", "--once", "--listen", "127.0.0.1:0", "--repo", repo];
    let Ran { code, stdout, stderr } = run(claviger(&demo).env("PATH", path()), b"");

    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    for said in [
        "← 201 tok_",
        "3 reported in ",
        "v2.0",
        "← 200 {\"valid\":true",
        "← 401 ",
        "\"code\":\"revoked\"",
    ] {
        assert!(stdout.contains(said), "{said}\n{stdout}");
    }
    let secrets: Vec<_> = stdout
        .lines()
        .filter_map(|line| line.split("shown this once: ").nth(1))
        .collect();
    assert_eq!(secrets.len(), 2, "{stdout}");
    for secret in secrets {
        assert_eq!(stdout.matches(secret).count(), 1, "{stdout}");
    }
}

#[test]
fn the_demo_stays_up_for_its_person_and_cleans_up_when_told_to_end() {
    let repository = repository();
    let mut demo = Command::new(env!("CARGO_BIN_EXE_claviger"))
        .args(["demo", "--listen", "127.0.0.1:0", "--repo"])
        .arg(repository.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let mut after = |mark: &str| {
        lines
            .find_map(|line| line.split(mark).nth(1).map(str::to_owned))
            .unwrap()
    };
    let url = after("export CLAVIGER_URL=");
    let file = after("export CLAVIGER_TOKEN=$(cat ").replace(')', "");
    after("Ctrl-C ends the demo");

    let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    let listed = run(
        &mut claviger(&["token", "list", "--json", "--server", &url, "--token-file", &file]),
        b"",
    );
    let killed = Command::new("kill")
        .args(["-TERM", &demo.id().to_string()])
        .status()
        .unwrap();
    let ended = demo.wait().unwrap();

    assert_eq!(mode, 0o600);
    assert_eq!((listed.code, listed.stderr.as_str()), (0, ""));
    assert!(
        listed.stdout.contains("release pipeline") && !listed.stdout.contains("clvg_"),
        "{}",
        listed.stdout
    );
    assert!(killed.success());
    assert_eq!(ended.code(), Some(0));
    assert!(!Path::new(&file).exists(), "a temporary directory is gone");
}

#[test]
fn data_that_was_to_stay_serves_the_next_demo() {
    let (repository, home) = (repository(), tempfile::tempdir().unwrap());
    let (repo, data) = (repository.path().to_str().unwrap(), home.path().to_str().unwrap());
    let demo = [
        "demo",
        "--once",
        "--listen",
        "127.0.0.1:0",
        "--repo",
        repo,
        "--data",
        data,
    ];

    let first = run(claviger(&demo).env("PATH", path()), b"");
    let second = run(claviger(&demo).env("PATH", path()), b"");

    assert_eq!((first.code, second.code), (0, 0), "{second:?}");
    assert!(
        second.stdout.contains("There is one already"),
        "{}",
        second.stdout
    );
}

#[test]
fn what_is_no_repository_is_said_before_anything_starts() {
    let home = tempfile::tempdir().unwrap();

    let Ran { code, stdout, stderr } = run(
        claviger(&["demo"]).env("PATH", path()).current_dir(home.path()),
        b"",
    );

    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(
        stderr.contains("not a git repository") && stderr.contains("--repo"),
        "{stderr}"
    );
}
