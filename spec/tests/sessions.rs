//! `/v1/sessions`: people act with a browser: sign in, be the person, confirm, sign out.

mod cross_site;
mod ends;
mod manage;
mod power;
mod sign_in;
mod step_up;

use claviger_testkit::{Answer, Caller, TestServer};
use serde_json::{Value, json};

use crate::people::{PASSWORD, joined};

/// Status, and code of the problem.
fn outcome(answer: &Answer) -> (u16, String) {
    (answer.status, answer.problem_code().unwrap_or_default())
}

/// What a request with a session that is over is told.
fn over() -> (u16, String) {
    (401, "session_invalid".to_owned())
}

/// The outcome of asking for one's own session, which every session may.
async fn own(caller: &Caller) -> (u16, String) {
    outcome(&caller.get("/v1/sessions/self").await)
}

fn live() -> (u16, String) {
    (200, String::new())
}

/// Tries to sign in.
async fn try_sign_in(server: &TestServer, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    server.anonymous().post("/v1/sessions", body).await
}

/// Somebody of this role, who is signed in; gives the person too.
async fn signed_in(server: &TestServer, email: &str, role: &str) -> (Value, Caller) {
    let (user, _) = joined(server, email, role).await;
    (user, server.signed_in(email, PASSWORD).await)
}

/// One of each change of sessions.
pub(crate) async fn every_change(server: &TestServer) {
    let (_, admiral) = signed_in(server, "admiral@example.org", "member").await;
    try_sign_in(server, "admiral@example.org", "wrong horse battery")
        .await
        .expect_status(401);
    admiral
        .post("/v1/sessions/self/confirm", json!({ "password": PASSWORD }))
        .await
        .expect_status(200);
    let again = server.signed_in("admiral@example.org", PASSWORD).await;
    again.delete("/v1/sessions/self").await.expect_status(204);
    server.flush().await;
}
