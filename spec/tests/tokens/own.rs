//! `/v1/tokens/self`: what any live token may do about itself, whatever its scopes.

use std::time::Duration;

use claviger_testkit::{TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use crate::asking::{ALL_SCOPES, actions_about, at_every_door, refused_everywhere, text};

on_both_stores! {
    async fn a_token_sees_its_own_record(server: TestServer) {
        let ci = server.token().name("ci bot").scopes(["deployments:write"]).issue().await;

        ci.get("/v1/tokens/self").await.expect(expect![[r#"
            200 {
              "id": "tok_1m81b5h800003",
              "type": "personal",
              "name": "ci bot",
              "description": "",
              "reason": null,
              "scopes": ["deployments:write"],
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
              "expires_at": "2027-02-20T10:00:00Z",
              "regenerated_at": null,
              "previous": null,
              "last_used_at": "2026-11-22T10:00:00Z",
              "last_used_address": "127.0.0.1",
              "last_used_in": "header",
              "revoked_at": null,
              "revoked_by": null,
              "revoke_reason": null,
              "revoke_note": null
            }"#]]);
    }
}

on_both_stores! {
    async fn no_scope_is_needed(server: TestServer) {
        for scope in ALL_SCOPES {
            let own = server.token().name(scope).scopes([scope]).issue().await;

            let shown = own.get("/v1/tokens/self").await;

            assert_eq!(shown.at("/id"), own.id(), "{scope}");
        }
    }
}

on_both_stores! {
    async fn whoever_holds_a_token_may_end_it(server: TestServer) {
        let ci = server.token().name("ci bot").scopes(["deployments:write"]).issue().await;

        let revoked = ci.post("/v1/tokens/self/revoke", json!({ "note": "job done" })).await;

        assert_eq!(at_every_door(&server, ci.secret()).await, refused_everywhere("revoked"));
        revoked.expect(expect![[r#"
            200 {
              "id": "tok_1m81b5h800003",
              "receipt": {"epoch": 4, "verifiers": {"confirmed": 1, "fenced": 0}, "slowest_ms": 0}
            }"#]]);
        let record = server.admin().get(&format!("/v1/tokens/{}", ci.id())).await.json();
        assert_eq!(text(&record, "/revoke_reason"), "by_holder");
        assert_eq!(text(&record, "/revoked_by"), format!("holder:{}", ci.id()));
        assert_eq!(text(&record, "/revoke_note"), "job done");
        assert_eq!(actions_about(&server, ci.id()).await, ["token.issued", "token.revoked"]);
    }
}

on_both_stores! {
    async fn a_dead_token_cannot_even_end_itself(server: TestServer) {
        let ci = server.token().expires_in(Duration::from_secs(1)).issue().await;
        server.clock().advance(Duration::from_secs(1));

        ci.post("/v1/tokens/self/revoke", Value::Null).await.expect_status(401);
        ci.get("/v1/tokens/self").await.expect_status(401);
    }
}
