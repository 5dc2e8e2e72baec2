//! `claviger config check`: what is in force, where it came from, and no secret.

use std::fs;

use crate::{Ran, claviger, run};

#[test]
fn every_setting_is_shown_with_its_source_and_no_secret() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("claviger.toml"), "prefix = \"acme\"\n").unwrap();
    let mut command = claviger(&["config", "check", "--listen", "127.0.0.1:9000"]);
    command
        .current_dir(home.path())
        .env("CLAVIGER_PEPPER", "5b1d7c2e9a4f03866d28e1b7c4930fad".repeat(2))
        .env(
            "CLAVIGER_DATABASE",
            "postgres://ada:canary@db.example.org/claviger",
        )
        .env("CLAVIGER_TOKEN", "clvp_not-a-setting");

    let Ran { code, stdout, .. } = run(&mut command, b"");

    assert_eq!(code, 0);
    let line = |key: &str| {
        stdout
            .lines()
            .find(|line| line.split_whitespace().next() == Some(key))
            .unwrap()
    };
    assert!(
        line("listen").contains("127.0.0.1:9000  (flag --listen)"),
        "{stdout}"
    );
    assert!(line("prefix").contains("acme  (file claviger.toml)"), "{stdout}");
    assert!(line("pepper").contains("environment CLAVIGER_PEPPER"), "{stdout}");
    assert!(line("data_dir").contains("(default)"), "{stdout}");
    assert!(
        !stdout.contains("5b1d7c2e") && !stdout.contains("canary"),
        "{stdout}"
    );
}

#[test]
fn a_wrong_setting_is_wrong_usage_and_named() {
    let mut unknown = claviger(&["config", "check"]);
    unknown.env("CLAVIGER_LISTN", "127.0.0.1:1");
    let Ran { code, stderr, .. } = run(&mut unknown, b"");
    assert_eq!(code, 2);
    assert!(
        stderr.contains("listn") && stderr.contains("`listen`"),
        "{stderr}"
    );

    let mut exposed = claviger(&["config", "check", "--database", "postgres://ada:canary@db/x"]);
    let Ran { code, stderr, .. } = run(&mut exposed, b"");
    assert_eq!(code, 2);
    assert!(
        stderr.contains("CLAVIGER_DATABASE") && !stderr.contains("canary"),
        "{stderr}"
    );
}

#[test]
fn the_openapi_document_is_printed() {
    let Ran { code, stdout, .. } = run(&mut claviger(&["openapi"]), b"");

    let document: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(code, 0);
    assert!(document["paths"]["/v1/tokens"]["post"].is_object());
}
