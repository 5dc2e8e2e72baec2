//! Where tokens come from, and that they go nowhere else.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
};

use crate::{Ran, claviger, run, stub::Stub};

const UNKNOWN: &str = r#"{"valid":false,"code":"unknown","token":null}"#;

fn verify(stub: &Stub, arguments: &[&str]) -> assert_cmd::Command {
    let mut all = vec!["verify", "--server", &stub.url];
    all.extend(arguments);
    claviger(&all)
}

#[test]
fn the_caller_comes_from_the_environment_and_the_subject_from_the_standard_input() {
    let stub = Stub::answering([("200 OK", UNKNOWN.to_owned())]);

    let ran = run(
        verify(&stub, &["--verbose"]).env("CLAVIGER_TOKEN", "clvp_caller-canary"),
        b"clvp_subject-canary\n",
    );

    assert_eq!(ran.code, 1, "not valid is a negative answer");
    assert_eq!(ran.stderr, "POST /v1/verify 200\n");
    assert!(!format!("{ran:?}").contains("canary"));
    let request = stub.received().remove(0);
    assert!(
        request.contains("authorization: Bearer clvp_caller-canary\r\n"),
        "{request}"
    );
    assert!(
        request.ends_with(r#"{"token":"clvp_subject-canary"}"#),
        "{request}"
    );
}

#[test]
fn a_token_file_beats_the_environment_and_is_warned_of_when_others_can_read_it() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("token");
    fs::write(&path, "clvp_from-file\n").unwrap();
    let file = path.to_str().unwrap();

    for (mode, warned) in [(0o600, false), (0o644, true)] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let stub = Stub::answering([("200 OK", UNKNOWN.to_owned())]);

        let ran = run(
            verify(&stub, &["--token-file", file, "--subject-file", file])
                .env("CLAVIGER_TOKEN", "clvp_other"),
            b"",
        );

        assert!(stub.received()[0].contains("Bearer clvp_from-file\r\n"));
        assert_eq!(ran.stderr.contains("others can read"), warned, "{ran:?}");
    }
}

#[test]
fn without_a_token_and_without_a_terminal_it_is_wrong_usage() {
    let Ran { code, stderr, .. } = run(&mut claviger(&["token", "list"]), b"");

    assert_eq!(code, 2);
    assert_eq!(
        stderr,
        "error: no token to call with: set CLAVIGER_TOKEN, or give --token-file\n"
    );
}

#[test]
fn a_secret_in_the_place_of_an_id_is_refused_unsent_and_unshown() {
    let stub = Stub::answering([]);
    let server = ["--server", &stub.url];
    for arguments in [
        vec!["token", "show", "clvp_canary"],
        vec!["token", "revoke", "clvp_canary"],
        vec!["token", "revoke", "clvp_canary", "tok_01k9zv5m3r000"],
        vec!["token", "delete", "clvp_canary"],
    ] {
        let ran = run(
            claviger(&arguments).args(server).env("CLAVIGER_TOKEN", "clvp_x"),
            b"",
        );

        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(!format!("{ran:?}").contains("canary"));
    }
    assert_eq!(stub.received().len(), 0);
}
