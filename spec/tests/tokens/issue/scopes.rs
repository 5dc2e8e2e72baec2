//! What a new token may do, and that it never reaches further than its maker.

use claviger_testkit::{TestServer, on_both_stores};
use expect_test::expect;
use serde_json::json;

use crate::asking::{ALL_SCOPES, refused_fields};

on_both_stores! {
    async fn an_unknown_scope_is_answered_with_the_nearest(server: TestServer) {
        let body = json!({ "name": "misspelt", "scopes": ["deployments:write", "token:read", "moon:walk"] });

        let answer = server.admin().post("/v1/tokens", body).await;

        answer.expect(expect![[r#"
            400 {
              "type": "/docs/problems#input_invalid",
              "title": "Input invalid",
              "status": 400,
              "code": "input_invalid",
              "detail": "`scopes[1]`: unknown scope, did you mean `tokens:read`?; `scopes[2]`: unknown scope",
              "request_id": "req_n4wyp0w8rac7neymhn",
              "errors": [
                {
                  "field": "scopes[1]",
                  "code": "scope_unknown",
                  "detail": "unknown scope, did you mean `tokens:read`?"
                },
                {"field": "scopes[2]", "code": "scope_unknown", "detail": "unknown scope"}
              ]
            }"#]]);
    }
}

on_both_stores! {
    async fn a_token_needs_a_scope(server: TestServer) {
        let answer = server.admin().post("/v1/tokens", json!({ "name": "idle", "scopes": [] })).await;

        assert_eq!(refused_fields(&answer), ["scopes scopes_empty"]);
    }
}

on_both_stores! {
    async fn a_wildcard_means_the_scopes_that_exist_today(server: TestServer) {
        let answer = server.admin().post("/v1/tokens", json!({ "name": "everything", "scopes": ["*"] })).await;

        assert_eq!(answer.json()["token"]["scopes"], json!(ALL_SCOPES));
    }
}

on_both_stores! {
    async fn a_token_makes_none_that_reaches_further_than_itself(server: TestServer) {
        let clerk = server.token().scopes(["tokens:write", "tokens:read"]).issue().await;

        let further = clerk
            .post("/v1/tokens", json!({ "name": "stronger", "scopes": ["tokens:read", "system:write", "audit:read"] }))
            .await;
        let wildcard = clerk.post("/v1/tokens", json!({ "name": "all", "scopes": ["*"] })).await;
        let within = clerk.post("/v1/tokens", json!({ "name": "weaker", "scopes": ["tokens:read"] })).await;

        further.expect(expect![[r#"
            400 {
              "type": "/docs/problems#input_invalid",
              "title": "Input invalid",
              "status": 400,
              "code": "input_invalid",
              "detail": "`scopes`: the calling token does not have `audit:read system:write` itself",
              "request_id": "req_n4wyp3bbxn91qc1qpd",
              "errors": [
                {
                  "field": "scopes",
                  "code": "scope_exceeds_caller",
                  "detail": "the calling token does not have `audit:read system:write` itself"
                }
              ]
            }"#]]);
        assert_eq!(refused_fields(&wildcard), ["scopes scope_exceeds_caller"]);
        within.expect_status(201);
    }
}
