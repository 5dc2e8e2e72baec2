//! Plain questions are answered on the express lane: in order, in any pieces, and beside everything else on the same connection.

use claviger_testkit::{TestServer, on_both_stores};
use serde_json::{Value, json};

use crate::raw::{Raw, RawAnswer};

/// A plain question about `token`.
fn question(server: &TestServer, token: &str) -> String {
    let body = json!({ "token": token }).to_string();
    format!(
        "POST /v1/verify HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        server.admin().secret(),
        body.len()
    )
}

fn code(answer: &RawAnswer) -> String {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    format!("{} {}", answer.status, body["code"].as_str().unwrap_or("other"))
}

on_both_stores! {
    async fn questions_that_come_together_are_answered_in_their_order(server: TestServer) {
        let live = server.token().name("live").issue().await;
        let dead = server.token().name("dead").issue().await;
        server.admin().post(&format!("/v1/tokens/{}/revoke", dead.id()), Value::Null).await.expect_status(200);
        let mut raw = Raw::connect(&server);

        let (about_live, about_dead) = (question(&server, live.secret()), question(&server, dead.secret()));
        let other = "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
        raw.send(format!("{about_live}{about_dead}{about_live}{other}{about_dead}"));

        let answers: Vec<String> = (0..5).map(|_| code(&raw.answer())).collect();
        assert_eq!(answers, ["200 valid", "200 revoked", "200 valid", "200 other", "200 revoked"]);
    }
}

#[tokio::test]
async fn a_question_may_come_in_pieces() {
    let server = TestServer::start().await;
    let token = server.token().issue().await;
    let question = question(&server, token.secret());
    let mut raw = Raw::connect(&server);

    for cut in [1, 24, 26, 60, question.len() - 1] {
        raw.send(&question[..cut]);
        raw.send(&question[cut..]);

        assert_eq!(code(&raw.answer()), "200 valid", "cut at {cut}");
    }
}

#[tokio::test]
async fn a_connection_that_asks_for_something_else_goes_on_asking() {
    let server = TestServer::start().await;
    let token = server.token().issue().await;
    let plain = question(&server, token.secret());
    let mut raw = Raw::connect(&server);

    for request in [
        plain.clone(),
        plain.replace("Host: h", "Host: h\r\nX-Odd: 1"),
        plain.clone(),
        plain.replace("Host: h", "Host: h\r\nConnection: close"),
    ] {
        raw.send(&request);
        assert_eq!(code(&raw.answer()), "200 valid", "{request}");
    }

    assert_eq!(raw.until_closed(), b"", "the last one asked for the end");
}

#[tokio::test]
async fn half_a_question_is_waited_for_no_longer_than_any_other_request() {
    let server = TestServer::builder()
        .setting("limits.header_time", "300ms")
        .setting("limits.idle", "300ms")
        .start()
        .await;
    let token = server.token().issue().await;
    let question = question(&server, token.secret());

    for cut in [0, 10, 80] {
        let mut raw = Raw::connect(&server);
        raw.send(&question[..cut]);

        assert_eq!(raw.until_closed(), b"", "{cut} bytes");
    }
}
