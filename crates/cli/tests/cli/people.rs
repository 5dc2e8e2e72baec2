//! People, and the invitations by which they come.

use expect_test::expect;

use crate::{Ran, claviger, run, stub::Stub};

const RECEIPT: &str = r#"{"epoch":7,"verifiers":{"confirmed":1,"fenced":0},"slowest_ms":0}"#;
const USER: &str = "usr_01k9zv5m3r000";
const INVITATION: &str = "inv_01k9zv5m3r000";

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

fn user(role: &str) -> String {
    format!(
        r#"{{"id":"{USER}","email":"ada@example.org","name":null,"role":"{role}","state":"active",
        "teams":[{{"team":"team_01k9zv5m3r000","name":"payments","role":"manager"}}],
        "created_at":"2026-11-22T10:00:00Z","deactivated_at":null,"has_password":true}}"#
    )
}

#[test]
fn without_an_id_one_sees_oneself() {
    let stub = Stub::answering([("200 OK", user("member"))]);

    let Ran { code, stdout, .. } = call(&stub, &["user", "show"]);

    assert_eq!(code, 0);
    expect![[r#"
        id        usr_01k9zv5m3r000
        email     ada@example.org
        name
        role      member
        state     active
        teams     payments (manager)
        password  yes
        created   2026-11-22T10:00:00Z
    "#]]
    .assert_eq(&stdout);
    expect![[r#"
        GET /v1/users/self HTTP/1.1
    "#]]
    .assert_eq(&asked(&stub));
}

#[test]
fn a_role_is_given_and_the_proof_is_told_beside_it() {
    let changed = format!(r#"{{"user":{},"receipt":{RECEIPT}}}"#, user("super_admin"));
    let stub = Stub::answering([("200 OK", changed)]);

    let Ran { code, stderr, .. } = call(&stub, &["user", "role", USER, "super_admin"]);

    assert_eq!(code, 0);
    expect![[r#"
        In force everywhere: epoch 7, confirmed by 1, fenced 0, slowest 0 ms.
    "#]]
    .assert_eq(&stderr);
    expect![[r#"
        PATCH /v1/users/usr_01k9zv5m3r000 HTTP/1.1
        {"role":"super_admin"}"#]]
    .assert_eq(&asked(&stub));
}

#[test]
fn the_secret_of_a_reset_goes_alone_to_the_standard_output() {
    let reset = r#"{"secret":"clvw_secret","expires_at":"2026-11-22T10:15:00Z"}"#;
    let stub = Stub::answering([("201 Created", reset.to_owned())]);

    let Ran { code, stdout, stderr } = call(&stub, &["user", "reset-password", USER]);

    assert_eq!((code, stdout.as_str()), (0, "clvw_secret\n"));
    expect![[r#"
        Hand it to the person now: it is shown this once, and good until 2026-11-22T10:15:00Z.
    "#]]
    .assert_eq(&stderr);
    expect![[r#"
        POST /v1/users/usr_01k9zv5m3r000/password-reset HTTP/1.1
    "#]]
    .assert_eq(&asked(&stub));
}

#[test]
fn the_secret_of_an_invitation_goes_alone_to_the_standard_output() {
    let made = format!(
        r#"{{"invitation":{{"id":"{INVITATION}","email":"ada@example.org","role":"member","teams":[],"created_by":"{USER}",
        "created_at":"2026-11-22T10:00:00Z","expires_at":"2026-11-25T10:00:00Z","state":"open"}},"secret":"clvi_secret"}}"#
    );
    let stub = Stub::answering([("201 Created", made)]);
    let create = [
        "invitation",
        "create",
        "ada@example.org",
        "--team",
        "team_01k9zv5m3r000:manager,team_01k9zv5m3r001",
        "--days",
        "3",
    ];

    let Ran { code, stdout, stderr } = call(&stub, &create);

    assert_eq!((code, stdout.as_str()), (0, "clvi_secret\n"));
    expect![[r#"
        ID                 EMAIL            ROLE    STATE  EXPIRES               BY
        inv_01k9zv5m3r000  ada@example.org  member  open   2026-11-25T10:00:00Z  usr_01k9zv5m3r000
        Hand the secret over now: it is shown this once.
    "#]]
    .assert_eq(&stderr);
    expect![[r#"
        POST /v1/invitations HTTP/1.1
        {"email":"ada@example.org","role":"member","teams":[{"team":"team_01k9zv5m3r000","role":"manager"},{"team":"team_01k9zv5m3r001","role":"member"}],"expires_in_days":3}"#]].assert_eq(&asked(&stub));
}

#[test]
fn an_invitation_is_withdrawn_by_its_id_and_never_by_its_secret() {
    let stub = Stub::answering([("204 No Content", String::new())]);

    let Ran { code, stdout, .. } = call(&stub, &["invitation", "withdraw", INVITATION]);
    let secret = call(&stub, &["invitation", "withdraw", "clvi_secret"]);

    assert_eq!((code, stdout), (0, format!("{INVITATION} is withdrawn\n")));
    assert_eq!(secret.code, 2);
    assert!(!secret.stderr.contains("clvi_secret"), "{}", secret.stderr);
    assert_eq!(stub.received().len(), 1, "and nothing is sent");
}
