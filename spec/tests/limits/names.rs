//! Texts, request ids, credentials and paths: how long.

use claviger_testkit::TestServer;
use reqwest::Method;
use serde_json::{Value, json};

use crate::asking::refused_fields;

#[tokio::test]
async fn texts_end_at_their_limits() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let label = |size: usize| json!({ "service": "s".repeat(size), "version": "1" });

    admin.post("/v1/deployments", label(128)).await.expect_status(201);
    assert_eq!(
        refused_fields(&admin.post("/v1/deployments", label(129)).await),
        ["service text_too_long"]
    );
    let leak = |size: usize| json!({ "token": "x", "found_at": "f".repeat(size) });
    admin
        .post("/v1/tokens/report-leak", leak(128))
        .await
        .expect_status(404);
    assert_eq!(
        refused_fields(&admin.post("/v1/tokens/report-leak", leak(129)).await),
        ["found_at text_too_long"]
    );
}

#[tokio::test]
async fn a_request_id_of_128_characters_is_kept_and_a_longer_one_replaced() {
    let server = TestServer::start().await;
    for (size, kept) in [(128, true), (129, false)] {
        let id = "r".repeat(size);
        let answer = server
            .anonymous()
            .header("x-request-id", &id)
            .get("/healthz")
            .await;
        assert_eq!(answer.header("x-request-id") == Some(id.as_str()), kept);
    }
}

#[tokio::test]
async fn a_very_long_credential_or_path_is_only_refused() {
    let server = TestServer::start().await;
    let long = "a".repeat(8_000);

    server.bearer(&long).get("/v1/tokens").await.expect_status(401);
    server
        .admin()
        .get(&format!("/v1/tokens/{long}"))
        .await
        .expect_status(404);
    server.admin().get(&format!("/v1/tokens?q={long}")).await;
    server
        .admin()
        .request(Method::GET, &format!("/v1/tokens?cursor={long}"), Value::Null)
        .await
        .expect_status(400);
}
