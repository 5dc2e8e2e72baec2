//! `GET /v1/tokens/{id}`.

use claviger_testkit::{TestServer, on_both_stores};
use expect_test::expect;

on_both_stores! {
    async fn a_record_is_shown_without_its_secret(server: TestServer) {
        let ci = server.token().name("ci bot").scopes(["deployments:write"]).issue().await;

        let shown = server.admin().get(&format!("/v1/tokens/{}", ci.id())).await;

        shown.expect(expect![[r#"
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
              "last_used_at": null,
              "last_used_address": null,
              "last_used_in": null,
              "revoked_at": null,
              "revoked_by": null,
              "revoke_reason": null,
              "revoke_note": null
            }"#]]);
        assert!(!shown.body.contains(&ci.secret()[5..37]));
    }
}

on_both_stores! {
    async fn what_is_not_there_and_what_cannot_be_there_look_the_same(server: TestServer) {
        let admin = server.admin();

        let never_was = admin.get("/v1/tokens/tok_0000000000001").await;

        never_was.expect(expect![[r#"
            404 {
              "type": "/docs/problems#token_not_found",
              "title": "Token not found",
              "status": 404,
              "code": "token_not_found",
              "detail": "there is no such token",
              "request_id": "req_n4wyp0w8rac7neymhn"
            }"#]]);
        for id in [
            "tok_", "tok_0", "tok_zzzzzzzzzzzzz", "tok_000000000000O", "TOK_0000000000001", "dep_0000000000001",
            "usr_0000000000001", "1", "%20", "%00",
        ] {
            let answer = admin.get(&format!("/v1/tokens/{id}")).await;
            assert_eq!((answer.status, answer.problem_code().as_deref()), (404, Some("token_not_found")), "{id}");
        }
    }
}
