//! `POST /v1/tokens/report-leak`: whoever found a token may end it, and learns nothing else.

use std::time::Duration;

use claviger_testkit::{TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use crate::asking::{actions_about, at_every_door, refused_everywhere, text, unknown_token};

on_both_stores! {
    async fn a_found_token_is_dead_when_the_report_is_answered(server: TestServer) {
        let ci = server.token().name("ci bot").issue().await;
        let report = json!({ "token": ci.secret(), "found_at": "https://paste.example.org/7" });

        let answer = server.anonymous().post("/v1/tokens/report-leak", report).await;

        assert_eq!(at_every_door(&server, ci.secret()).await, refused_everywhere("revoked"));
        answer.expect(expect![[r#"
            200 {
              "id": "tok_1m81b5h800003",
              "receipt": {"epoch": 4, "verifiers": {"confirmed": 1, "fenced": 0}, "slowest_ms": 0}
            }"#]]);
        let record = server.admin().get(&format!("/v1/tokens/{}", ci.id())).await.json();
        assert_eq!(text(&record, "/revoke_reason"), "leaked");
        assert_eq!(text(&record, "/revoke_note"), "https://paste.example.org/7");
        assert_eq!(record["last_used_at"], Value::Null, "a report is no use");
        assert_eq!(actions_about(&server, ci.id()).await, ["token.issued", "token.revoked"]);
    }
}

on_both_stores! {
    async fn everything_that_is_no_live_token_here_gets_one_answer(server: TestServer) {
        let admin = server.admin();
        let revoked = server.token().name("revoked one").issue().await;
        let expired = server.token().name("expired one").expires_in(Duration::from_secs(1)).issue().await;
        let deleted = server.token().name("deleted one").issue().await;
        for ended in [&revoked, &deleted] {
            admin.post(&format!("/v1/tokens/{}/revoke", ended.id()), Value::Null).await.expect_status(200);
        }
        admin.delete(&format!("/v1/tokens/{}", deleted.id())).await.expect_status(204);
        server.clock().advance(Duration::from_secs(1));
        let unknown = unknown_token();

        let mut answers = Vec::new();
        let ended = [revoked.secret(), expired.secret(), deleted.secret()];
        let nothing = [&unknown, "nonsense", "", "clvp_", &unknown[1..]];
        for token in ended.into_iter().chain(nothing) {
            let finder = server.anonymous().header("x-request-id", "the-same");
            let answer = finder.post("/v1/tokens/report-leak", json!({ "token": token })).await;
            let headers: Vec<String> = answer
                .headers
                .iter()
                .filter(|(name, _)| *name != "date")
                .map(|(name, value)| format!("{name}: {value:?}"))
                .collect();
            answers.push((answer.text(), headers));
        }

        expect![[r#"
            404 {
              "type": "/docs/problems#token_not_found",
              "title": "Token not found",
              "status": 404,
              "code": "token_not_found",
              "detail": "there is no such token",
              "request_id": "the-same"
            }"#]].assert_eq(&answers[0].0);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    }
}

on_both_stores! {
    async fn a_report_needs_no_credential_and_heeds_none(server: TestServer) {
        let first = server.token().name("first").issue().await;
        let second = server.token().name("second").issue().await;

        let report = json!({ "token": first.secret() });
        let with_junk = server.bearer("junk").post("/v1/tokens/report-leak", report.clone()).await;
        let with_another = second.post("/v1/tokens/report-leak", report).await;

        with_junk.expect_status(200);
        with_another.expect_status(404);
        second.get("/v1/tokens/self").await.expect_status(200);
    }
}

on_both_stores! {
    async fn the_finder_may_bring_it_in_the_form_of_rfc_8959(server: TestServer) {
        let ci = server.token().issue().await;

        let report = json!({ "token": format!("secret-token:{}", ci.secret()) });
        let answer = server.anonymous().post("/v1/tokens/report-leak", report).await;

        assert_ne!(answer.status, 500);
        let dead = at_every_door(&server, ci.secret()).await == refused_everywhere("revoked");
        assert_eq!(answer.status == 200, dead, "the answer says what was done");
    }
}
