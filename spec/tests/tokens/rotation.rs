//! `POST /v1/tokens/{id}/regenerate` with an overlap, and `…/finish`: two secrets for a while, and every way in which the old one stops.

use std::time::Duration;

use claviger_testkit::{Answer, Caller, TestServer, on_both_stores};
use serde_json::{Value, json};

use crate::asking::{
    accepted_everywhere, actions_about, at_every_door, decision, refused_everywhere, refused_fields, text,
    verified,
};

async fn regenerate(caller: &Caller, id: &str, body: Value) -> Answer {
    caller.post(&format!("/v1/tokens/{id}/regenerate"), body).await
}

async fn finish(server: &TestServer, id: &str) -> Answer {
    let path = format!("/v1/tokens/{id}/regenerate/finish");
    server.admin().post(&path, Value::Null).await
}

async fn record(server: &TestServer, id: &str) -> Value {
    server.admin().get(&format!("/v1/tokens/{id}")).await.json()
}

/// A token in an overlap: the old secret's bearer, and the new secret.
async fn rotated(server: &TestServer, body: Value) -> (Caller, String) {
    let ci = server.token().name("ci bot").issue().await;
    let regenerated = regenerate(server.admin(), ci.id(), body).await;
    let secret = regenerated.expect_status(200).at("/secret");
    (ci, secret)
}

async fn decisions<const N: usize>(server: &TestServer, secrets: [&str; N]) -> [String; N] {
    let mut said = [const { String::new() }; N];
    for (place, secret) in said.iter_mut().zip(secrets) {
        *place = decision(server.admin(), secret).await;
    }
    said
}

on_both_stores! {
    async fn d7_a_regeneration_always_yields_a_new_secret_whatever_the_end(server: TestServer) {
        let ci = server.token().field("reason", "the mirror has no way to renew it").issue().await;
        let same_end = json!({ "expires_at": ci.record()["expires_at"] });
        let mut old = ci.secret().to_owned();

        for body in [Value::Null, json!({}), same_end, json!({ "expires_in_days": 30 }), json!({ "never_expires": true })] {
            let regenerated = regenerate(server.admin(), ci.id(), body.clone()).await;
            let new = regenerated.expect_status(200).at("/secret");
            assert_ne!(new, old, "{body}");
            assert_eq!(at_every_door(&server, &old).await, refused_everywhere("unknown"), "{body}");
            assert_eq!(at_every_door(&server, &new).await, accepted_everywhere(), "{body}");
            old = new;
        }
        assert_eq!(record(&server, ci.id()).await["expires_at"], Value::Null);
    }
}

on_both_stores! {
    async fn d7_the_old_secret_stops_after_an_explicit_overlap(server: TestServer) {
        let (ci, new) = rotated(&server, json!({ "overlap_seconds": 600 })).await;
        for secret in [ci.secret(), &new] {
            assert_eq!(at_every_door(&server, secret).await, accepted_everywhere());
        }

        server.clock().advance(Duration::from_secs(599));
        assert_eq!(decisions(&server, [ci.secret(), &new]).await, ["valid", "valid"]);
        server.clock().advance(Duration::from_secs(1));

        assert_eq!(at_every_door(&server, ci.secret()).await, refused_everywhere("unknown"));
        assert_eq!(at_every_door(&server, &new).await, accepted_everywhere());
        assert_eq!(record(&server, ci.id()).await["previous"], Value::Null);
        server.flush().await;
        assert_eq!(decisions(&server, [ci.secret(), &new]).await, ["unknown", "valid"]);
        assert_eq!(server.service().verifier().len(), 2, "the old secret is forgotten");
    }
}

on_both_stores! {
    async fn the_record_says_where_the_old_secret_is_still_in_use(server: TestServer) {
        let (ci, new) = rotated(&server, json!({ "overlap_seconds": 3600, "until_first_use": false })).await;
        server.clock().advance(Duration::from_secs(60));
        decision(server.admin(), ci.secret()).await;
        server.clock().advance(Duration::from_secs(60));
        decision(server.admin(), &new).await;

        let at_once = server.admin().get(&format!("/v1/tokens/{}", ci.id())).await;
        server.flush().await;
        let flushed = server.admin().get(&format!("/v1/tokens/{}", ci.id())).await;

        let previous = json!({
            "hint": ci.record()["hint"],
            "ends_at": "2026-11-22T11:00:00Z",
            "until_first_use": false,
            "last_used_at": "2026-11-22T10:01:00Z",
            "last_used_address": "127.0.0.1",
        });
        assert_eq!(at_once.json()["previous"], previous);
        assert_eq!(flushed.json(), at_once.json(), "before it is in the store and after");
        assert_eq!(at_once.at("/last_used_at"), "2026-11-22T10:02:00Z", "by either secret");
    }
}

on_both_stores! {
    async fn the_first_use_of_the_new_secret_ends_the_old_one(mut server: TestServer) {
        let (ci, new) = rotated(&server, json!({ "until_first_use": true })).await;
        assert_eq!(at_every_door(&server, ci.secret()).await, accepted_everywhere());
        assert_eq!(record(&server, ci.id()).await["previous"]["ends_at"], "2026-11-23T10:00:00Z", "a day at the latest");

        server.bearer(&new).get("/v1/tokens/self").await.expect_status(200);

        assert_eq!(at_every_door(&server, ci.secret()).await, refused_everywhere("unknown"));
        assert_eq!(record(&server, ci.id()).await["previous"], Value::Null);
        server.flush().await;
        let events = actions_about(&server, ci.id()).await;
        assert_eq!(events, ["token.issued", "token.regenerated", "token.overlap_ended"]);
        server.restart().await;
        assert_eq!(decisions(&server, [ci.secret(), &new]).await, ["unknown", "valid"]);
    }
}

on_both_stores! {
    async fn of_time_and_first_use_whichever_comes_first_ends_the_old_secret(server: TestServer) {
        let (by_use, used) = rotated(&server, json!({ "overlap_seconds": 60, "until_first_use": true })).await;
        let by_time = server.token().name("another").issue().await;
        let body = json!({ "overlap_seconds": 60, "until_first_use": true });
        regenerate(server.admin(), by_time.id(), body).await.expect_status(200);

        decision(server.admin(), &used).await;
        assert_eq!(decisions(&server, [by_use.secret(), by_time.secret()]).await, ["unknown", "valid"]);
        server.clock().advance(Duration::from_secs(60));

        assert_eq!(decision(server.admin(), by_time.secret()).await, "unknown");
    }
}

on_both_stores! {
    async fn a_rotation_is_finished_early_by_one_call_that_may_be_repeated(mut server: TestServer) {
        let (ci, new) = rotated(&server, json!({ "overlap_seconds": 3600 })).await;

        let finished = finish(&server, ci.id()).await;

        assert_eq!(at_every_door(&server, ci.secret()).await, refused_everywhere("unknown"));
        assert_eq!(at_every_door(&server, &new).await, accepted_everywhere());
        let receipt = json!({ "epoch": 5, "verifiers": { "confirmed": 1, "fenced": 0 }, "slowest_ms": 0 });
        assert_eq!(finished.expect_status(200).json()["receipt"], receipt);
        assert_eq!(finished.json()["token"]["previous"], Value::Null);
        let again = finish(&server, ci.id()).await;
        assert_eq!(again.expect_status(200).json()["receipt"], receipt);
        let events = actions_about(&server, ci.id()).await;
        assert_eq!(events, ["token.issued", "token.regenerated", "token.overlap_ended"]);
        server.restart().await;
        assert_eq!(decisions(&server, [ci.secret(), &new]).await, ["unknown", "valid"]);
    }
}

on_both_stores! {
    async fn a_second_regeneration_ends_the_oldest_secret(server: TestServer) {
        for body in [json!({ "overlap_seconds": 3600 }), json!({ "until_first_use": true })] {
            let ci = server.token().issue().await;
            let second = regenerate(server.admin(), ci.id(), body.clone()).await.at("/secret");

            let third = regenerate(server.admin(), ci.id(), body.clone()).await.expect_status(200).at("/secret");

            assert_eq!(decisions(&server, [ci.secret(), &second, &third]).await, ["unknown", "valid", "valid"], "{body}");
            let alone = regenerate(server.admin(), ci.id(), Value::Null).await.at("/secret");
            assert_eq!(decisions(&server, [&second, &third, &alone]).await, ["unknown", "unknown", "valid"], "{body}");
        }
    }
}

on_both_stores! {
    async fn of_16_at_once_with_an_overlap_the_last_two_secrets_are_valid(server: TestServer) {
        let ci = server.token().issue().await;
        let calls: Vec<_> = (0..16)
            .map(|_| {
                let (admin, id) = (server.admin().clone(), ci.id().to_owned());
                tokio::spawn(async move { regenerate(&admin, &id, json!({ "overlap_seconds": 60 })).await })
            })
            .collect();
        let mut secrets = vec![ci.secret().to_owned()];
        for call in calls {
            secrets.push(call.await.unwrap().expect_status(200).at("/secret"));
        }

        let mut valid = 0;
        for secret in &secrets {
            valid += usize::from(at_every_door(&server, secret).await == accepted_everywhere());
        }

        assert_eq!(valid, 2);
    }
}

on_both_stores! {
    async fn whatever_ends_or_narrows_the_token_holds_for_both_secrets(mut server: TestServer) {
        let admin = server.admin().clone();
        let (ci, new) = rotated(&server, json!({ "overlap_seconds": 3600 })).await;
        let path = format!("/v1/tokens/{}", ci.id());

        admin.patch(&path, json!({ "scopes": ["deployments:read"] })).await.expect_status(200);
        for secret in [ci.secret(), &new] {
            assert_eq!(verified(&admin, secret).await["token"]["scopes"], json!(["deployments:read"]));
        }
        admin.post(&format!("{path}/revoke"), Value::Null).await.expect_status(200);
        for secret in [ci.secret(), &new] {
            assert_eq!(at_every_door(&server, secret).await, refused_everywhere("revoked"));
        }
        server.restart().await;
        assert_eq!(decisions(&server, [ci.secret(), &new]).await, ["revoked", "revoked"]);
        server.admin().delete(&path).await.expect_status(204);
        assert_eq!(decisions(&server, [ci.secret(), &new]).await, ["unknown", "unknown"]);
        server.restart().await;
        assert_eq!(decisions(&server, [ci.secret(), &new]).await, ["unknown", "unknown"]);
    }
}

on_both_stores! {
    async fn a_bulk_revocation_and_an_earlier_end_hold_for_both_secrets(server: TestServer) {
        let (ci, new) = rotated(&server, json!({ "overlap_seconds": 3600 })).await;
        let body = json!({ "ids": [ci.id()] });
        server.admin().post("/v1/tokens/revoke", body).await.expect_status(200);
        assert_eq!(decisions(&server, [ci.secret(), &new]).await, ["revoked", "revoked"]);

        let short = server.token().name("short").issue().await;
        let new = regenerate(server.admin(), short.id(), json!({ "overlap_seconds": 3600 })).await.at("/secret");
        let end = json!({ "expires_at": "2026-11-22T10:01:00Z" });
        server.admin().patch(&format!("/v1/tokens/{}", short.id()), end).await.expect_status(200);
        server.clock().advance(Duration::from_secs(60));

        assert_eq!(decisions(&server, [short.secret(), &new]).await, ["unknown", "expired"]);
    }
}

on_both_stores! {
    async fn an_overlap_goes_on_after_a_restart(mut server: TestServer) {
        let (ci, new) = rotated(&server, json!({ "overlap_seconds": 600, "until_first_use": true })).await;
        decision(server.admin(), ci.secret()).await;

        server.restart().await;

        assert_eq!(record(&server, ci.id()).await["previous"]["last_used_at"], "2026-11-22T10:00:00Z");
        assert_eq!(decisions(&server, [ci.secret(), &new, ci.secret()]).await, ["valid", "valid", "unknown"]);
    }
}

on_both_stores! {
    async fn a_retry_gets_the_same_secret_although_the_old_one_is_in_use(mut server: TestServer) {
        let ci = server.token().issue().await;
        let admin = server.admin().header("idempotency-key", "rotate-1");
        let body = json!({ "overlap_seconds": 3600 });
        let first = regenerate(&admin, ci.id(), body.clone()).await;
        server.clock().advance(Duration::from_secs(5));
        decision(server.admin(), ci.secret()).await;
        server.flush().await;

        let second = regenerate(&admin, ci.id(), body.clone()).await;
        server.restart().await;
        let third = regenerate(&admin, ci.id(), body.clone()).await;

        assert_eq!((second.status, &second.body), (first.status, &first.body));
        assert_eq!((third.status, &third.body), (first.status, &first.body));
        assert_eq!(decisions(&server, [ci.secret(), &first.at("/secret")]).await, ["valid", "valid"]);
        let late = regenerate(&admin, ci.id(), body).await;
        assert_eq!((late.status, late.problem_code().as_deref()), (409, Some("secret_already_shown")));
    }
}

on_both_stores! {
    async fn a_retry_gets_the_secret_although_the_old_one_was_used_in_the_same_second(mut server: TestServer) {
        for flushed in [false, true] {
            let ci = server.token().name(&format!("ci {flushed}")).issue().await;
            decision(server.admin(), ci.secret()).await;
            if flushed {
                server.flush().await;
            }
            let admin = server.admin().header("idempotency-key", &format!("rotate-{flushed}"));
            let first = regenerate(&admin, ci.id(), Value::Null).await;

            let second = regenerate(&admin, ci.id(), Value::Null).await;
            server.restart().await;
            let third = regenerate(&admin, ci.id(), Value::Null).await;

            assert_eq!((second.status, &second.body), (first.expect_status(200).status, &first.body));
            assert_eq!((third.status, &third.body), (first.status, &first.body));
            assert_eq!(record(&server, ci.id()).await["last_used_at"], "2026-11-22T10:00:00Z", "the token was used");
            let new = first.at("/secret");
            assert_eq!(decisions(&server, [ci.secret(), &new]).await, ["unknown", "valid"]);
            for _ in 0..2 {
                let late = regenerate(&admin, ci.id(), Value::Null).await;
                assert_eq!((late.status, late.problem_code().as_deref()), (409, Some("secret_already_shown")));
                server.restart().await;
            }
        }
    }
}

/// A token that was issued and, a second later, rotated with an overlap, both under keys; and what repeating the two calls says.
struct Repeatable {
    issuing: Caller,
    rotating: Caller,
    id: String,
    old: String,
    new: String,
}

impl Repeatable {
    async fn start(server: &TestServer) -> Self {
        let issuing = server.admin().header("idempotency-key", "issue-1");
        let issued = issuing.post("/v1/tokens", Self::ci()).await;
        let rotating = server.admin().header("idempotency-key", "rotate-1");
        server.clock().advance(Duration::from_secs(1));
        let id = issued.at("/token/id");
        let rotated = regenerate(&rotating, &id, Self::overlap()).await;
        Self {
            issuing,
            rotating,
            id,
            old: issued.at("/secret"),
            new: rotated.at("/secret"),
        }
    }

    fn ci() -> Value {
        json!({ "name": "ci bot", "scopes": ["deployments:read"] })
    }

    fn overlap() -> Value {
        json!({ "overlap_seconds": 3600 })
    }

    /// The secret, or the problem, of each call.
    async fn again(&self) -> [String; 2] {
        let answers = [
            self.issuing.post("/v1/tokens", Self::ci()).await,
            regenerate(&self.rotating, &self.id, Self::overlap()).await,
        ];
        answers.map(|answer| answer.problem_code().unwrap_or_else(|| answer.at("/secret")))
    }
}

on_both_stores! {
    async fn of_an_overlap_each_secret_is_repeated_until_it_is_used_itself(server: TestServer) {
        let calls = Repeatable::start(&server).await;
        let (new, gone) = (calls.new.clone(), "secret_already_shown".to_owned());

        assert_eq!(calls.again().await, [calls.old.clone(), new.clone()]);
        assert_eq!(decision(server.admin(), &calls.old).await, "valid");
        assert_eq!(calls.again().await, [gone.clone(), new.clone()]);
        server.flush().await;
        assert_eq!(calls.again().await, [gone.clone(), new.clone()]);
        finish(&server, &calls.id).await.expect_status(200);
        assert_eq!(calls.again().await, [gone.clone(), new.clone()], "it does not come back");
        assert_eq!(decision(server.admin(), &new).await, "valid");
        assert_eq!(calls.again().await, [gone.clone(), gone]);
    }
}

on_both_stores! {
    async fn an_old_secret_that_nobody_used_is_repeated_although_the_new_one_is_in_use(mut server: TestServer) {
        let calls = Repeatable::start(&server).await;
        assert_eq!(decision(server.admin(), &calls.new).await, "valid");
        server.flush().await;

        let gone = "secret_already_shown".to_owned();
        assert_eq!(calls.again().await, [calls.old.clone(), gone.clone()]);
        server.restart().await;
        assert_eq!(calls.again().await, [calls.old.clone(), gone]);
    }
}

on_both_stores! {
    async fn a_dead_secret_is_repeated_to_nobody(server: TestServer) {
        let calls = Repeatable::start(&server).await;
        let gone = "secret_already_shown".to_owned();

        finish(&server, &calls.id).await.expect_status(200);
        assert_eq!(calls.again().await, [gone.clone(), calls.new.clone()]);
        server.clock().advance(Duration::from_secs(1));
        regenerate(server.admin(), &calls.id, Value::Null).await.expect_status(200);

        assert_eq!(calls.again().await, [gone.clone(), gone]);
    }
}

on_both_stores! {
    async fn whence_the_token_was_used_outlives_regenerations(server: TestServer) {
        let ci = server.token().issue().await;
        ci.get("/v1/tokens/self").await.expect_status(200);
        server.flush().await;
        let used = record(&server, ci.id()).await["last_used_address"].clone();
        assert!(used.is_string(), "{used}");

        for _ in 0..2 {
            regenerate(server.admin(), ci.id(), Value::Null).await.expect_status(200);
            assert_eq!(record(&server, ci.id()).await["last_used_address"], used);
        }
        server.flush().await;
        assert_eq!(record(&server, ci.id()).await["last_used_address"], used);
    }
}

on_both_stores! {
    async fn the_old_secret_moves_to_a_new_pepper_at_its_use_and_ends_with_the_old_pepper_otherwise(server: TestServer) {
        let (moved, moved_new) = rotated(&server, json!({ "overlap_seconds": 3600 })).await;
        let idle = server.token().name("idle").issue().await;
        let idle_new = regenerate(server.admin(), idle.id(), json!({ "overlap_seconds": 3600 })).await.at("/secret");
        server.admin().post("/v1/peppers/rotate", Value::Null).await.expect_status(200);
        server.clock().advance(Duration::from_secs(1));
        for secret in [moved.secret(), &moved_new, &idle_new] {
            assert_eq!(decision(server.admin(), secret).await, "valid");
        }
        server.flush().await;

        let refused = server.admin().post("/v1/peppers/retire", json!({})).await;
        let retired = server.admin().post("/v1/peppers/retire", json!({ "revoke_stragglers": true })).await;

        assert_eq!(refused.problem_code().as_deref(), Some("pepper_has_stragglers"));
        assert!(refused.body.contains("1 old secrets of rotated tokens"), "{}", refused.body);
        retired.expect_status(200);
        assert_eq!(decisions(&server, [moved.secret(), &moved_new]).await, ["valid", "valid"]);
        assert_eq!(decisions(&server, [idle.secret(), &idle_new]).await, ["unknown", "valid"], "the token goes on");
        assert_eq!(record(&server, idle.id()).await["previous"], Value::Null);
    }
}

on_both_stores! {
    async fn an_overlap_is_a_day_at_most(server: TestServer) {
        let ci = server.token().issue().await;

        for seconds in [86_401_u32, u32::MAX] {
            let refused = regenerate(server.admin(), ci.id(), json!({ "overlap_seconds": seconds })).await;
            assert_eq!(refused_fields(&refused), ["overlap_seconds overlap_too_long"]);
        }
        let negative = regenerate(server.admin(), ci.id(), json!({ "overlap_seconds": -1 })).await;
        assert_eq!((negative.status, negative.problem_code().as_deref()), (400, Some("field_invalid")));
        let day = regenerate(server.admin(), ci.id(), json!({ "overlap_seconds": 86_400 })).await;
        assert_eq!(day.expect_status(200).at("/token/previous/ends_at"), "2026-11-23T10:00:00Z");
    }
}

on_both_stores! {
    async fn the_bearer_of_the_old_secret_is_bounded_by_its_end(server: TestServer) {
        let (old, _) = rotated(&server, json!({ "overlap_seconds": 60 })).await;

        let child = old.post("/v1/tokens", json!({ "name": "child", "scopes": ["tokens:read"] })).await;
        let outliving = regenerate(&old, old.id(), Value::Null).await;

        assert_eq!(child.expect_status(201).at("/token/expires_at"), "2026-11-22T10:01:00Z");
        assert_eq!(refused_fields(&outliving), ["expires_at expiry_exceeds_caller"]);
    }
}

on_both_stores! {
    async fn a_new_end_lies_within_the_callers_life(server: TestServer) {
        let clerk = server.token().scopes(["tokens:write"]).expires_in_days(7).issue().await;
        let ci = server.token().scopes(["tokens:write"]).expires_in_days(7).issue().await;

        let refused = regenerate(&clerk, ci.id(), json!({ "expires_in_days": 30 })).await;
        let ambiguous = regenerate(&clerk, ci.id(), json!({ "expires_in_days": 7, "never_expires": true })).await;

        assert_eq!(refused_fields(&refused), ["expires_at expiry_exceeds_caller"]);
        assert_eq!(refused_fields(&ambiguous), ["expires_at expiry_ambiguous"]);
        assert_eq!(at_every_door(&server, ci.secret()).await, accepted_everywhere());
    }
}

on_both_stores! {
    async fn a_deactivated_owner_ends_both_secrets(server: TestServer) {
        let admin = server.admin();
        let invited = admin.post("/v1/invitations", json!({ "email": "grace@example.org" })).await;
        let accept = json!({ "invitation": invited.expect_status(201).at("/secret"), "name": "Grace Hopper", "password": "velvet hammer 7 clouds" });
        let joined = server.anonymous().post("/v1/invitations/accept", accept).await.expect_status(201).json();
        let grace = server.bearer(&text(&joined, "/secret"));
        let id = text(&joined, "/token/id");
        let new = regenerate(&grace, &id, json!({ "overlap_seconds": 3600 })).await.expect_status(200).at("/secret");
        let old = text(&joined, "/secret");
        assert_eq!(decisions(&server, [&old, &new]).await, ["valid", "valid"]);

        let owner = text(&joined, "/token/owner");
        admin.post(&format!("/v1/users/{owner}/deactivate"), Value::Null).await.expect_status(200);

        for secret in [&old, &new] {
            assert_eq!(at_every_door(&server, secret).await, refused_everywhere("revoked"));
        }
    }
}

on_both_stores! {
    async fn what_the_first_use_ended_is_over_before_the_store_knows(server: TestServer) {
        let (ci, new) = rotated(&server, json!({ "until_first_use": true })).await;
        decision(server.admin(), &new).await;
        let path = format!("/v1/tokens/{}", ci.id());

        let changed = server.admin().patch(&path, json!({ "description": "rotated" })).await;

        assert_eq!(changed.expect_status(200).json()["token"]["previous"], Value::Null);
        assert_eq!(decisions(&server, [ci.secret(), &new]).await, ["unknown", "valid"]);
        let next = regenerate(server.admin(), ci.id(), json!({ "until_first_use": true })).await.at("/secret");
        server.flush().await;
        assert_eq!(decisions(&server, [ci.secret(), &new, &next, &new]).await, ["unknown", "valid", "valid", "unknown"]);
    }
}
