//! Which decision a presented token gets, and that asking costs no write.

use std::time::Duration;

use claviger_testkit::{TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use crate::asking::{ALL_SCOPES, decision, refusal, trimmed, unknown_token, verified};

on_both_stores! {
    async fn a_live_token_is_valid(server: TestServer) {
        let ci = server.token().name("ci bot").scopes(["deployments:write", "deployments:read"]).issue().await;
        let asked = json!({ "token": ci.secret(), "scopes": ["deployments:write"], "address": "192.0.2.7" });

        server.admin().post("/v1/verify", asked).await.expect(expect![[r#"
            200 {
              "valid": true,
              "code": "valid",
              "token": {
                "id": "tok_1m81b5h800003",
                "type": "personal",
                "owner": "usr_1m81b5h800001",
                "organization": "org_1m81b5h800000",
                "scopes": ["deployments:read", "deployments:write"],
                "expires_at": "2027-02-20T10:00:00Z"
              }
            }"#]]);
    }
}

on_both_stores! {
    async fn a_missing_scope_is_named(server: TestServer) {
        let ci = server.token().name("ci bot").scopes(["deployments:write"]).issue().await;
        let asked = json!({ "token": ci.secret(), "scopes": ["deployments:write", "audit:read", "tokens:read"] });

        server.admin().post("/v1/verify", asked).await.expect(expect![[r#"
            200 {
              "valid": false,
              "code": "insufficient_scope",
              "token": {
                "id": "tok_1m81b5h800003",
                "type": "personal",
                "owner": "usr_1m81b5h800001",
                "organization": "org_1m81b5h800000",
                "scopes": ["deployments:write"],
                "expires_at": "2027-02-20T10:00:00Z"
              },
              "missing_scopes": ["tokens:read", "audit:read"]
            }"#]]);
    }
}

on_both_stores! {
    async fn every_reason_has_its_code_and_known_tokens_are_named(server: TestServer) {
        let admin = server.admin();
        let revoked = server.token().name("revoked one").issue().await;
        let expired = server.token().name("expired one").expires_in(Duration::from_secs(1)).issue().await;
        let both = server.token().name("both").expires_in(Duration::from_secs(1)).issue().await;
        for ended in [&revoked, &both] {
            admin.post(&format!("/v1/tokens/{}/revoke", ended.id()), Value::Null).await.expect_status(200);
        }
        server.clock().advance(Duration::from_secs(1));
        let unknown = unknown_token();
        let mut mistyped = unknown.clone();
        mistyped.pop();
        mistyped.push(if unknown.ends_with('0') { '1' } else { '0' });
        let mut said = String::new();

        for (what, token) in [
            ("revoked", revoked.secret()),
            ("expired", expired.secret()),
            ("revoked and expired", both.secret()),
            ("never issued", &unknown),
            ("mistyped", &mistyped),
            ("of another installation", "abcp_00000000000000000000000000000000000000"),
            ("empty", ""),
            ("a sentence", "let me in"),
        ] {
            // A missing scope is the last reason that is told.
            let answer = admin.post("/v1/verify", json!({ "token": token, "scopes": ["system:write"] })).await;
            let known = !answer.json()["token"].is_null();
            said.push_str(&format!("{what}: {} {}, token named: {known}\n", answer.status, answer.at("/code")));
        }

        expect![[r#"
            revoked: 200 revoked, token named: true
            expired: 200 expired, token named: true
            revoked and expired: 200 revoked, token named: true
            never issued: 200 unknown, token named: false
            mistyped: 200 malformed, token named: false
            of another installation: 200 malformed, token named: false
            empty: 200 malformed, token named: false
            a sentence: 200 malformed, token named: false
        "#]].assert_eq(&said);
        admin.post("/v1/verify", json!({ "token": expired.secret() })).await.expect(expect![[r#"
            200 {
              "valid": false,
              "code": "expired",
              "token": {
                "id": "tok_1m81b5h800004",
                "type": "personal",
                "owner": "usr_1m81b5h800001",
                "organization": "org_1m81b5h800000",
                "scopes": [
                  "tokens:read",
                  "tokens:write",
                  "tokens:verify",
                  "deployments:read",
                  "deployments:write",
                  "audit:read",
                  "system:write",
                  "teams:read",
                  "teams:write",
                  "services:read",
                  "services:write",
                  "environments:read",
                  "environments:write",
                  "users:read",
                  "users:write",
                  "roles:read",
                  "roles:write"
                ],
                "expires_at": "2026-11-22T10:00:01Z"
              }
            }"#]]);
        let nothing = admin.post("/v1/verify", json!({ "token": unknown })).await;
        nothing.expect(expect![[r#"200 {"valid": false, "code": "unknown", "token": null}"#]]);
    }
}

on_both_stores! {
    async fn a_token_ends_at_its_millisecond(server: TestServer) {
        let body = json!({ "name": "brief", "scopes": ["tokens:read"], "expires_at": "2026-11-22T10:00:05.123Z" });
        let brief = server.admin().post("/v1/tokens", body).await.at("/secret");
        let admin = server.admin();

        server.clock().advance(Duration::from_micros(5_122_999));
        assert_eq!(decision(admin, &brief).await, "valid", "1 µs before");
        server.clock().advance(Duration::from_micros(1));
        assert_eq!(decision(admin, &brief).await, "expired", "at that very instant");
        server.anonymous().bearer(&brief).get("/v1/tokens/self").await.expect_status(401);
    }
}

on_both_stores! {
    async fn each_scope_is_judged_by_itself(server: TestServer) {
        let admin = server.admin();
        for held in ALL_SCOPES {
            let token = server.token().name(held).scopes([held]).issue().await;
            for needed in ALL_SCOPES {
                let asked = json!({ "token": token.secret(), "scopes": [needed] });
                let said = admin.post("/v1/verify", asked).await.at("/code");
                assert_eq!(said, if held == needed { "valid" } else { "insufficient_scope" }, "{held} for {needed}");
            }
        }
    }
}

on_both_stores! {
    async fn asking_twice_gives_the_same_answer(server: TestServer) {
        let ci = server.token().issue().await;

        let first = verified(server.admin(), ci.secret()).await;
        let second = verified(server.admin(), ci.secret()).await;

        assert_eq!(first, second);
    }
}

on_both_stores! {
    async fn a_verify_writes_nothing_to_the_store(server: TestServer) {
        let ci = server.token().issue().await;
        let admin = server.admin();
        let before = server.service().store().stats();

        for _ in 0..100 {
            decision(admin, ci.secret()).await;
            decision(admin, &unknown_token()).await;
        }

        // The second of the first use is moved on by the jobs, within ten seconds and off the path.
        let after = server.service().store().stats();
        assert!(after.operations - before.operations <= 1, "{before:?} {after:?}");
    }
}

on_both_stores! {
    async fn a_verify_reads_nothing_from_the_store(server: TestServer) {
        let (ci, revoked) = (server.token().issue().await, server.token().issue().await);
        server.admin().post(&format!("/v1/tokens/{}/revoke", revoked.id()), Value::Null).await.expect_status(200);

        server.service().store().close().await;

        assert_eq!(decision(server.admin(), ci.secret()).await, "valid");
        assert_eq!(decision(server.admin(), revoked.secret()).await, "revoked");
        assert_eq!(decision(server.admin(), &unknown_token()).await, "unknown");
    }
}

on_both_stores! {
    async fn the_question_is_taken_strictly(server: TestServer) {
        let admin = server.admin();
        let mut said = String::new();

        for body in [
            "{}",
            r#"{"token":7}"#,
            r#"{"token":"x","scope":"tokens:read"}"#,
            r#"{"token":"x","scopes":["token:read"]}"#,
            r#"{"token":"x","scopes":["*"]}"#,
            r#"{"token":"x","address":"nowhere"}"#,
            r#"{"token":"x","token":"y"}"#,
            "[]",
            r#"["x"]"#,
            r#" ["x",["tokens:read"]]"#,
            "",
        ] {
            let answer = admin.request_text(reqwest::Method::POST, "/v1/verify", "application/json", body).await;
            said.push_str(&format!("{body} → {} {}\n", answer.status, refusal(&answer)));
        }

        expect![[r#"
            {} → 400 field_missing token field_missing
            {"token":7} → 400 field_invalid token field_invalid
            {"token":"x","scope":"tokens:read"} → 400 field_unknown scope field_unknown
            {"token":"x","scopes":["token:read"]} → 400 input_invalid scopes[0] scope_unknown
            {"token":"x","scopes":["*"]} → 400 input_invalid scopes[0] scope_unknown
            {"token":"x","address":"nowhere"} → 400 input_invalid address address_malformed
            {"token":"x","token":"y"} → 400 json_invalid token field_invalid
            [] → 400 field_invalid  field_invalid
            ["x"] → 400 field_invalid  field_invalid
             ["x",["tokens:read"]] → 400 field_invalid  field_invalid
             → 400 json_invalid
        "#]].assert_eq(&trimmed(&said));
    }
}

on_both_stores! {
    async fn only_a_verifier_may_ask(server: TestServer) {
        let ci = server.token().scopes(["tokens:read"]).issue().await;

        let own = ci.post("/v1/verify", json!({ "token": ci.secret() })).await;

        own.expect(expect![[r#"
            403 {
              "type": "/docs/problems#insufficient_scope",
              "title": "Insufficient scope",
              "status": 403,
              "code": "insufficient_scope",
              "detail": "the presented token lacks `tokens:verify`",
              "request_id": "req_n4wyp3bbxn91qc1qpd"
            }"#]]);
    }
}
