//! `Idempotency-Key`: a call that is sent again gets the same answer, and its effect happens once.

use std::time::Duration;

use claviger_testkit::{Answer, Caller, TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use crate::asking::{decision, rows, whole_list};
use crate::busy::{Busy, until_queued};
use crate::scan::Scanner;
use crate::tamper::{Database, TABLES};

fn ci() -> Value {
    json!({ "name": "ci bot", "scopes": ["deployments:write"] })
}

async fn issue(caller: &Caller, key: &str, body: Value) -> Answer {
    caller
        .header("idempotency-key", key)
        .post("/v1/tokens", body)
        .await
}

fn outcome(answer: &Answer) -> String {
    format!("{} {}", answer.status, answer.problem_code().unwrap_or_default())
}

on_both_stores! {
    async fn the_same_call_again_gets_the_same_bytes_and_one_effect(server: TestServer) {
        let first = issue(server.admin(), "retry-1", ci()).await;

        let second = issue(server.admin(), "retry-1", ci()).await;

        first.expect_status(201);
        assert_eq!(second.status, first.status);
        assert_eq!(second.body, first.body, "byte for byte, the secret included");
        assert_eq!(second.header("location"), first.header("location"));
        assert_eq!(second.header("content-type"), first.header("content-type"));
        let replayed = [&first, &second].map(|answer| answer.header("idempotency-replayed"));
        assert_eq!(replayed, [None, Some("true")]);
        assert_eq!(rows(&server.admin().get("/v1/tokens?q=ci").await).len(), 1);
        let events = whole_list(server.admin(), "/v1/audit/events?action=token.issued").await;
        assert_eq!(events.len(), 2, "the administrator's and one more");
    }
}

on_both_stores! {
    async fn every_creating_call_takes_a_key(server: TestServer) {
        let admin = server.admin();
        let target = server.token().issue().await;
        let deployment = json!({ "service": "search", "version": "1.4.2" });

        let team = admin.post("/v1/teams", json!({ "name": "payments" })).await.at("/id");
        let environment = admin.post("/v1/environments", json!({ "name": "staging" })).await.at("/id");

        for (path, body) in [
            ("/v1/deployments".to_owned(), deployment),
            (format!("/v1/tokens/{}/regenerate", target.id()), Value::Null),
            ("/v1/teams".to_owned(), json!({ "name": "search" })),
            ("/v1/services".to_owned(), json!({ "name": "checkout", "team": team })),
            ("/v1/environments".to_owned(), json!({ "name": "production" })),
            ("/v1/stages".to_owned(), json!({ "name": "canary", "environment": environment })),
        ] {
            let caller = admin.header("idempotency-key", &format!("once {path}").replace([' ', '/'], "-"));
            let first = caller.post(&path, body.clone()).await;
            let second = caller.post(&path, body).await;

            assert!(first.status < 300, "{}", first.text());
            assert_eq!((second.status, &second.body), (first.status, &first.body), "{path}");
        }
        assert_eq!(rows(&admin.get("/v1/deployments").await).len(), 1);
    }
}

on_both_stores! {
    async fn a_secret_is_repeated_until_it_is_first_used(server: TestServer) {
        let first = issue(server.admin(), "retry-1", ci()).await;
        issue(server.admin(), "retry-1", ci()).await.expect_status(201);

        assert_eq!(decision(server.admin(), &first.at("/secret")).await, "valid");

        let late = issue(server.admin(), "retry-1", ci()).await;
        late.expect(expect![[r#"
            409 {
              "type": "/docs/problems#secret_already_shown",
              "title": "Secret already shown",
              "status": 409,
              "code": "secret_already_shown",
              "detail": "the secret was shown once and is gone; regenerate the token to get a new one",
              "request_id": "req_n4wyp5t3rk8ckeb8h2"
            }"#]]);
    }
}

on_both_stores! {
    async fn a_secret_is_repeated_for_ten_minutes(server: TestServer) {
        issue(server.admin(), "retry-1", ci()).await.expect_status(201);

        server.clock().advance(Duration::from_micros(600_000_000 - 1));
        issue(server.admin(), "retry-1", ci()).await.expect_status(201);
        server.clock().advance(Duration::from_micros(1));
        let late = issue(server.admin(), "retry-1", ci()).await;

        assert_eq!(outcome(&late), "409 secret_already_shown");
        assert_eq!(rows(&server.admin().get("/v1/tokens?q=ci").await).len(), 1);
    }
}

on_both_stores! {
    async fn after_24_hours_a_key_is_new_again(server: TestServer) {
        let caller = server.admin().header("idempotency-key", "nightly");
        let body = json!({ "service": "search", "version": "1.4.2" });
        let first = caller.post("/v1/deployments", body.clone()).await;

        server.clock().advance(Duration::from_micros(86_400_000_000 - 1));
        let within = caller.post("/v1/deployments", body.clone()).await;
        server.clock().advance(Duration::from_micros(1));
        let after = caller.post("/v1/deployments", body).await;

        assert_eq!(within.body, first.body);
        assert_ne!(after.at("/id"), first.at("/id"));
    }
}

on_both_stores! {
    async fn the_same_key_with_another_request_is_refused(server: TestServer) {
        let caller = server.admin().header("idempotency-key", "retry-1");
        caller.post("/v1/tokens", ci()).await.expect_status(201);

        let another = json!({ "name": "another", "scopes": ["deployments:write"] });
        let other_body = caller.post("/v1/tokens", another).await;
        let other_path = caller.post("/v1/deployments", ci()).await;

        other_body.expect(expect![[r#"
            422 {
              "type": "/docs/problems#idempotency_key_reused",
              "title": "Idempotency key reused",
              "status": 422,
              "code": "idempotency_key_reused",
              "detail": "this Idempotency-Key was used with another request; choose a new one",
              "request_id": "req_n4wyp3bbxn91qc1qpd"
            }"#]]);
        assert_ne!(other_path.status, 201);
        assert_eq!(rows(&server.admin().get("/v1/tokens").await).len(), 2);
    }
}

on_both_stores! {
    async fn a_call_whose_first_has_no_answer_yet_is_told_to_wait(server: TestServer) {
        let busy = Busy::begin(&server).await;
        let caller = server.admin().clone();
        let first = tokio::spawn(async move { issue(&caller, "retry-1", ci()).await });
        until_queued(&server, 1).await;

        let second = issue(server.admin(), "retry-1", ci()).await;
        busy.end().await;
        let first = first.await.unwrap();

        second.expect(expect![[r#"
            409 {
              "type": "/docs/problems#idempotency_in_flight",
              "title": "Idempotency in flight",
              "status": 409,
              "code": "idempotency_in_flight",
              "detail": "the first request with this Idempotency-Key has no answer yet; wait for it",
              "request_id": "req_n4wyp3bbxn91qc1qpd"
            }"#]]);
        first.expect_status(201);
        assert_eq!(issue(server.admin(), "retry-1", ci()).await.body, first.body);
    }
}

on_both_stores! {
    async fn of_16_at_once_one_is_done_and_the_others_wait_or_hear_the_same(server: TestServer) {
        let calls: Vec<_> = (0..16)
            .map(|_| {
                let admin = server.admin().clone();
                tokio::spawn(async move { issue(&admin, "storm", ci()).await })
            })
            .collect();
        let mut bodies = Vec::new();
        for call in calls {
            let answer = call.await.unwrap();
            match outcome(&answer).as_str() {
                "201 " => bodies.push(answer.body),
                "409 idempotency_in_flight" => {}
                other => panic!("{other}"),
            }
        }

        assert!(!bodies.is_empty());
        assert!(bodies.iter().all(|body| *body == bodies[0]));
        assert_eq!(rows(&server.admin().get("/v1/tokens?q=ci").await).len(), 1);
    }
}

on_both_stores! {
    async fn another_callers_equal_key_is_another_key(server: TestServer) {
        let colleague = server.token().scopes(["tokens:write", "deployments:write"]).issue().await;
        let first = issue(server.admin(), "1", ci()).await;

        let theirs = issue(&colleague, "1", json!({ "name": "their own", "scopes": ["deployments:write"] })).await;

        theirs.expect_status(201);
        assert_ne!(theirs.at("/secret"), first.at("/secret"));
    }
}

on_both_stores! {
    async fn a_refused_call_uses_no_key_up(server: TestServer) {
        let refused = issue(server.admin(), "retry-1", json!({ "name": "x", "scopes": ["deployments:write"] })).await;

        refused.expect_status(400);
        issue(server.admin(), "retry-1", ci()).await.expect_status(201);
    }
}

on_both_stores! {
    async fn an_answer_is_repeated_after_a_restart(mut server: TestServer) {
        let first = issue(server.admin(), "retry-1", ci()).await;

        server.restart().await;

        assert_eq!(issue(server.admin(), "retry-1", ci()).await.body, first.body);
    }
}

on_both_stores! {
    async fn an_answer_is_repeated_after_a_rotation_of_the_pepper(server: TestServer) {
        let first = issue(server.admin(), "retry-1", ci()).await;

        server.admin().post("/v1/peppers/rotate", Value::Null).await.expect_status(200);

        assert_eq!(issue(server.admin(), "retry-1", ci()).await.body, first.body);
    }
}

on_both_stores! {
    async fn a_key_is_1_to_255_visible_characters(server: TestServer) {
        let longest = "k".repeat(255);
        for (key, said) in [
            ("k", "201 "),
            (longest.as_str(), "201 "),
            ("", "400 idempotency_key_invalid"),
            (" ", "400 idempotency_key_invalid"),
            ("two words", "400 idempotency_key_invalid"),
            (&format!("{longest}k"), "400 idempotency_key_invalid"),
        ] {
            let body = json!({ "name": format!("token {}", key.len()), "scopes": ["deployments:write"] });
            assert_eq!(outcome(&issue(server.admin(), key, body).await), said, "{} characters", key.len());
        }
    }
}

on_both_stores! {
    async fn a_dump_opens_no_kept_answer(server: TestServer) {
        let key = "a-key-that-only-the-client-knows";
        let secret = issue(server.admin(), key, ci()).await.at("/secret");
        let database = Database::of(&server).await;

        let kept = database.rows("SELECT sealed FROM idempotency WHERE sealed IS NOT NULL").await;
        assert_eq!(kept.len(), 1, "the answer is there");
        let needles = Scanner::of([secret.as_bytes(), key.as_bytes()]);
        for table in TABLES {
            for row in database.rows(&format!("SELECT * FROM {table}")).await {
                for cell in row {
                    assert!(needles.hits(cell.as_bytes()).is_empty(), "{table}");
                }
            }
        }
    }
}

on_both_stores! {
    async fn a_kept_answer_is_forgotten_when_its_secret_was_used(server: TestServer) {
        let secret = issue(server.admin(), "retry-1", ci()).await.at("/secret");
        assert_eq!(decision(server.admin(), &secret).await, "valid");

        server.flush().await;

        let kept = Database::of(&server).await.rows("SELECT sealed FROM idempotency WHERE sealed IS NOT NULL").await;
        assert!(kept.is_empty(), "{kept:?}");
    }
}
