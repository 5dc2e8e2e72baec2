//! `PATCH /v1/tokens/{id}`: name, description, end and scopes change; the secret stays.

use std::time::Duration;

use claviger_testkit::{TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use crate::asking::{
    accepted_everywhere, actions_about, at_every_door, decision, number, refused_everywhere, refused_fields,
    text, verified,
};

const HOUR: Duration = Duration::from_secs(3_600);

on_both_stores! {
    async fn the_secret_stays_valid(server: TestServer) {
        let ci = server.token().name("ci bot").scopes(["deployments:write"]).issue().await;
        let changes = json!({
            "name": "pipeline",
            "description": "renamed",
            "scopes": ["deployments:read", "deployments:write"],
            "expires_in_days": 7,
        });

        server.clock().advance(Duration::from_secs(60));
        let changed = server.admin().patch(&format!("/v1/tokens/{}", ci.id()), changes).await;

        changed.expect(expect![[r#"
            200 {
              "token": {
                "id": "tok_1m81b5h800003",
                "type": "personal",
                "name": "pipeline",
                "description": "renamed",
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
                "updated_at": "2026-11-22T10:01:00Z",
                "expires_at": "2026-11-29T10:01:00Z",
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
        assert_eq!(at_every_door(&server, ci.secret()).await, accepted_everywhere());
    }
}

on_both_stores! {
    async fn absent_fields_stay_as_they_are(server: TestServer) {
        let ci = server.token().name("ci bot").scopes(["deployments:write"]).issue().await;

        let changed = server.admin().patch(&format!("/v1/tokens/{}", ci.id()), json!({ "description": "new" })).await;

        for field in ["name", "scopes", "expires_at", "hint", "created_at", "owner"] {
            assert_eq!(changed.json()["token"][field], ci.record()[field], "{field}");
        }
        assert_eq!(changed.at("/token/description"), "new");
    }
}

on_both_stores! {
    async fn a_narrowed_token_is_narrow_in_the_very_next_call(server: TestServer) {
        let ci = server.token().scopes(["deployments:write", "deployments:read"]).issue().await;
        ci.get("/v1/deployments").await.expect_status(200);

        let path = format!("/v1/tokens/{}", ci.id());
        server.admin().patch(&path, json!({ "scopes": ["deployments:write"] })).await.expect_status(200);

        ci.get("/v1/deployments").await.expect(expect![[r#"
            403 {
              "type": "/docs/problems#insufficient_scope",
              "title": "Insufficient scope",
              "status": 403,
              "code": "insufficient_scope",
              "detail": "the presented token lacks `deployments:read`",
              "request_id": "req_n4wyp5t3rk8ckeb8h2"
            }"#]]);
        let asked = json!({ "token": ci.secret(), "scopes": ["deployments:read"] });
        assert_eq!(server.admin().post("/v1/verify", asked).await.at("/code"), "insufficient_scope");
    }
}

on_both_stores! {
    async fn a_shortened_token_ends_at_its_new_end(server: TestServer) {
        let ci = server.token().never_expires().issue().await;

        let path = format!("/v1/tokens/{}", ci.id());
        server.admin().patch(&path, json!({ "expires_at": "2026-11-22T10:00:01Z" })).await.expect_status(200);

        assert_eq!(decision(server.admin(), ci.secret()).await, "valid");
        server.clock().advance(Duration::from_secs(1));
        assert_eq!(at_every_door(&server, ci.secret()).await, refused_everywhere("expired"));
    }
}

on_both_stores! {
    async fn a_dead_token_stays_as_it_is(server: TestServer) {
        let admin = server.admin();
        let revoked = server.token().name("revoked one").issue().await;
        let expired = server.token().name("expired one").expires_in(Duration::from_secs(1)).issue().await;
        admin.post(&format!("/v1/tokens/{}/revoke", revoked.id()), Value::Null).await.expect_status(200);
        server.clock().advance(Duration::from_secs(1));

        let revival = json!({ "never_expires": true, "reason": "a test" });
        let first = admin.patch(&format!("/v1/tokens/{}", revoked.id()), revival.clone()).await;
        let second = admin.patch(&format!("/v1/tokens/{}", expired.id()), revival).await;

        first.expect(expect![[r#"
            409 {
              "type": "/docs/problems#token_not_live",
              "title": "Token not live",
              "status": 409,
              "code": "token_not_live",
              "detail": "the token is revoked, and that is final; issue a new one",
              "request_id": "req_n4wyp5t3rk8ckeb8h2"
            }"#]]);
        second.expect(expect![[r#"
            409 {
              "type": "/docs/problems#token_not_live",
              "title": "Token not live",
              "status": 409,
              "code": "token_not_live",
              "detail": "the token is expired, and that is final; issue a new one",
              "request_id": "req_n4wyp7x3dyn8yqv8s5"
            }"#]]);
        assert_eq!(at_every_door(&server, expired.secret()).await, refused_everywhere("expired"));
    }
}

on_both_stores! {
    async fn what_is_widened_lies_within_the_callers_own_reach(server: TestServer) {
        let clerk = server.token().scopes(["tokens:write", "deployments:read"]).expires_in(HOUR).issue().await;
        let ci = server.token().scopes(["deployments:read"]).expires_in(Duration::from_secs(60)).issue().await;
        let path = format!("/v1/tokens/{}", ci.id());

        let scopes = clerk.patch(&path, json!({ "scopes": ["deployments:read", "system:write"] })).await;
        let longer = clerk.patch(&path, json!({ "expires_in_days": 7 })).await;
        let forever = clerk.patch(&path, json!({ "never_expires": true, "reason": "a test" })).await;
        let itself = clerk.patch(&format!("/v1/tokens/{}", clerk.id()), json!({ "scopes": ["*"] })).await;
        let within = clerk.patch(&path, json!({ "expires_at": "2026-11-22T10:30:00Z" })).await;

        assert_eq!(refused_fields(&scopes), ["scopes scope_exceeds_caller"]);
        assert_eq!(refused_fields(&longer), ["expires_at expiry_exceeds_caller"]);
        assert_eq!(refused_fields(&forever), ["expires_at expiry_exceeds_caller"]);
        assert_eq!(refused_fields(&itself), ["scopes scope_exceeds_caller"]);
        within.expect_status(200);
        let scopes = &verified(server.admin(), ci.secret()).await["token"]["scopes"];
        assert_eq!(scopes, &json!(["deployments:read"]), "nothing was widened");
    }
}

on_both_stores! {
    async fn a_weaker_caller_may_narrow_a_stronger_token(server: TestServer) {
        let clerk = server.token().scopes(["tokens:write"]).expires_in(HOUR).issue().await;
        let strong = server.token().scopes(["system:write", "audit:read"]).never_expires().issue().await;

        let narrowed = clerk.patch(&format!("/v1/tokens/{}", strong.id()), json!({ "scopes": ["audit:read"] })).await;

        narrowed.expect_status(200);
        assert_eq!(narrowed.json()["token"]["scopes"], json!(["audit:read"]));
    }
}

on_both_stores! {
    async fn a_new_name_is_held_to_the_rules_of_a_name(server: TestServer) {
        let admin = server.admin();
        server.token().name("taken name").issue().await;
        let ci = server.token().name("ci bot").issue().await;
        let path = format!("/v1/tokens/{}", ci.id());

        assert_eq!(refused_fields(&admin.patch(&path, json!({ "name": "ab" })).await), ["name name_too_short"]);
        let taken = admin.patch(&path, json!({ "name": "TAKEN name" })).await;
        assert_eq!(taken.problem_code().as_deref(), Some("token_name_taken"));
        let its_own = admin.patch(&path, json!({ "name": "CI Bot" })).await;
        assert_eq!(its_own.at("/token/name"), "CI Bot", "another spelling of its own name is free");
    }
}

on_both_stores! {
    async fn every_update_has_its_place_and_its_event(server: TestServer) {
        let ci = server.token().name("ci bot").issue().await;
        let path = format!("/v1/tokens/{}", ci.id());
        let mut epochs = Vec::new();

        for name in ["one", "two", "three"] {
            let changed = server.admin().patch(&path, json!({ "name": name })).await;
            epochs.push(number(&changed.json(), "/receipt/epoch"));
        }

        assert!(epochs.is_sorted_by(|left, right| left < right), "{epochs:?}");
        let updated = ["token.updated"; 3];
        assert_eq!(actions_about(&server, ci.id()).await, [&["token.issued"], updated.as_slice()].concat());
        let newest = server.admin().get(&format!("/v1/audit/events?subject={}&limit=1", ci.id())).await;
        assert_eq!(text(&newest.json(), "/data/0/detail/name/from"), "two");
        assert_eq!(text(&newest.json(), "/data/0/detail/name/to"), "three");
    }
}

on_both_stores! {
    async fn what_is_added_never_outlives_whoever_adds_it(server: TestServer) {
        let lasting = server.token().name("lasting").scopes(["deployments:read"]).never_expires().issue().await;
        let brief = server.token().name("brief").scopes(["tokens:write", "deployments:read", "deployments:write"]).expires_in_days(7).issue().await;
        let path = format!("/v1/tokens/{}", lasting.id());

        let wider = brief.patch(&path, json!({ "scopes": ["deployments:read", "deployments:write"] })).await;
        assert_eq!(refused_fields(&wider), ["expires_at expiry_exceeds_caller"]);
        brief.patch(&path, json!({ "scopes": ["deployments:read"], "name": "still lasting" })).await.expect_status(200);
    }
}

on_both_stores! {
    async fn a_weaker_caller_neither_prolongs_nor_unbinds_a_stronger_token(server: TestServer) {
        let strong = server.token().name("strong").scopes(["audit:read", "deployments:read"]).expires_in_days(7)
            .field("networks", json!(["192.0.2.0/24"])).issue().await;
        let weak = server.token().name("weak").scopes(["tokens:write", "deployments:read"]).expires_in_days(90).issue().await;
        let path = format!("/v1/tokens/{}", strong.id());

        let prolonged = weak.patch(&path, json!({ "expires_in_days": 30 })).await;
        assert_eq!(refused_fields(&prolonged), ["scopes scope_exceeds_caller"]);
        let unbound = weak.patch(&path, json!({ "networks": null })).await;
        assert_eq!(refused_fields(&unbound), ["scopes scope_exceeds_caller"]);
        weak.patch(&path, json!({ "networks": ["192.0.2.0/28"], "scopes": ["deployments:read"] })).await.expect_status(200);
        weak.patch(&path, json!({ "expires_in_days": 30 })).await.expect_status(200);
    }
}
