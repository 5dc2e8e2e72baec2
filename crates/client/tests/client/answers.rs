//! What the client makes of every kind of answer.

use std::time::Duration;

use claviger_client::{Client, Error};
use expect_test::expect;

use crate::stub::{Stub, answer, json};

const ID: &str = "tok_01k9zv5m3r000";

#[tokio::test]
async fn a_refusal_is_a_problem_with_its_code_and_request() {
    let body = r#"{"type":"/docs/problems#token_not_found","title":"Token not found","status":404,
        "code":"token_not_found","detail":"no token with this id","request_id":"req-7"}"#;
    let stub = Stub::answering([answer("404 Not Found", "application/problem+json", body)]).await;

    let error = Client::anonymous(&stub.url)
        .unwrap()
        .show_token(ID)
        .await
        .unwrap_err();

    assert_eq!(error.problem().unwrap().code, "token_not_found");
    assert_eq!(error.request_id(), Some("req-7"));
    expect!["no token with this id (404, token_not_found)"].assert_eq(&error.to_string());
}

#[tokio::test]
async fn a_page_of_a_proxy_is_not_taken_for_an_answer() {
    let stub = Stub::answering([
        answer("200 OK", "text/html", "<h1>Welcome</h1>"),
        answer("502 Bad Gateway", "text/html", "<h1>Bad Gateway</h1>"),
    ])
    .await;
    let client = Client::anonymous(&stub.url).unwrap();

    for status in [200, 502] {
        let error = client.show_token(ID).await.unwrap_err();

        assert!(
            matches!(error, Error::Unexpected { status: seen, .. } if seen == status),
            "{error}"
        );
        assert_eq!(error.request_id(), Some("req-7"));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let target = Stub::answering([json("{}")]).await;
    let moved = format!(
        "HTTP/1.1 307 Moved\r\nlocation: {}/\r\ncontent-length: 0\r\n\r\n",
        target.url
    );
    let stub = Stub::answering([moved]).await;

    let error = Client::anonymous(&stub.url)
        .unwrap()
        .show_token(ID)
        .await
        .unwrap_err();

    expect!["unexpected answer with status 307: a redirect, which is not followed"]
        .assert_eq(&error.to_string());
    assert_eq!(target.received(), "");
}

#[tokio::test]
async fn a_server_that_is_away_was_certainly_not_reached() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);

    let error = Client::anonymous(&url).unwrap().ready().await.unwrap_err();

    assert!(error.is_unreached());
    expect!["cannot connect to the server"].assert_eq(&error.to_string());
}

#[tokio::test]
async fn silence_ends_with_an_unknown_outcome() {
    // It listens and never answers: the connection waits in the backlog.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let client = Client::builder(&url)
        .timeout(Duration::from_millis(50))
        .build()
        .unwrap();

    let error = client.show_token(ID).await.unwrap_err();

    assert!(!error.is_unreached());
    expect!["no answer in time; the outcome is unknown"].assert_eq(&error.to_string());
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let huge = answer("200 OK", "application/json", &"x".repeat((16 << 20) + 1));
    let stub = Stub::answering([huge]).await;

    let error = Client::anonymous(&stub.url).unwrap().peppers().await.unwrap_err();

    expect!["unexpected answer with status 200: the body is longer than 16 MiB"]
        .assert_eq(&error.to_string());
}

#[tokio::test]
async fn an_export_gives_whole_lines_and_notices_a_torn_one() {
    let stub = Stub::answering([
        answer("200 OK", "application/x-ndjson", "{\"seq\":1}\n{\"seq\":2}\n"),
        answer("200 OK", "application/x-ndjson", "{\"seq\":1}\n{\"se"),
    ])
    .await;
    let client = Client::anonymous(&stub.url).unwrap();

    let mut whole = client
        .export_audit(Some("2026-11-22T10:00:00Z"), None)
        .await
        .unwrap();
    assert_eq!(whole.next_line().await.unwrap().as_deref(), Some("{\"seq\":1}"));
    assert_eq!(whole.next_line().await.unwrap().as_deref(), Some("{\"seq\":2}"));
    assert_eq!(whole.next_line().await.unwrap(), None);

    let mut torn = client.export_audit(None, None).await.unwrap();
    assert_eq!(torn.next_line().await.unwrap().as_deref(), Some("{\"seq\":1}"));
    assert!(matches!(torn.next_line().await, Err(Error::Unexpected { .. })));
    expect![[r#"
        GET /v1/audit/export?since=2026-11-22T10%3A00%3A00Z HTTP/1.1

        GET /v1/audit/export HTTP/1.1
    "#]]
    .assert_eq(&stub.received());
}
