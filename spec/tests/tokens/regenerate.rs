//! `POST /v1/tokens/{id}/regenerate`: the same record, a new secret; the old one stops at once.

use std::collections::HashSet;
use std::time::Duration;

use claviger_testkit::{TestServer, on_both_stores};
use expect_test::expect;
use serde_json::Value;

use crate::asking::{accepted_everywhere, actions_about, at_every_door, refused_everywhere, refused_fields};

on_both_stores! {
    async fn the_old_secret_is_refused_at_once_and_the_new_one_accepted(server: TestServer) {
        let ci = server.token().name("ci bot").issue().await;
        server.clock().advance(Duration::from_secs(60));

        let regenerated = server.admin().post(&format!("/v1/tokens/{}/regenerate", ci.id()), Value::Null).await;

        assert_eq!(at_every_door(&server, ci.secret()).await, refused_everywhere("unknown"));
        regenerated.expect(expect![[r#"
            200 {
              "secret": "clvp_2cJdP5F3oGvXx3on9wowKvkXu7L237I40j65A6",
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
                "hint": "65A6",
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
                "updated_at": "2026-11-22T10:01:00Z",
                "expires_at": "2027-02-20T10:00:00Z",
                "regenerated_at": "2026-11-22T10:01:00Z",
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
        assert_eq!(at_every_door(&server, &regenerated.at("/secret")).await, accepted_everywhere());
        assert_eq!(actions_about(&server, ci.id()).await, ["token.issued", "token.regenerated"]);
    }
}

on_both_stores! {
    async fn the_secret_is_new_every_time_although_nothing_else_changed(server: TestServer) {
        let ci = server.token().issue().await;
        let path = format!("/v1/tokens/{}/regenerate", ci.id());
        let mut secrets = HashSet::from([ci.secret().to_owned()]);

        for _ in 0..10 {
            let regenerated = server.admin().post(&path, Value::Null).await;
            assert!(secrets.insert(regenerated.at("/secret")), "a secret came twice");
        }

        let shown = server.admin().get(&format!("/v1/tokens/{}", ci.id())).await.json();
        for field in ["id", "name", "scopes", "expires_at", "created_at", "owner"] {
            assert_eq!(shown[field], ci.record()[field], "{field}");
        }
    }
}

on_both_stores! {
    async fn of_16_at_once_the_last_secret_alone_is_valid(server: TestServer) {
        let ci = server.token().issue().await;
        let path = format!("/v1/tokens/{}/regenerate", ci.id());

        let calls: Vec<_> = (0..16)
            .map(|_| {
                let (admin, path) = (server.admin().clone(), path.clone());
                tokio::spawn(async move { admin.post(&path, Value::Null).await })
            })
            .collect();
        // All are answered before the first is checked: a secret is rightly valid until the next one's commit.
        let mut answers = Vec::new();
        for call in calls {
            answers.push(call.await.unwrap());
        }
        let mut valid = 0;
        for answer in &answers {
            answer.expect_status(200);
            valid += usize::from(at_every_door(&server, &answer.at("/secret")).await == accepted_everywhere());
        }

        assert_eq!(valid, 1);
    }
}

on_both_stores! {
    async fn a_dead_token_gets_no_new_secret(server: TestServer) {
        let admin = server.admin();
        let revoked = server.token().name("revoked one").issue().await;
        let expired = server.token().name("expired one").expires_in(Duration::from_secs(1)).issue().await;
        admin.post(&format!("/v1/tokens/{}/revoke", revoked.id()), Value::Null).await.expect_status(200);
        server.clock().advance(Duration::from_secs(1));

        for dead in [&revoked, &expired] {
            let answer = admin.post(&format!("/v1/tokens/{}/regenerate", dead.id()), Value::Null).await;
            assert_eq!((answer.status, answer.problem_code().as_deref()), (409, Some("token_not_live")));
            assert!(!answer.body.contains("clvp_"));
        }
    }
}

on_both_stores! {
    async fn nobody_gets_the_secret_of_a_token_stronger_than_their_own(server: TestServer) {
        let clerk = server.token().scopes(["tokens:write"]).issue().await;
        let strong = server.token().scopes(["tokens:write", "system:write"]).issue().await;
        let lasting = server.token().scopes(["tokens:write"]).never_expires().issue().await;

        let stronger = clerk.post(&format!("/v1/tokens/{}/regenerate", strong.id()), Value::Null).await;
        let longer = clerk.post(&format!("/v1/tokens/{}/regenerate", lasting.id()), Value::Null).await;

        assert_eq!(refused_fields(&stronger), ["scopes scope_exceeds_caller"]);
        assert_eq!(refused_fields(&longer), ["expires_at expiry_exceeds_caller"]);
        for untouched in [&strong, &lasting] {
            assert_eq!(at_every_door(&server, untouched.secret()).await, accepted_everywhere());
        }
    }
}

on_both_stores! {
    async fn a_persons_token_is_regenerated_by_that_person_only(server: TestServer) {
        let personal = server.token().scopes(["tokens:read"]).issue().await;
        let robot = server.token().global().scopes(["tokens:write", "tokens:read"]).issue().await;

        let answer = robot.post(&format!("/v1/tokens/{}/regenerate", personal.id()), Value::Null).await;

        answer.expect(expect![[r#"
            403 {
              "type": "/docs/problems#token_of_other_owner",
              "title": "Token of other owner",
              "status": 403,
              "code": "token_of_other_owner",
              "detail": "a person's token is regenerated by that person only; revoke it instead",
              "request_id": "req_n4wyp071pawyd70xs5"
            }"#]]);
        assert_eq!(at_every_door(&server, personal.secret()).await, accepted_everywhere());
    }
}

on_both_stores! {
    async fn a_token_may_regenerate_itself(server: TestServer) {
        let own = server.token().scopes(["tokens:write"]).issue().await;

        let answer = own.post(&format!("/v1/tokens/{}/regenerate", own.id()), Value::Null).await;

        answer.expect_status(200);
        own.get("/v1/tokens/self").await.expect_status(401);
        server.anonymous().bearer(&answer.at("/secret")).get("/v1/tokens/self").await.expect_status(200);
    }
}
