//! `POST /v1/tokens/{id}/revoke`: when the answer is there, no door accepts the token again.

use std::time::Duration;

use claviger_testkit::{TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use crate::asking::{
    accepted_everywhere, actions_about, at_every_door, number, refused_everywhere, refused_fields,
};

on_both_stores! {
    async fn a_revoked_token_is_refused_in_the_very_next_call_at_every_door(server: TestServer) {
        let ci = server.token().name("ci bot").issue().await;
        assert_eq!(at_every_door(&server, ci.secret()).await, accepted_everywhere());

        let path = format!("/v1/tokens/{}/revoke", ci.id());
        let revoked = server.admin().post(&path, json!({ "note": "laptop lost" })).await;

        assert_eq!(at_every_door(&server, ci.secret()).await, refused_everywhere("revoked"));
        revoked.expect(expect![[r#"
            200 {
              "token": {
                "id": "tok_1m81b5h800003",
                "type": "personal",
                "name": "ci bot",
                "description": "",
                "reason": null,
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
                  "roles:write",
                  "webhooks:read",
                  "webhooks:write"
                ],
                "hint": "UqCf",
                "state": "revoked",
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
                "revoked_at": "2026-11-22T10:00:00Z",
                "revoked_by": "usr_1m81b5h800001",
                "revoke_reason": "requested",
                "revoke_note": "laptop lost"
              },
              "receipt": {"epoch": 4, "verifiers": {"confirmed": 1, "fenced": 0}, "slowest_ms": 0}
            }"#]]);
    }
}

on_both_stores! {
    async fn an_open_connection_is_no_way_around_it(server: TestServer) {
        let ci = server.token().scopes(["deployments:read"]).issue().await;

        // One client keeps its connection: the credential is read anew with each request.
        ci.get("/v1/deployments").await.expect_status(200);
        server.admin().post(&format!("/v1/tokens/{}/revoke", ci.id()), Value::Null).await.expect_status(200);

        ci.get("/v1/deployments").await.expect_status(401);
    }
}

on_both_stores! {
    async fn revoking_twice_gives_the_same_record_and_a_proof(server: TestServer) {
        let ci = server.token().name("ci bot").issue().await;
        let path = format!("/v1/tokens/{}/revoke", ci.id());

        let first = server.admin().post(&path, json!({ "note": "first" })).await;
        server.clock().advance(Duration::from_secs(60));
        let second = server.admin().post(&path, json!({ "note": "second" })).await;

        second.expect_status(200);
        assert_eq!(second.json()["token"], first.json()["token"], "who ended it first stays on record");
        assert_eq!(second.json()["receipt"]["verifiers"], json!({ "confirmed": 1, "fenced": 0 }));
        assert_eq!(actions_about(&server, ci.id()).await, ["token.issued", "token.revoked"]);
    }
}

on_both_stores! {
    async fn the_epoch_grows_with_every_change(server: TestServer) {
        let mut epochs = Vec::new();

        for name in ["one", "two", "three"] {
            let body = json!({ "name": name, "scopes": ["tokens:read"] });
            let issued = server.admin().post("/v1/tokens", body).await.json();
            epochs.push(number(&issued, "/receipt/epoch"));
            let path = format!("/v1/tokens/{}/revoke", issued["token"]["id"].as_str().unwrap());
            epochs.push(number(&server.admin().post(&path, Value::Null).await.json(), "/receipt/epoch"));
        }

        let first = epochs[0];
        assert_eq!(epochs, (first..first + 6).collect::<Vec<_>>(), "without a gap");
    }
}

on_both_stores! {
    async fn an_expired_token_can_be_revoked_too(server: TestServer) {
        let ci = server.token().expires_in(Duration::from_secs(1)).issue().await;
        server.clock().advance(Duration::from_secs(1));

        let revoked = server.admin().post(&format!("/v1/tokens/{}/revoke", ci.id()), Value::Null).await;

        revoked.expect_status(200);
        assert_eq!(revoked.at("/token/state"), "revoked");
        assert_eq!(at_every_door(&server, ci.secret()).await, refused_everywhere("revoked"));
    }
}

on_both_stores! {
    async fn a_token_may_revoke_itself_by_its_id(server: TestServer) {
        let own = server.token().scopes(["tokens:write"]).issue().await;

        own.post(&format!("/v1/tokens/{}/revoke", own.id()), Value::Null).await.expect_status(200);

        assert_eq!(at_every_door(&server, own.secret()).await, refused_everywhere("revoked"));
    }
}

on_both_stores! {
    async fn a_revocation_survives_a_restart(mut server: TestServer) {
        let ci = server.token().issue().await;
        server.admin().post(&format!("/v1/tokens/{}/revoke", ci.id()), Value::Null).await.expect_status(200);

        server.restart().await;

        assert_eq!(at_every_door(&server, ci.secret()).await, refused_everywhere("revoked"));
    }
}

on_both_stores! {
    async fn a_note_is_one_line_of_at_most_128_characters(server: TestServer) {
        let ci = server.token().issue().await;
        let path = format!("/v1/tokens/{}/revoke", ci.id());

        for (note, refused) in [
            ("x".repeat(129), "note text_too_long"),
            ("two\nlines".to_owned(), "note text_control_character"),
            ("\u{202e}".to_owned(), "note text_bidirectional_character"),
            (String::new(), "note text_empty"),
        ] {
            let answer = server.admin().post(&path, json!({ "note": note })).await;
            assert_eq!(refused_fields(&answer), [refused]);
        }
        assert_eq!(at_every_door(&server, ci.secret()).await, accepted_everywhere(), "a refused call ends nothing");
        server.admin().post(&path, json!({ "note": "x".repeat(128) })).await.expect_status(200);
    }
}

on_both_stores! {
    async fn of_16_at_once_all_are_answered_and_one_is_recorded(server: TestServer) {
        let ci = server.token().issue().await;
        let path = format!("/v1/tokens/{}/revoke", ci.id());

        let calls: Vec<_> = (0..16)
            .map(|_| {
                let (admin, path) = (server.admin().clone(), path.clone());
                tokio::spawn(async move { admin.post(&path, Value::Null).await })
            })
            .collect();
        for call in calls {
            call.await.unwrap().expect_status(200);
        }

        assert_eq!(actions_about(&server, ci.id()).await, ["token.issued", "token.revoked"]);
    }
}

on_both_stores! {
    async fn what_is_not_there_cannot_be_revoked(server: TestServer) {
        let answer = server.admin().post("/v1/tokens/tok_0000000000001/revoke", Value::Null).await;

        assert_eq!((answer.status, answer.problem_code().as_deref()), (404, Some("token_not_found")));
    }
}
