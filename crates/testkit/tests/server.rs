//! What a test may rely on: the test server is a whole server, repeatable, and alone with its data and its log.

use std::time::Duration;

use claviger_testkit::{Backend, TestServer, on_both_stores};
use serde_json::json;

async fn issue_and_use(server: &TestServer) -> String {
    let ci = server.token().scopes(["deployments:write"]).issue().await;
    let reported = ci
        .post(
            "/v1/deployments",
            json!({ "service": "search", "version": "1.4.2" }),
        )
        .await;
    let refused = ci.get("/v1/tokens").await;
    format!(
        "{} {}\n{}\n{}",
        ci.secret(),
        ci.record(),
        reported.text(),
        refused.text()
    )
}

#[tokio::test]
async fn the_same_seed_and_calls_give_the_same_bytes() {
    let first = issue_and_use(&TestServer::start().await).await;
    let second = issue_and_use(&TestServer::start().await).await;
    let other = issue_and_use(&TestServer::builder().seed(2).start().await).await;

    assert_eq!(first, second);
    assert_ne!(first, other);
}

on_both_stores! {
    async fn tokens_outlive_a_restart_and_revocations_too(mut server: TestServer) {
        let kept = server.token().issue().await;
        let ended = server.token().issue().await;
        server.admin().post(&format!("/v1/tokens/{}/revoke", ended.id()), json!(null)).await.expect_status(200);

        server.restart().await;

        kept.get("/v1/tokens/self").await.expect_status(200);
        ended.get("/v1/tokens/self").await.expect_status(401);
        server.admin().get("/v1/tokens").await.expect_status(200);
    }
}

#[tokio::test]
async fn time_passes_when_the_test_says_so() {
    let server = TestServer::start().await;
    let token = server.token().expires_in(Duration::from_secs(60)).issue().await;

    server.clock().advance(Duration::from_micros(59_999_999));
    token.get("/v1/tokens/self").await.expect_status(200);

    server.clock().advance(Duration::from_micros(1));
    token.get("/v1/tokens/self").await.expect_status(401);
}

#[tokio::test]
async fn each_server_has_a_log_of_its_own_without_secrets() {
    let (one, other) = (
        TestServer::start().await,
        TestServer::builder().seed(2).start().await,
    );
    let token = one.token().issue().await;

    token.get("/v1/tokens/self").await.expect_status(200);

    let log = one.log_lines();
    let line = log.iter().rfind(|line| line.contains("/v1/tokens/self")).unwrap();
    assert!(
        line.contains(r#""status":200"#) && line.contains(token.id()),
        "{line}"
    );
    assert!(log.iter().all(|line| !line.contains(token.secret())));
    assert!(other.log_lines().iter().all(|line| !line.contains(token.id())));
}

#[tokio::test]
async fn the_first_administrator_can_be_made_with_the_printed_code() {
    let server = TestServer::builder().without_administrator().start().await;
    let code = server.service().setup_code().await.unwrap().unwrap();

    let answer = server
        .anonymous()
        .post("/v1/setup", json!({ "code": code, "email": "ada@example.org" }))
        .await;

    answer.expect_status(201);
    server
        .bearer(&answer.at("/secret"))
        .get("/v1/tokens")
        .await
        .expect_status(200);
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused() {
    let server = TestServer::start().await;
    let directory = server.data_dir().to_str().unwrap();

    let second = TestServer::builder()
        .setting("data_dir", directory)
        .try_start()
        .await;

    let said = format!("{:#}", second.err().unwrap());
    assert!(said.contains("in use") || said.contains("another"), "{said}");
}

on_both_stores! {
    async fn a_lost_key_file_stops_the_start(mut server: TestServer) {
        let token = server.token().issue().await;
        let keys = server.data_dir().join("keys/peppers");
        let kept = std::fs::read(&keys).unwrap();
        std::fs::remove_file(&keys).unwrap();

        let said = format!("{:#}", server.try_restart().await.err().unwrap());

        assert!(said.contains("there is no key file") && !keys.exists(), "{said}");
        std::fs::write(&keys, kept).unwrap();
        std::fs::set_permissions(&keys, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        server.restart().await;
        token.get("/v1/tokens/self").await.expect_status(200);
    }
}

#[tokio::test]
async fn peppers_of_the_configuration_cannot_be_rotated_through_the_api() {
    let key = |first: u8| {
        (first..first + 32)
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let server = TestServer::builder()
        .setting("pepper", key(1))
        .setting("audit_key", key(64))
        .start()
        .await;

    let answer = server.admin().post("/v1/peppers/rotate", json!(null)).await;

    assert_eq!(answer.status, 409, "{}", answer.text());
    assert!(!server.data_dir().join("keys/peppers").exists());
}

#[tokio::test]
async fn postgres_holds_the_data_when_it_is_asked_to() {
    let server = TestServer::start_on(Backend::Postgres).await;

    assert!(server.database_url().is_some());
    assert!(!server.data_dir().join("claviger.db").exists());
    server.admin().get("/v1/tokens/self").await.expect_status(200);
}
