//! What an operator watches and does: health, figures, the log, an orderly end, one server at a time.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use claviger_testkit::{Backend, TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use crate::asking::{decision, rows, unknown_token};
use crate::busy::{Busy, until_queued};

on_both_stores! {
    async fn a_server_is_healthy_and_ready(server: TestServer) {
        let health = server.anonymous().get("/healthz").await;
        let ready = server.anonymous().get("/readyz").await;

        assert_eq!((health.status, health.body.trim()), (200, "ok"));
        ready.expect_status(200);
    }
}

on_both_stores! {
    async fn a_server_whose_store_is_gone_is_healthy_not_ready_and_verifies(server: TestServer) {
        let ci = server.token().issue().await;

        server.service().store().close().await;

        server.anonymous().get("/healthz").await.expect_status(200);
        server.anonymous().get("/readyz").await.expect(expect![[r#"
            503 {
              "type": "/docs/problems#writer_stopped",
              "title": "Writer stopped",
              "status": 503,
              "code": "writer_stopped",
              "detail": "a commit failed; the server takes no changes until it is restarted",
              "request_id": "req_n4wyp071pawyd70xs5"
            }"#]]);
        assert_eq!(decision(server.admin(), ci.secret()).await, "valid");
        assert_eq!(decision(server.admin(), &unknown_token()).await, "unknown");
        let change = server.admin().post(&format!("/v1/tokens/{}/revoke", ci.id()), Value::Null).await;
        assert_eq!(change.status, 503, "what cannot be stored is not acknowledged: {}", change.text());
        assert_eq!(decision(server.admin(), ci.secret()).await, "valid", "and not half done");
    }
}

/// The names of the figures, without their suffixes for buckets.
fn families(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    lines
        .map(|line| line.split(' ').next().unwrap_or_default().to_owned())
        .collect()
}

on_both_stores! {
    async fn the_figures_have_their_documented_names(server: TestServer) {
        let ci = server.token().issue().await;
        decision(server.admin(), ci.secret()).await;
        server.admin().post(&format!("/v1/tokens/{}/revoke", ci.id()), Value::Null).await.expect_status(200);

        let metrics = server.anonymous().get("/metrics").await;

        metrics.expect_status(200);
        let names: Vec<String> = families(&metrics.body).into_iter().collect();
        expect![[r#"
            claviger_failed_sign_ins
            claviger_http_request_duration_seconds
            claviger_http_requests
            claviger_idempotent_replays
            claviger_job_failures
            claviger_last_uses_flushed
            claviger_password_hashes
            claviger_revocation_visibility_seconds
            claviger_store_changes
            claviger_store_commits
            claviger_store_disconnected
            claviger_store_failed_commits
            claviger_store_queue
            claviger_store_reconnects
            claviger_store_writer_stopped
            claviger_tokens_issued
            claviger_tokens_revoked
            claviger_verify_decisions
            claviger_verify_memory_bytes
            claviger_verify_request_duration_seconds
            claviger_verify_tokens"#]].assert_eq(&names.join("\n"));
        // The set-up says what the first administrator may do, the revocation ends a token.
        assert!(metrics.body.contains("claviger_revocation_visibility_seconds_count 2"), "{}", metrics.body);
        assert!(metrics.body.contains("claviger_tokens_issued_total 1"));
        assert!(metrics.body.contains("claviger_tokens_revoked_total 1"));
    }
}

on_both_stores! {
    async fn decisions_are_counted_by_their_code(server: TestServer) {
        let ci = server.token().scopes(["tokens:read"]).issue().await;
        let counted = |text: &str, code: &str| -> u64 {
            let line = text.lines().find(|line| line.starts_with("claviger_verify_decisions_total") && line.contains(&format!("\"{code}\"")));
            line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
        };
        let before = server.anonymous().get("/metrics").await.body;

        for _ in 0..3 {
            decision(server.admin(), &unknown_token()).await;
        }
        decision(server.admin(), "nonsense").await;
        ci.get("/v1/audit/events").await.expect_status(403);

        let after = server.anonymous().get("/metrics").await.body;
        let grown = |code| counted(&after, code) - counted(&before, code);
        assert_eq!((grown("unknown"), grown("malformed"), grown("insufficient_scope")), (3, 1, 1));
    }
}

on_both_stores! {
    async fn figures_name_patterns_and_never_what_a_caller_sent(server: TestServer) {
        let admin = server.admin();
        admin.get(&format!("/v1/tokens/{}", admin.id())).await.expect_status(200);
        admin.get("/made-up/by-a-caller").await.expect_status(404);
        server.anonymous().request("INVENTED".parse().unwrap(), "/v1/tokens", Value::Null).await;

        let metrics = server.anonymous().get("/metrics").await.body;

        for absent in [admin.id(), "made-up", "INVENTED", "127.0.0.1", "admin@example.org"] {
            assert!(!metrics.contains(absent), "{absent}");
        }
        assert!(metrics.contains("/v1/tokens/{id}"));
    }
}

/// The lines of requests, each with its fields.
fn requests(server: &TestServer) -> Vec<Value> {
    let lines = server.log_lines();
    let parsed = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("no JSON: {line}")));
    parsed.filter(|line| line["target"] == "request").collect()
}

on_both_stores! {
    async fn a_request_is_one_line_with_names_and_nothing_secret(server: TestServer) {
        let ci = server.token().name("name of a token").description("text of a person").scopes(["deployments:write"]).issue().await;
        let before = requests(&server).len();
        let caller = ci.header("x-request-id", "release-42").header("x-secret-header", "header value");

        caller.post("/v1/deployments?x=query-value", json!({ "service": "body value", "version": "1" })).await;
        caller.post("/v1/deployments", json!({ "service": "body value", "version": "1" })).await.expect_status(201);

        let lines = requests(&server);
        assert_eq!(lines.len(), before + 2, "one line each");
        let line = lines.last().unwrap();
        let shown = |value: &Value| {
            let mut value = value.clone();
            for changing in ["timestamp", "threadName", "threadId"] {
                value.as_object_mut().unwrap().remove(changing);
            }
            serde_json::to_string_pretty(&value).unwrap()
        };
        expect![[r#"
            {
              "duration_ms": 0.0,
              "level": "INFO",
              "message": "POST /v1/deployments answered 201",
              "method": "POST",
              "request_id": "release-42",
              "route": "/v1/deployments",
              "status": 201,
              "target": "request",
              "token.id": "TOKEN"
            }"#]].assert_eq(&shown(line).replace(ci.id(), "TOKEN"));
        let all = server.log_lines().concat();
        for absent in [
            ci.secret(), server.admin().secret(), "query-value", "body value", "header value", "name of a token", "text of a person",
            "admin@example.org", "127.0.0.1",
        ] {
            assert!(!all.contains(absent), "{absent} is in the log");
        }
    }
}

on_both_stores! {
    async fn a_line_cannot_be_forged(server: TestServer) {
        let forged = "x\n{\"target\":\"request\",\"forged\":true}";
        let anonymous = server.anonymous();

        anonymous.get("/%0a%7b%22target%22%3a%22request%22%2c%22forged%22%3atrue%7d").await.expect_status(404);
        anonymous.post("/v1/tokens/report-leak", json!({ "token": "x", "found_at": forged })).await.expect_status(400);
        server.admin().post("/v1/tokens", json!({ "name": forged, "scopes": ["tokens:read"] })).await.expect_status(400);
        server.admin().post("/v1/deployments", json!({ "service": "s", "version": "1", forged: 1 })).await.expect_status(400);

        assert!(server.log_lines().iter().all(|line| !line.contains("forged")));
    }
}

on_both_stores! {
    async fn a_begun_request_is_finished_before_the_end(mut server: TestServer) {
        let busy = Busy::begin(&server).await;
        let (admin, path) = (server.admin().clone(), "/v1/tokens");
        let call = tokio::spawn(async move { admin.post(path, json!({ "name": "just in time", "scopes": ["tokens:read"] })).await });
        until_queued(&server, 1).await;

        // The store goes on only after the server was told to end.
        let release = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(200)).await;
            busy.end().await;
        });
        server.stop().await;

        release.await.unwrap();
        call.await.unwrap().expect_status(201);
        server.restart().await;
        assert_eq!(rows(&server.admin().get("/v1/tokens?q=just").await).len(), 1);
    }
}

#[tokio::test]
async fn a_second_server_on_the_same_data_refuses_and_says_why() {
    for backend in Backend::all() {
        let server = TestServer::start_on(backend).await;
        let mut second = TestServer::builder()
            .backend(backend)
            .seed(2)
            .without_administrator();
        second = match server.database_url() {
            None => second.setting("data_dir", server.data_dir().to_str().unwrap()),
            Some(url) => second.setting("database", url),
        };

        let Err(refused) = second.try_start().await else {
            panic!("two servers on one {backend:?}")
        };

        let said = format!("{refused:#}");
        assert!(said.contains("use"), "{said}");
        server.admin().get("/v1/tokens").await.expect_status(200);
        server
            .admin()
            .post("/v1/peppers/rotate", Value::Null)
            .await
            .expect_status(200);
    }
}

#[tokio::test]
async fn the_data_is_for_its_owner_only() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("made by the server");
    let mut server = TestServer::builder()
        .setting("data_dir", data.to_str().unwrap())
        .start()
        .await;
    server.flush().await;

    let mut seen = 0;
    let mut open = vec![data];
    while let Some(path) = open.pop() {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
        seen += 1;
        if path.is_dir() {
            open.extend(
                std::fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
    }

    assert!(seen >= 5, "{seen}");
    server.stop().await;
}

on_both_stores! {
    async fn a_backward_jump_of_the_clock_revives_nothing_that_was_ended(server: TestServer) {
        let revoked = server.token().name("revoked one").issue().await;
        server.admin().post(&format!("/v1/tokens/{}/revoke", revoked.id()), Value::Null).await.expect_status(200);

        server.clock().set("2020-01-01T00:00:00Z".parse().unwrap());

        assert_eq!(decision(server.admin(), revoked.secret()).await, "revoked");
        let fresh = server.token().name("made in the past").issue().await;
        assert_eq!(decision(server.admin(), fresh.secret()).await, "valid");
    }
}

on_both_stores! {
    async fn ids_stay_unique_when_the_clock_stands_or_jumps_back(server: TestServer) {
        let mut ids = BTreeSet::new();
        for round in 0..3 {
            for _ in 0..20 {
                assert!(ids.insert(server.token().issue().await.id().to_owned()));
            }
            if round == 1 {
                server.clock().set("2020-01-01T00:00:00Z".parse().unwrap());
            }
        }
    }
}
