//! `claviger scan`: what is found, where, and that it stays untold.

use std::{fs, os::unix::fs::symlink, path::Path};

use expect_test::expect;

use crate::{Ran, claviger, run};

/// A well-formed token that was never issued: random part and checksum of the shared vectors' first example.
const TOKEN: &str = "clvp_000000000000000000000000000000003vAJbq";

fn scan(home: &Path, arguments: &[&str], input: &[u8]) -> Ran {
    let mut all = vec!["scan"];
    all.extend(arguments);
    let ran = run(claviger(&all).current_dir(home), input);
    assert!(
        !format!("{ran:?}").contains(TOKEN),
        "the token itself is shown: {ran:?}"
    );
    ran
}

#[test]
fn tokens_are_named_by_place_type_and_hint() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join("deep/er")).unwrap();
    fs::write(home.path().join("deep/er/.env"), format!("A=1\nTOKEN={TOKEN}\n")).unwrap();
    fs::write(home.path().join("deep/core"), format!("\0\u{1}{TOKEN}")).unwrap();
    fs::write(home.path().join("clean"), "nothing here").unwrap();
    symlink(home.path(), home.path().join("deep/loop")).unwrap();

    let Ran { code, stdout, stderr } = scan(home.path(), &["deep", "clean"], b"");

    expect![[r#"
        deep/core: offset 2: personal token …AJbq
        deep/er/.env:2:7: personal token …AJbq
    "#]]
    .assert_eq(&stdout);
    expect![[r#"
        2 found in 3 files, 111 bytes; `claviger token report-leak` ends a live one
    "#]]
    .assert_eq(&stderr);
    assert_eq!(code, 1);
}

#[test]
fn a_token_across_the_border_of_two_chunks_is_found_in_a_stream() {
    let home = tempfile::tempdir().unwrap();
    for chunk in [4096, 65536] {
        for before in 1..TOKEN.len() {
            let mut text = "x\n".repeat(chunk / 2).into_bytes();
            text.truncate(chunk - before);
            let breaks = text.iter().filter(|&&byte| byte == b'\n').count();
            let column = text.len() - text.iter().rposition(|&byte| byte == b'\n').unwrap();
            text.extend_from_slice(TOKEN.as_bytes());
            text.extend_from_slice(b"\nend");

            let Ran { code, stdout, .. } = scan(home.path(), &["-"], &text);

            assert_eq!(
                stdout,
                format!("-:{}:{column}: personal token …AJbq\n", breaks + 1),
                "{chunk} {before}"
            );
            assert_eq!(code, 1);
        }
    }
}

#[test]
fn nothing_found_is_success_and_a_typo_is_no_finding() {
    let home = tempfile::tempdir().unwrap();
    let typo = TOKEN.replace("3vA", "3vB");

    let Ran { code, stdout, stderr } = scan(home.path(), &["-"], typo.as_bytes());

    assert_eq!((code, stdout.as_str()), (0, ""));
    assert!(
        stderr.contains("1 looked alike but have a wrong checksum"),
        "{stderr}"
    );
}

#[test]
fn only_the_installations_own_prefix_counts() {
    let home = tempfile::tempdir().unwrap();
    let text = TOKEN.as_bytes();

    assert_eq!(scan(home.path(), &["--prefix", "acme", "-"], text).code, 0);
    assert_eq!(scan(home.path(), &["--prefix", "clv", "-"], text).code, 1);
    assert_eq!(scan(home.path(), &["--prefix", "No!", "-"], text).code, 2);
}

#[test]
fn what_cannot_be_read_is_told_and_is_no_success() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("found"), TOKEN).unwrap();

    let missing = scan(home.path(), &["missing"], b"");
    let both = scan(home.path(), &["missing", "found"], b"");

    assert_eq!((missing.code, both.code), (2, 1));
    assert!(
        missing.stderr.starts_with("missing cannot be read: No such file"),
        "{missing:?}"
    );
}

#[test]
fn machines_get_json_and_terminals_get_no_control_characters() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("a\u{1b}[31m"), TOKEN).unwrap();

    let text = scan(home.path(), &["."], b"");
    let json = scan(home.path(), &["--json", "."], b"");

    assert_eq!(text.stdout, "./a\\u{1b}[31m:1:1: personal token …AJbq\n");
    expect![[r#"
        {
          "found": [
            {
              "path": "./a\u001b[31m",
              "offset": 0,
              "line": 1,
              "column": 1,
              "type": "personal",
              "hint": "AJbq"
            }
          ],
          "files": 1,
          "bytes": 43,
          "bad_checksums": 0,
          "unreadable": []
        }
    "#]]
    .assert_eq(&json.stdout);
    assert_eq!(json.code, 1);
}
