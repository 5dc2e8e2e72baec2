//! Limits of tokens and people, as they are typed, sent and shown.

use expect_test::expect;

use crate::{Ran, claviger, run, stub::Stub};

const TOKEN: &str = "tok_01k9zv5m3r000";
const USER: &str = "usr_01k9zv5m3r000";
const RECEIPT: &str = r#"{"epoch":7,"verifiers":{"confirmed":1,"fenced":0},"slowest_ms":0}"#;

fn call(stub: &Stub, arguments: &[&str]) -> Ran {
    run(
        claviger(arguments)
            .args(["--server", &stub.url])
            .env("CLAVIGER_TOKEN", "clvp_caller"),
        b"",
    )
}

/// The line and the body of the only request.
fn asked(stub: &Stub) -> String {
    let received = stub.received();
    let (head, body) = received[0].split_once("\r\n\r\n").unwrap();
    format!("{}\n{body}", head.lines().next().unwrap())
}

/// A token on terms.
fn token() -> String {
    format!(
        r#"{{"id":"{TOKEN}","type":"personal","name":"ci bot","description":"","scopes":["deployments:write"],"hint":"x7Qp",
        "state":"live","owner":"{USER}","networks":["10.0.0.0/8"],"rate_limit":{{"requests":100,"per_seconds":60,"burst":20}},
        "quota":{{"credits":1000,"per":"day"}},"allow_query":true,"created_at":"2026-11-22T10:00:00Z","created_by":"{USER}",
        "updated_at":"2026-11-22T10:00:00Z"}}"#
    )
}

#[test]
fn a_token_is_issued_on_terms() {
    let issued = format!(
        r#"{{"secret":"clvp_new","token":{},"receipt":{RECEIPT}}}"#,
        token()
    );
    let stub = Stub::answering([("201 Created", issued)]);
    let arguments = "token issue --name bot --scope deployments:write --rate-limit 100/60s --burst 20 --quota 1000/day \
                     --network 10.0.0.0/8,192.0.2.7 --allow-query";

    let Ran { code, stdout, stderr } = call(&stub, &arguments.split_whitespace().collect::<Vec<_>>());

    assert_eq!((code, stdout.as_str()), (0, "clvp_new\n"));
    expect![[r#"
        POST /v1/tokens HTTP/1.1
        {"type":"personal","name":"bot","scopes":["deployments:write"],"networks":["10.0.0.0/8","192.0.2.7"],"rate_limit":{"requests":100,"per_seconds":60,"burst":20},"quota":{"credits":1000,"per":"day"},"allow_query":true}"#]]
    .assert_eq(&asked(&stub));
    for shown in ["100/60s, 20 at once", "1000/day", "10.0.0.0/8", "in addresses"] {
        assert!(stderr.contains(shown), "{shown}: {stderr}");
    }
}

#[test]
fn what_a_token_is_bound_by_is_lifted_by_a_word() {
    let changed = format!(r#"{{"token":{},"receipt":{RECEIPT}}}"#, token());
    let stub = Stub::answering([("200 OK", changed)]);
    let arguments = [
        "token",
        "update",
        TOKEN,
        "--rate-limit",
        "none",
        "--quota",
        "none",
        "--network",
        "any",
    ];

    assert_eq!(call(&stub, &arguments).code, 0);

    expect![[r#"
        PATCH /v1/tokens/tok_01k9zv5m3r000 HTTP/1.1
        {"networks":null,"rate_limit":null,"quota":null}"#]]
    .assert_eq(&asked(&stub));
}

#[test]
fn a_person_gets_a_limit() {
    let changed = format!(
        r#"{{"user":{{"id":"{USER}","email":"ada@example.org","name":null,"role":"member","state":"active","teams":[],
        "created_at":"2026-11-22T10:00:00Z","deactivated_at":null,"rate_limit":{{"requests":5,"per_seconds":3600,"burst":5}},
        "has_password":true}},"receipt":{RECEIPT}}}"#
    );
    let stub = Stub::answering([("200 OK", changed)]);

    let Ran { code, stdout, .. } = call(&stub, &["user", "limit", USER, "5/1h"]);

    assert_eq!(code, 0);
    assert!(stdout.contains("rate limit  5/3600s"), "{stdout}");
    expect![[r#"
        PATCH /v1/users/usr_01k9zv5m3r000 HTTP/1.1
        {"rate_limit":{"requests":5,"per_seconds":3600}}"#]]
    .assert_eq(&asked(&stub));
}

#[test]
fn a_limit_that_cannot_be_read_is_wrong_usage() {
    for arguments in [
        ["token", "update", TOKEN, "--rate-limit", "fast"],
        ["token", "update", TOKEN, "--quota", "10/week"],
        ["token", "update", TOKEN, "--burst", "5"],
    ] {
        assert_eq!(run(&mut claviger(&arguments), b"").code, 2, "{arguments:?}");
    }
}
