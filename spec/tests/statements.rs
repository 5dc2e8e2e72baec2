//! The numbered statements: those of the management contract (`D1`–`D19`) and of the threats (`T5`–`T35`), each as a test that bears its
//! number. D11 to D13 are in `roles/assignments.rs`; other modules look at the same things closer.

mod life;
mod rights;
mod threats;

use claviger_testkit::{Answer, Caller, TestServer};
use serde_json::{Value, json};

/// Asks for a token with these fields besides a name and a scope.
async fn ask(caller: &Caller, name: &str, fields: Value) -> Answer {
    let mut body = json!({ "name": name, "scopes": ["deployments:write"] });
    body.as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    caller.post("/v1/tokens", body).await
}

/// The status that whoever presents this secret gets.
async fn presented(server: &TestServer, secret: &str) -> u16 {
    server.bearer(secret).get("/v1/tokens/self").await.status
}

/// Status and code of an answer.
fn outcome(answer: &Answer) -> (u16, String) {
    (answer.status, answer.problem_code().unwrap_or_default())
}
