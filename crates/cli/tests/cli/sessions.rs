//! Where people are signed in.

use expect_test::expect;

use crate::{Ran, claviger, run, stub::Stub};

const USER: &str = "usr_01k9zv5m3r000";
const SESSION: &str = "ses_01k9zv5m3r000";

fn call(stub: &Stub, arguments: &[&str]) -> Ran {
    run(
        claviger(arguments)
            .args(["--server", &stub.url])
            .env("CLAVIGER_TOKEN", "clvp_caller"),
        b"",
    )
}

/// The first lines of the requests.
fn asked(stub: &Stub) -> Vec<String> {
    let received = stub.received();
    let lines = received.iter().filter_map(|request| request.lines().next());
    lines.map(str::to_owned).collect()
}

#[test]
fn the_sessions_of_a_person_are_a_table() {
    let page = format!(
        r#"{{"data":[{{"id":"{SESSION}","user":"{USER}","current":false,"created_at":"2026-11-22T10:00:00Z",
        "signed_in_at":"2026-11-22T10:10:00Z","last_seen_at":"2026-11-22T10:20:00Z","idle_ends_at":"2026-11-22T10:50:00Z",
        "ends_at":"2026-11-22T22:00:00Z","address":"192.0.2.1"}}],"next_cursor":null}}"#
    );
    let stub = Stub::answering([("200 OK", page)]);

    let Ran { code, stdout, .. } = call(&stub, &["session", "list", "--user", USER]);

    assert_eq!(code, 0);
    expect![[r#"
        ID                 BEGAN                 LAST SEEN             SIGNED IN             ENDS                  FROM
        ses_01k9zv5m3r000  2026-11-22T10:00:00Z  2026-11-22T10:20:00Z  2026-11-22T10:10:00Z  2026-11-22T22:00:00Z  192.0.2.1
    "#]]
    .assert_eq(&stdout);
    expect![[r#"GET /v1/sessions?user=usr_01k9zv5m3r000&limit=50 HTTP/1.1"#]]
        .assert_eq(&asked(&stub).join("\n"));
}

#[test]
fn a_session_is_ended_by_its_id_and_never_by_its_secret() {
    let stub = Stub::answering([("204 No Content", String::new())]);

    let Ran { code, stdout, .. } = call(&stub, &["session", "end", SESSION]);
    let secret = call(&stub, &["session", "end", "clvb_secret"]);

    assert_eq!((code, stdout), (0, format!("{SESSION} is over\n")));
    assert_eq!(secret.code, 2);
    assert!(!secret.stderr.contains("clvb_secret"), "{}", secret.stderr);
    assert_eq!(asked(&stub), [format!("DELETE /v1/sessions/{SESSION} HTTP/1.1")]);
}

#[test]
fn without_an_id_one_signs_oneself_out_everywhere() {
    let own = format!(
        r#"{{"id":"{USER}","email":"ada@example.org","name":null,"role":"member","state":"active","teams":[],
        "created_at":"2026-11-22T10:00:00Z","deactivated_at":null,"has_password":true}}"#
    );
    let stub = Stub::answering([("200 OK", own), ("200 OK", r#"{"ended":3}"#.to_owned())]);

    let Ran { code, stdout, .. } = call(&stub, &["session", "end-all"]);

    assert_eq!((code, stdout), (0, format!("{USER} is signed out: 3 ended\n")));
    let all = format!("DELETE /v1/users/{USER}/sessions HTTP/1.1");
    assert_eq!(asked(&stub), ["GET /v1/users/self HTTP/1.1".to_owned(), all]);
}
