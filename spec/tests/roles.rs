//! `/v1/roles`, `/v1/kinds`, and what assignments let a token do: `devtron.md` §2 and D11–D13.

mod assignments;
mod catalogue;

use claviger_testkit::{Answer, Caller, TestServer};
use serde_json::{Value, json};

/// Makes one thing; gives its id.
async fn made(server: &TestServer, path: &str, body: Value) -> String {
    server.admin().post(path, body).await.expect_status(201).at("/id")
}

/// An assignment of a role everywhere.
fn everywhere(role: &str) -> Value {
    json!({ "role": role, "teams": "*", "environments": "*", "names": "*" })
}

/// What the verify door says of an action on a resource.
async fn decided(server: &TestServer, secret: &str, action: &str, resource: Value) -> String {
    let body = json!({ "token": secret, "action": action, "resource": resource });
    let answer = server.admin().post("/v1/verify", body).await;
    answer.expect_status(200).at("/code")
}

/// A token with these roles and no scopes; gives its secret.
async fn with_roles(issuer: &Caller, name: &str, roles: Value) -> String {
    let body = json!({ "name": name, "type": "global", "roles": roles });
    issuer
        .post("/v1/tokens", body)
        .await
        .expect_status(201)
        .at("/secret")
}

/// Status and code of an answer.
fn outcome(answer: &Answer) -> (u16, String) {
    (answer.status, answer.problem_code().unwrap_or_default())
}

/// One of each change of roles and kinds.
pub(crate) async fn every_change(server: &TestServer) {
    let admin = server.admin();
    let user = admin.record()["owner"].as_str().unwrap().to_owned();
    let kind = json!({ "actions": ["toggle"] });
    let role = json!({ "grants": [{ "kind": "feature-flag", "actions": ["toggle"] }] });
    admin.put("/v1/kinds/feature-flag", kind).await.expect_status(200);
    admin.put("/v1/roles/flagger", role).await.expect_status(200);
    for roles in [json!([everywhere("flagger")]), json!([])] {
        let body = json!({ "roles": roles });
        admin
            .patch(&format!("/v1/users/{user}"), body)
            .await
            .expect_status(200);
    }
    admin.delete("/v1/roles/flagger").await.expect_status(204);
    admin.delete("/v1/kinds/feature-flag").await.expect_status(204);
}

/// Makes a token somebody else's, behind the server's back. The server restarts, so that it knows.
pub(crate) async fn hand_over(server: &mut TestServer, token: &str, user: &str) {
    let number = |id: &str| {
        let (_, digits) = id.split_once('_').unwrap();
        let digit = |letter: char| "0123456789abcdefghjkmnpqrstvwxyz".find(letter).unwrap();
        digits
            .chars()
            .fold(0_u64, |number, letter| number * 32 + digit(letter) as u64)
    };
    let database = crate::tamper::Database::of(server).await;
    let user = number(user);
    let sql = format!(
        "UPDATE token SET owner_id = {user}, holder_id = {user} WHERE id = {}",
        number(token)
    );
    database.execute(&sql).await;
    server.restart().await;
}
