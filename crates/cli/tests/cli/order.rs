//! How an organization is ordered: teams and their members, services, environments, stages.

use expect_test::expect;

use crate::{Ran, claviger, run, stub::Stub};

const RECEIPT: &str = r#"{"epoch":7,"verifiers":{"confirmed":1,"fenced":0},"slowest_ms":0}"#;
const TEAM: &str = "team_01k9zv5m3r000";
const USER: &str = "usr_01k9zv5m3r000";

fn call(stub: &Stub, arguments: &[&str]) -> Ran {
    run(
        claviger(arguments)
            .args(["--server", &stub.url])
            .env("CLAVIGER_TOKEN", "clvp_caller"),
        b"",
    )
}

fn member(email: &str) -> String {
    format!(r#"{{"user":"{USER}","email":"{email}","role":"manager","since":"2026-11-22T10:00:00Z"}}"#)
}

/// The line and the body of the request number `place`.
fn asked(stub: &Stub, place: usize) -> String {
    let received = stub.received();
    let (head, body) = received[place].split_once("\r\n\r\n").unwrap();
    format!("{}\n{body}", head.lines().next().unwrap())
}

#[test]
fn a_team_is_created_and_shown() {
    let team = format!(
        r#"{{"id":"{TEAM}","name":"payments","description":"Money.","members":0,"services":0,
        "created_at":"2026-11-22T10:00:00Z","updated_at":"2026-11-22T10:00:00Z"}}"#
    );
    let stub = Stub::answering([("201 Created", team)]);
    let create = ["team", "create", "--name", "payments", "--description", "Money."];

    let Ran { code, stdout, .. } = call(&stub, &create);

    assert_eq!(code, 0);
    expect![[r#"
        id           team_01k9zv5m3r000
        name         payments
        description  Money.
        members      0
        services     0
        created      2026-11-22T10:00:00Z
        updated      2026-11-22T10:00:00Z
    "#]]
    .assert_eq(&stdout);
    expect![[r#"
        POST /v1/teams HTTP/1.1
        {"name":"payments","description":"Money."}"#]]
    .assert_eq(&asked(&stub, 0));
}

#[test]
fn a_member_is_set_and_the_proof_is_told_beside_it() {
    let changed = format!(
        r#"{{"member":{},"receipt":{RECEIPT}}}"#,
        member("ada@example.org")
    );
    let stub = Stub::answering([("200 OK", changed)]);

    let Ran { code, stdout, stderr } =
        call(&stub, &["team", "member", "set", TEAM, USER, "--role", "manager"]);

    assert_eq!(code, 0);
    expect![[r#"
        USER               EMAIL            ROLE     SINCE
        usr_01k9zv5m3r000  ada@example.org  manager  2026-11-22T10:00:00Z
    "#]]
    .assert_eq(&stdout);
    expect![[r#"
        In force everywhere: epoch 7, confirmed by 1, fenced 0, slowest 0 ms.
    "#]]
    .assert_eq(&stderr);
    expect![[r#"
        PUT /v1/teams/team_01k9zv5m3r000/members/usr_01k9zv5m3r000 HTTP/1.1
        {"role":"manager"}"#]]
    .assert_eq(&asked(&stub, 0));
}

#[test]
fn all_members_of_a_team_are_listed_however_many_requests_it_takes() {
    let page =
        |email: &str, cursor: &str| format!(r#"{{"data":[{}],"next_cursor":{cursor}}}"#, member(email));
    let stub = Stub::answering([
        ("200 OK", page("ada@example.org", r#""c2""#)),
        ("200 OK", page("ben@example.org", "null")),
    ]);

    let Ran { code, stdout, .. } = call(&stub, &["team", "member", "list", TEAM]);

    assert_eq!(code, 0);
    assert!(
        stdout.contains("ada@example.org") && stdout.contains("ben@example.org"),
        "{stdout}"
    );
    expect![[r#"
        GET /v1/teams/team_01k9zv5m3r000/members?limit=200&cursor=c2 HTTP/1.1
    "#]]
    .assert_eq(&asked(&stub, 1));
}

#[test]
fn a_service_is_moved_an_environment_lowered_and_a_stage_advanced() {
    let times = r#""created_at":"2026-11-22T10:00:00Z","updated_at":"2026-11-22T10:00:00Z""#;
    let service = format!(
        r#"{{"service":{{"id":"svc_01k9zv5m3r000","name":"checkout","team":"{TEAM}","description":"",{times}}},"receipt":{RECEIPT}}}"#
    );
    let environment =
        format!(r#"{{"id":"env_01k9zv5m3r000","name":"eu","production":false,"description":"",{times}}}"#);
    let stage = format!(
        r#"{{"id":"stg_01k9zv5m3r000","name":"canary","environment":"env_01k9zv5m3r000","position":1,{times}}}"#
    );
    let stub = Stub::answering([("200 OK", service), ("200 OK", environment), ("200 OK", stage)]);

    let mut shown = String::new();
    for arguments in [
        &["service", "update", "svc_01k9zv5m3r000", "--team", TEAM][..],
        &[
            "environment",
            "update",
            "env_01k9zv5m3r000",
            "--production",
            "false",
        ],
        &["stage", "update", "stg_01k9zv5m3r000", "--position", "1"],
    ] {
        let Ran { code, stdout, stderr } = call(&stub, arguments);
        assert_eq!((code, stderr.as_str()), (0, ""), "{arguments:?}");
        shown.push_str(&stdout);
    }

    expect![[r#"
        id           svc_01k9zv5m3r000
        name         checkout
        team         team_01k9zv5m3r000
        description
        created      2026-11-22T10:00:00Z
        updated      2026-11-22T10:00:00Z
        epoch 7, confirmed by 1, fenced 0, slowest 0 ms
        id           env_01k9zv5m3r000
        name         eu
        production   no
        description
        created      2026-11-22T10:00:00Z
        updated      2026-11-22T10:00:00Z
        id           stg_01k9zv5m3r000
        name         canary
        environment  env_01k9zv5m3r000
        position     1
        created      2026-11-22T10:00:00Z
        updated      2026-11-22T10:00:00Z
    "#]]
    .assert_eq(&shown);
    let requests: Vec<String> = (0..3).map(|place| asked(&stub, place)).collect();
    expect![[r#"
        PATCH /v1/services/svc_01k9zv5m3r000 HTTP/1.1
        {"team":"team_01k9zv5m3r000"}
        PATCH /v1/environments/env_01k9zv5m3r000 HTTP/1.1
        {"production":false}
        PATCH /v1/stages/stg_01k9zv5m3r000 HTTP/1.1
        {"position":1}"#]]
    .assert_eq(&requests.join("\n"));
}

#[test]
fn a_change_without_a_change_and_an_id_of_another_noun_are_wrong_usage_and_never_sent() {
    let stub = Stub::answering([]);

    for arguments in [
        &["team", "update", TEAM][..],
        &["service", "update", "svc_01k9zv5m3r000"],
        &["team", "member", "set", TEAM, USER],
        &["team", "member", "set", TEAM, USER, "--role", "captain"],
        &["team", "show", "tok_01k9zv5m3r000"],
        &["stage", "delete", "clvp_secret"],
    ] {
        let Ran { code, stdout, .. } = call(&stub, arguments);
        assert_eq!((code, stdout.as_str()), (2, ""), "{arguments:?}");
    }
    assert!(stub.received().is_empty());
}
