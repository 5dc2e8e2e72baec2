//! People: who belongs to the organization, how they come, what they may do, and their passwords.

mod invitations;
mod passwords;
mod users;

use claviger_testkit::{Caller, TestServer};
use serde_json::{Value, json};

use crate::asking::text;

/// A password that nobody would try first.
pub(crate) const PASSWORD: &str = "marble otter ferry 41";

/// Invites somebody with this address; gives the secret.
pub(crate) async fn invited(server: &TestServer, email: &str, role: &str) -> String {
    let body = json!({ "email": email, "role": role });
    let answer = server.admin().post("/v1/invitations", body).await;
    answer.expect_status(201).at("/secret")
}

/// Lets somebody with this address join; gives the person and a caller with their first token.
pub(crate) async fn joined(server: &TestServer, email: &str, role: &str) -> (Value, Caller) {
    let secret = invited(server, email, role).await;
    accepted(server, &secret).await
}

/// Accepts an invitation; gives the person and a caller with their first token.
pub(crate) async fn accepted(server: &TestServer, secret: &str) -> (Value, Caller) {
    let answer = server
        .anonymous()
        .post("/v1/invitations/accept", acceptance(secret))
        .await;
    let body = answer.expect_status(201).json();
    (body["user"].clone(), server.bearer(&text(&body, "/secret")))
}

/// The body that accepts an invitation.
pub(crate) fn acceptance(secret: &str) -> Value {
    json!({ "invitation": secret, "name": "Grace Hopper", "password": PASSWORD })
}

/// The path of a person.
pub(crate) fn path_of(user: &Value) -> String {
    format!("/v1/users/{}", text(user, "/id"))
}

/// A new team of this name; gives its id.
async fn team(server: &TestServer, name: &str) -> String {
    let answer = server.admin().post("/v1/teams", json!({ "name": name })).await;
    answer.expect_status(201).at("/id")
}

/// One of each change of people.
pub(crate) async fn every_change(server: &TestServer) {
    let admin = server.admin();
    let withdrawn = json!({ "email": "nobody@example.org" });
    let withdrawn = admin
        .post("/v1/invitations", withdrawn)
        .await
        .at("/invitation/id");
    let (user, grace) = joined(server, "grace@example.org", "member").await;
    let path = path_of(&user);
    let password = json!({ "current": PASSWORD, "new": "velvet hammer 7 clouds" });
    for (caller, method, path, body) in [
        (
            admin,
            "DELETE",
            format!("/v1/invitations/{withdrawn}"),
            Value::Null,
        ),
        (admin, "PATCH", path.clone(), json!({ "name": "Admiral Hopper" })),
        (admin, "PATCH", path.clone(), json!({ "role": "super_admin" })),
        (admin, "POST", format!("{path}/deactivate"), Value::Null),
        (admin, "POST", format!("{path}/reactivate"), Value::Null),
        (admin, "POST", format!("{path}/password-reset"), Value::Null),
        (&grace, "POST", "/v1/users/self/password".to_owned(), password),
    ] {
        let answer = caller.request(method.parse().unwrap(), &path, body).await;
        assert!(answer.status < 300, "{method} {path}: {}", answer.text());
    }
}
