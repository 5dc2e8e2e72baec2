//! Exit codes and outputs for each kind of answer of the server.

use expect_test::expect;

use crate::{Ran, claviger, run, stub::Stub};

const RECEIPT: &str = r#"{"epoch":7,"verifiers":{"confirmed":1,"fenced":0},"slowest_ms":0}"#;

fn token(name: &str) -> String {
    format!(
        r#"{{"id":"tok_01k9zv5m3r000","type":"personal","name":"{name}","description":"","scopes":["tokens:read"],
        "hint":"x7Qp","state":"live","owner":"usr_01k9zv5m3r000","created_at":"2026-11-22T10:00:00Z",
        "created_by":"usr_01k9zv5m3r000","updated_at":"2026-11-22T10:00:00Z","expires_at":null,
        "regenerated_at":null,"previous":null,"last_used_at":null,"last_used_address":null,"revoked_at":null,
        "revoked_by":null,"revoke_reason":null,"revoke_note":null}}"#
    )
}

fn problem(status: u16) -> String {
    format!(
        r#"{{"type":"x","title":"x","status":{status},"code":"a_code","detail":"a reason","request_id":"req-7",
        "errors":[{{"field":"name","code":"name_too_short","detail":"a name has at least 3 characters"}}]}}"#
    )
}

fn call(stub: &Stub, arguments: &[&str]) -> Ran {
    run(
        claviger(arguments)
            .args(["--server", &stub.url])
            .env("CLAVIGER_TOKEN", "clvp_caller"),
        b"",
    )
}

#[test]
fn an_issued_secret_stands_alone_on_the_standard_output() {
    let issued = format!(
        r#"{{"secret":"clvp_new","token":{},"receipt":{RECEIPT}}}"#,
        token("ci")
    );
    let stub = Stub::answering([("201 Created", issued.clone()), ("201 Created", issued)]);
    let issue = [
        "token",
        "issue",
        "--name",
        "ci",
        "--scope",
        "tokens:read,deployments:read",
        "--expires",
        "30d",
    ];

    let text = call(&stub, &issue);
    let json = call(&stub, &[&issue[..], &["--json"]].concat());

    assert_eq!((text.code, text.stdout.as_str()), (0, "clvp_new\n"));
    assert!(
        text.stderr.contains("shown this once") && !text.stderr.contains("clvp_new"),
        "{text:?}"
    );
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&json.stdout).unwrap()["secret"],
        "clvp_new"
    );
    assert_eq!(json.stderr, "");
    let request = &stub.received()[0];
    expect![[
        r#"{"type":"personal","name":"ci","scopes":["tokens:read","deployments:read"],"expires_in_days":30}"#
    ]]
    .assert_eq(request.split("\r\n\r\n").nth(1).unwrap());
}

#[test]
fn a_list_is_a_table_for_people_in_which_names_cannot_act() {
    let page = format!(
        r#"{{"data":[{}],"next_cursor":"c2"}}"#,
        token(r"ci\u001b[2J\u202e")
    );
    let stub = Stub::answering([("200 OK", page)]);

    let Ran { code, stdout, stderr } = call(&stub, &["token", "list", "--limit", "1"]);

    assert_eq!(code, 0);
    expect![[r#"
        ID                 NAME                 TYPE      STATE  HINT   SCOPES       EXPIRES  LAST USED
        tok_01k9zv5m3r000  ci\u{1b}[2J\u{202e}  personal  live   …x7Qp  tokens:read  never    never
    "#]]
    .assert_eq(&stdout);
    assert_eq!(stderr, "more rows: repeat with --cursor c2, or with --all\n");
}

#[test]
fn all_rows_are_read_page_by_page() {
    let page = |cursor: &str| format!(r#"{{"data":[{}],"next_cursor":{cursor}}}"#, token("ci"));
    let stub = Stub::answering([("200 OK", page(r#""c2""#)), ("200 OK", page("null"))]);

    let Ran { code, stdout, .. } = call(&stub, &["token", "list", "--all", "--json"]);

    let page: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, page["data"].as_array().unwrap().len()), (0, 2));
    assert!(page["next_cursor"].is_null());
}

#[test]
fn a_refusal_is_told_from_a_failure_and_both_name_the_request() {
    let stub = Stub::answering([
        ("400 Bad Request", problem(400)),
        ("503 Service Unavailable", problem(503)),
    ]);

    let refused = call(&stub, &["token", "show"]);
    let failed = call(&stub, &["token", "show"]);

    assert_eq!((refused.code, failed.code), (3, 4));
    expect![[r#"
        error: a reason (400, a_code)
          name: a name has at least 3 characters (name_too_short)
          request: req-7
    "#]]
    .assert_eq(&refused.stderr);
}

#[test]
fn a_server_that_is_away_is_a_failure() {
    let ran = run(
        claviger(&["token", "list", "--server", "http://127.0.0.1:1"]).env("CLAVIGER_TOKEN", "clvp_x"),
        b"",
    );

    assert_eq!(ran.code, 4);
    assert!(
        ran.stderr
            .starts_with("error: cannot connect to the server\n  cause: "),
        "{ran:?}"
    );
}

#[test]
fn a_filter_without_a_terminal_needs_yes() {
    let stub = Stub::answering([(
        "200 OK",
        format!(
            r#"{{"dry_run":false,"revoked":2,"already_ended":0,"not_found":[],"used_last_hour":0,"tokens":[],"receipt":{RECEIPT}}}"#
        ),
    )]);
    let filter = ["token", "revoke", "--filter-name-prefix", "tmp-"];

    let unsaid = call(&stub, &filter);
    let said = call(&stub, &[&filter[..], &["--yes"]].concat());

    assert_eq!((unsaid.code, said.code), (2, 0));
    let requests = stub.received();
    assert_eq!(requests.len(), 1);
    assert!(
        requests[0].ends_with(r#"{"filter":{"name_prefix":"tmp-"},"dry_run":false}"#),
        "{}",
        requests[0]
    );
    assert!(said.stdout.starts_with("2 are revoked everywhere"), "{said:?}");
}

#[test]
fn ids_and_a_filter_exclude_each_other() {
    let stub = Stub::answering([]);

    for arguments in [
        vec!["token", "revoke"],
        vec!["token", "revoke", "tok_01k9zv5m3r000", "--filter-all"],
        vec!["token", "revoke", "--self", "--filter-all"],
        vec!["token", "revoke", "--self", "tok_01k9zv5m3r000"],
        vec!["token", "update", "tok_01k9zv5m3r000"],
    ] {
        assert_eq!(call(&stub, &arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn a_trail_that_does_not_hold_is_a_negative_answer() {
    let verdict = |intact: bool, fault: &str| {
        format!(r#"{{"intact":{intact},"events":3,"head_seq":3,"head_hash":"ab","fault":{fault}}}"#)
    };
    let fault = r#"{"seq":2,"code":"event_changed","detail":"its hash is another"}"#;
    let stub = Stub::answering([
        ("200 OK", verdict(true, "null")),
        ("200 OK", verdict(false, fault)),
    ]);

    let whole = call(&stub, &["audit", "verify"]);
    let broken = call(&stub, &["audit", "verify"]);

    assert_eq!((whole.code, broken.code), (0, 1));
    assert!(
        broken
            .stdout
            .contains("event 2: its hash is another (event_changed)"),
        "{broken:?}"
    );
}

#[test]
fn an_export_that_breaks_leaves_no_file_behind() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("audit.jsonl");
    let path = file.to_str().unwrap();
    let stub = Stub::answering([
        ("200 OK", "{\"seq\":1}\n{\"se".to_owned()),
        ("200 OK", "{\"seq\":1}\n".to_owned()),
    ]);

    let torn = call(&stub, &["audit", "export", "--output", path]);
    assert_eq!((torn.code, file.exists()), (4, false));

    let whole = call(&stub, &["audit", "export", "--output", path]);
    assert_eq!(
        (whole.code, std::fs::read_to_string(&file).unwrap().as_str()),
        (0, "{\"seq\":1}\n")
    );

    let again = call(&Stub::answering([]), &["audit", "export", "--output", path]);
    assert_eq!(again.code, 2, "a file that exists is not written over");
}
