//! `POST /v1/tokens`: a token is issued, and its secret is shown this once.

mod ends;
mod names;
mod scopes;

use claviger_testkit::{TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use crate::asking::{actions_about, decision, refused_fields, text, trimmed, whole_list};

/// What a test does not care about: any name, one scope.
fn a_token(name: &str) -> Value {
    json!({ "name": name, "scopes": ["deployments:write"] })
}

on_both_stores! {
    async fn the_secret_is_shown_once_with_the_record_and_the_proof(server: TestServer) {
        let admin = server.admin();

        let issued = admin
            .post("/v1/tokens", json!({
                "name": "release pipeline",
                "description": "used by the release job",
                "scopes": ["deployments:write", "deployments:read"],
                "expires_in_days": 30,
            }))
            .await;

        issued.expect(expect![[r#"
            201 {
              "secret": "clvp_28UKWiWFq8ZDGpgZFzm5zttX5YfBngiI1YUqCf",
              "token": {
                "id": "tok_1m81b5h800003",
                "type": "personal",
                "name": "release pipeline",
                "description": "used by the release job",
                "reason": null,
                "scopes": ["deployments:read", "deployments:write"],
                "hint": "UqCf",
                "state": "live",
                "owner": "usr_1m81b5h800001",
                "team": null,
                "service": null,
                "restrictions": null,
                "networks": null,
                "rate_limit": null,
                "quota": null,
                "allow_query": false,
                "created_at": "2026-11-22T10:00:00Z",
                "created_by": "usr_1m81b5h800001",
                "updated_at": "2026-11-22T10:00:00Z",
                "expires_at": "2026-12-22T10:00:00Z",
                "regenerated_at": null,
                "previous": null,
                "last_used_at": null,
                "last_used_address": null,
                "last_used_in": null,
                "revoked_at": null,
                "revoked_by": null,
                "revoke_reason": null,
                "revoke_note": null
              },
              "receipt": {"epoch": 3, "verifiers": {"confirmed": 1, "fenced": 0}, "slowest_ms": 0}
            }"#]]);
        let id = issued.at("/token/id");
        assert_eq!(issued.header("location"), Some(format!("/v1/tokens/{id}").as_str()));
        let shown = admin.get(&format!("/v1/tokens/{id}")).await;
        let listed = admin.get("/v1/tokens").await;
        for later in [&shown, &listed] {
            assert!(!later.body.contains(&issued.at("/secret")), "the secret is never shown again");
        }
        assert_eq!(shown.json(), issued.json()["token"], "the record is the same");
        assert_eq!(decision(admin, &issued.at("/secret")).await, "valid");
    }
}

on_both_stores! {
    async fn the_hint_is_the_end_of_the_secret(server: TestServer) {
        let issued = server.admin().post("/v1/tokens", a_token("ci bot")).await;

        let secret = issued.at("/secret");
        assert_eq!(issued.at("/token/hint"), secret[secret.len() - 4..]);
        assert!(secret.starts_with("clvp_") && secret.len() == 43, "{secret}");
    }
}

on_both_stores! {
    async fn a_global_token_owns_itself_and_issues_global_tokens_only(server: TestServer) {
        let admin = server.admin();
        let global = json!({ "type": "global", "reason": "a test", "name": "robot", "scopes": ["tokens:write", "tokens:read"] });

        let robot = admin.post("/v1/tokens", global).await;
        let robot_calls = server.anonymous().bearer(&robot.at("/secret"));
        let personal = robot_calls
            .post("/v1/tokens", json!({ "type": "personal", "name": "child", "scopes": ["tokens:read"] }))
            .await;
        let child = robot_calls
            .post("/v1/tokens", json!({ "type": "global", "reason": "a test", "name": "child", "scopes": ["tokens:read"] }))
            .await;

        assert!(robot.at("/secret").starts_with("clvg_"));
        assert_eq!(robot.at("/token/owner"), robot.at("/token/id"));
        assert_eq!(refused_fields(&personal), ["type type_needs_user"]);
        assert_eq!(robot.at("/token/created_by"), text(admin.record(), "/owner"));
        assert_eq!(child.at("/token/created_by"), robot.at("/token/id"), "the maker is on record as what it is");
        child.expect(expect![[r#"
            201 {
              "secret": "clvg_2cJdP5F3oGvXx3on9wowKvkXu7L237I44dpgnf",
              "token": {
                "id": "tok_1m81b5h800004",
                "type": "global",
                "name": "child",
                "description": "",
                "reason": "a test",
                "scopes": ["tokens:read"],
                "hint": "pgnf",
                "state": "live",
                "owner": "tok_1m81b5h800004",
                "team": null,
                "service": null,
                "restrictions": null,
                "networks": null,
                "rate_limit": null,
                "quota": null,
                "allow_query": false,
                "created_at": "2026-11-22T10:00:00Z",
                "created_by": "tok_1m81b5h800003",
                "updated_at": "2026-11-22T10:00:00Z",
                "expires_at": "2027-02-20T10:00:00Z",
                "regenerated_at": null,
                "previous": null,
                "last_used_at": null,
                "last_used_address": null,
                "last_used_in": null,
                "revoked_at": null,
                "revoked_by": null,
                "revoke_reason": null,
                "revoke_note": null
              },
              "receipt": {"epoch": 4, "verifiers": {"confirmed": 1, "fenced": 0}, "slowest_ms": 0}
            }"#]]);
    }
}

on_both_stores! {
    async fn a_body_is_taken_strictly(server: TestServer) {
        let admin = server.admin();
        let cases = [
            r#"{}"#,
            r#"{"name":"ci bot"}"#,
            r#"{"name":"ci bot","scopes":["tokens:read"],"admin":true}"#,
            r#"{"name":7,"scopes":["tokens:read"]}"#,
            r#"{"name":"ci bot","scopes":"tokens:read"}"#,
            r#"{"name":"ci bot","scopes":["tokens:read",null]}"#,
            r#"{"name":"ci bot","scopes":["tokens:read"],"type":"service"}"#,
            r#"{"name":"ci bot","name":"two","scopes":["tokens:read"]}"#,
            r#"{"name":"ci bot","scopes":["tokens:read"]} {}"#,
            r#"["personal","ci bot","",["tokens:read"]]"#,
            r#"null"#,
            r#""#,
        ];
        let mut said = String::new();

        for body in cases {
            let answer = admin.request_text(reqwest::Method::POST, "/v1/tokens", "application/json", body).await;
            let code = answer.problem_code().unwrap_or_default();
            said.push_str(&format!("{body} → {} {code} {}\n", answer.status, refused_fields(&answer).join(", ")));
        }

        expect![[r#"
            {} → 400 field_missing name field_missing
            {"name":"ci bot"} → 400 input_invalid scopes scopes_empty
            {"name":"ci bot","scopes":["tokens:read"],"admin":true} → 400 field_unknown admin field_unknown
            {"name":7,"scopes":["tokens:read"]} → 400 field_invalid name field_invalid
            {"name":"ci bot","scopes":"tokens:read"} → 400 field_invalid scopes field_invalid
            {"name":"ci bot","scopes":["tokens:read",null]} → 400 field_invalid scopes[1] field_invalid
            {"name":"ci bot","scopes":["tokens:read"],"type":"service"} → 400 input_invalid service field_missing
            {"name":"ci bot","name":"two","scopes":["tokens:read"]} → 400 json_invalid name field_invalid
            {"name":"ci bot","scopes":["tokens:read"]} {} → 400 json_invalid
            ["personal","ci bot","",["tokens:read"]] → 400 field_invalid  field_invalid
            null → 400 field_invalid  field_invalid
             → 400 json_invalid
        "#]].assert_eq(&trimmed(&said));
    }
}

on_both_stores! {
    async fn a_field_that_names_somebody_else_is_refused(server: TestServer) {
        let before = whole_list(server.admin(), "/v1/tokens").await.len();
        let identities = [
            "user_id", "user", "owner", "owner_id", "created_by", "org", "org_id", "organization", "role", "id",
        ];

        for field in identities {
            let mut body = a_token("impostor");
            body[field] = json!("usr_0000000000000");
            let without = server.anonymous().post("/v1/tokens", body.clone()).await;
            let with = server.admin().post("/v1/tokens", body).await;

            assert_eq!(without.status, 401, "{field}");
            assert_eq!(with.problem_code().as_deref(), Some("field_unknown"), "{field}");
        }

        assert_eq!(whole_list(server.admin(), "/v1/tokens").await.len(), before, "no row");
    }
}

on_both_stores! {
    async fn a_refused_issue_leaves_no_row_no_event_and_no_secret(server: TestServer) {
        let admin = server.admin();
        server.token().name("taken name").issue().await;
        let rows = whole_list(admin, "/v1/tokens").await.len();
        let events = whole_list(admin, "/v1/audit/events").await.len();

        let refused = [
            admin.post("/v1/tokens", a_token("taken name")).await,
            admin.post("/v1/tokens", a_token("x")).await,
            admin.post("/v1/tokens", json!({ "name": "no scope", "scopes": ["nope"] })).await,
        ];

        for answer in refused {
            assert!(answer.problem_code().is_some());
            assert!(!answer.body.contains("clvp_"), "{}", answer.text());
        }
        assert_eq!(whole_list(admin, "/v1/tokens").await.len(), rows);
        assert_eq!(whole_list(admin, "/v1/audit/events").await.len(), events);
    }
}

on_both_stores! {
    async fn an_issued_token_has_its_audit_event(server: TestServer) {
        let ci = server.token().name("ci bot").scopes(["deployments:write"]).issue().await;

        let events = server.admin().get(&format!("/v1/audit/events?subject={}", ci.id())).await;

        events.expect(expect![[r#"
            200 {
              "data": [
                {
                  "seq": 3,
                  "at": "2026-11-22T10:00:00Z",
                  "actor": "usr_1m81b5h800001",
                  "via": "tok_1m81b5h800002",
                  "action": "token.issued",
                  "subject": "tok_1m81b5h800003",
                  "detail": {
                    "expires_at": "2027-02-20T10:00:00Z",
                    "hint": "UqCf",
                    "holder": "usr_1m81b5h800001",
                    "name": "ci bot",
                    "reason": null,
                    "restrictions": null,
                    "roles": [],
                    "scopes": ["deployments:write"],
                    "terms": null,
                    "type": "personal"
                  },
                  "request_id": "req_n4wyp0w8rac7neymhn",
                  "address": "127.0.0.1",
                  "hash": "31955cc2d3ef00cb4a41bdbf792f93f472494bb216b0578efcdc199e9d3b8b66"
                }
              ],
              "next_cursor": null
            }"#]]);
        assert_eq!(actions_about(&server, ci.id()).await, ["token.issued"]);
    }
}
