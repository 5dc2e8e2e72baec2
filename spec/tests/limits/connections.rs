//! Connections: how idle, how many, how long a request takes, how much may wait.

use std::time::{Duration, Instant};

use claviger_testkit::TestServer;
use serde_json::json;

use super::code;
use crate::busy::{Busy, until_queued};
use crate::raw::Raw;

const REQUEST: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server = TestServer::builder()
        .setting("limits.idle", "200ms")
        .start()
        .await;
    let mut raw = Raw::connect(&server);
    raw.send(REQUEST);
    assert_eq!(raw.answer().status, 200);
    let began = Instant::now();

    assert_eq!(raw.until_closed(), b"");

    assert!(began.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn above_the_cap_a_connection_waits_its_turn() {
    let server = TestServer::builder()
        .setting("limits.connections", "3")
        .without_administrator()
        .start()
        .await;
    let mut open: Vec<Raw> = (0..3).map(|_| Raw::connect(&server)).collect();
    for raw in &mut open {
        raw.send(REQUEST);
        assert_eq!(raw.answer().status, 200);
    }

    let mut fourth = Raw::connect(&server);
    fourth.send(REQUEST);
    let early = fourth.answer_within(Duration::from_millis(300));
    drop(open.pop());
    let late = fourth.answer();

    assert_eq!(early, None);
    assert_eq!(late.status, 200);
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answers_loses_the_connection() {
    let server = TestServer::builder()
        .setting("limits.write", "300ms")
        .start()
        .await;
    let mut raw = Raw::connect(&server);
    let began = Instant::now();

    // Asks without end and never reads: the answers fill every buffer on the way.
    let asked = "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
    while raw.send(&asked) {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "the server still takes requests"
        );
    }
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_answered_with_503() {
    let server = TestServer::builder()
        .setting("limits.request_time", "200ms")
        .start()
        .await;
    let busy = Busy::begin(&server).await;

    let late = server
        .admin()
        .post(
            "/v1/tokens",
            json!({ "name": "in doubt", "scopes": ["tokens:read"] }),
        )
        .await;
    let meanwhile = server.admin().post("/v1/verify", json!({ "token": "x" })).await;
    busy.end().await;

    assert_eq!(code(&late), "503 request_timeout");
    meanwhile.expect_status(200);
    // It was queued, so it is done: the answer said that nobody knew.
    assert_eq!(
        server.admin().get("/v1/tokens?q=in%20doubt").await.json()["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn what_the_writer_cannot_queue_is_told_to_come_again() {
    let server = TestServer::start().await;
    let busy = Busy::begin(&server).await;
    let store = server.service().store().clone();
    let queued: Vec<_> = (0..4_096)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                store
                    .write(async |_| Ok::<_, claviger_store::StoreError>(()))
                    .await
            })
        })
        .collect();
    until_queued(&server, 4_096).await;

    let refused = server
        .admin()
        .post(
            "/v1/tokens",
            json!({ "name": "too much", "scopes": ["tokens:read"] }),
        )
        .await;
    let verified = server.admin().post("/v1/verify", json!({ "token": "x" })).await;
    busy.end().await;

    assert!(
        matches!(code(&refused).as_str(), "503 busy" | "429 busy"),
        "{}",
        refused.text()
    );
    assert!(
        refused
            .header("retry-after")
            .is_some_and(|seconds| seconds.parse::<u32>().is_ok())
    );
    verified.expect_status(200);
    for write in queued {
        // One of them may have been one too many.
        let _ = write.await.unwrap();
    }
    server
        .admin()
        .post(
            "/v1/tokens",
            json!({ "name": "too much", "scopes": ["tokens:read"] }),
        )
        .await
        .expect_status(201);
}
