//! `/v1/policy`: how long tokens live by type, why they were made, and the end of what nobody uses.

use std::time::Duration;

use claviger_service::Clock as _;
use claviger_testkit::{Answer, Caller, TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use crate::asking::{refused_fields, rows, text, trimmed};

const DAY: Duration = Duration::from_secs(86_400);

/// Replaces some rules of the policy.
pub(crate) async fn changed(server: &TestServer, changes: Value) -> Answer {
    let mut policy = server.admin().get("/v1/policy").await.expect_status(200).json();
    for (field, value) in changes.as_object().unwrap() {
        match value {
            Value::Object(rules) => policy[field].as_object_mut().unwrap().extend(rules.clone()),
            _ => policy[field] = value.clone(),
        }
    }
    server.admin().put("/v1/policy", policy).await
}

on_both_stores! {
    async fn a_fresh_organization_has_the_default_rules(server: TestServer) {
        let shown = server.token().scopes(["deployments:write"]).issue().await.get("/v1/policy").await;

        shown.expect(expect![[r#"
            200 {
              "personal": {
                "default_days": 90,
                "max_days": null,
                "never_allowed": true,
                "flag_unused_after_days": null,
                "revoke_unused_after_days": null
              },
              "global": {
                "default_days": 90,
                "max_days": 90,
                "never_allowed": false,
                "flag_unused_after_days": null,
                "revoke_unused_after_days": null
              },
              "team": {
                "default_days": 90,
                "max_days": null,
                "never_allowed": true,
                "flag_unused_after_days": null,
                "revoke_unused_after_days": null
              },
              "service": {
                "default_days": 90,
                "max_days": null,
                "never_allowed": true,
                "flag_unused_after_days": null,
                "revoke_unused_after_days": null
              },
              "query_tokens": false
            }"#]]);
    }
}

on_both_stores! {
    /// security.md T9.
    async fn a_global_token_needs_a_reason_and_ends_within_90_days_unless_the_policy_allows_more(server: TestServer) {
        let end = |days: u32| server.clock().now().plus_days(days).to_string();
        let global = |more: Value| {
            let mut body = json!({ "type": "global", "reason": "nightly export" });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let admin = server.token().scopes(["*"]).never_expires().issue().await;
        let ask = async |fields: Value| {
            let mut body = json!({ "name": "robot", "scopes": ["deployments:write"] });
            body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            admin.post("/v1/tokens", body).await
        };

        assert_eq!(refused_fields(&ask(json!({ "type": "global" })).await), ["reason reason_missing"]);
        assert_eq!(refused_fields(&ask(global(json!({ "expires_at": end(91) }))).await), ["expires_at expiry_exceeds_policy"]);
        assert_eq!(refused_fields(&ask(global(json!({ "never_expires": true }))).await), ["never_expires never_not_allowed"]);
        let made = ask(global(json!({ "expires_at": end(90) }))).await;
        assert_eq!(made.expect_status(201).at("/token/reason"), "nightly export");

        changed(&server, json!({ "global": { "max_days": 365, "default_days": 30 } })).await.expect_status(200);
        ask(global(json!({ "name": "longer", "expires_at": end(365) }))).await.expect_status(201);
        let by_default = ask(global(json!({ "name": "by default" }))).await;
        assert_eq!(by_default.at("/token/expires_at"), end(30));
    }
}

on_both_stores! {
    async fn no_end_needs_a_reason_and_a_policy_that_allows_it(server: TestServer) {
        let admin = server.token().scopes(["*"]).never_expires().issue().await;
        let ask = async |fields: Value| {
            let mut body = json!({ "name": "device", "scopes": ["deployments:write"], "never_expires": true });
            body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            admin.post("/v1/tokens", body).await
        };

        assert_eq!(refused_fields(&ask(json!({})).await), ["reason reason_missing"]);
        let device = ask(json!({ "reason": "a device without updates" })).await.expect_status(201).at("/token/id");
        changed(&server, json!({ "personal": { "never_allowed": false, "max_days": 30, "default_days": 30 } })).await.expect_status(200);
        let refused = ask(json!({ "name": "another", "reason": "a device without updates" })).await;
        assert_eq!(refused_fields(&refused), ["never_expires never_not_allowed"]);
        let path = format!("/v1/tokens/{device}");
        let kept = admin.patch(&path, json!({ "name": "old device" })).await;
        assert_eq!(kept.expect_status(200).json()["token"]["expires_at"], Value::Null, "a token that lives keeps its end");
        admin.patch(&path, json!({ "expires_in_days": 60 })).await.expect_status(200);
        let prolonged = admin.patch(&path, json!({ "expires_in_days": 90 })).await;
        assert_eq!(refused_fields(&prolonged), ["expires_in_days expiry_exceeds_policy"]);
        let unended = admin.patch(&path, json!({ "never_expires": true })).await;
        assert_eq!(refused_fields(&unended), ["never_expires never_not_allowed"]);
    }
}

on_both_stores! {
    async fn rules_that_do_not_fit_together_are_refused_with_the_field(server: TestServer) {
        let mut said = String::new();
        for changes in [
            json!({ "team": { "default_days": 91, "max_days": 90 } }),
            json!({ "team": { "max_days": 90 } }),
            json!({ "service": { "default_days": 0 } }),
            json!({ "personal": { "revoke_unused_after_days": 0 } }),
            json!({ "personal": { "revoke_unused_after_days": 40_000 } }),
            json!({ "personal": { "flag_unused_after_days": 0 } }),
            json!({ "personal": { "flag_unused_after_days": 31, "revoke_unused_after_days": 30 } }),
        ] {
            said.push_str(&format!("{changes} → {}\n", refused_fields(&changed(&server, changes.clone()).await).join(", ")));
        }
        expect![[r#"
            {"team":{"default_days":91,"max_days":90}} → team.default_days default_exceeds_maximum, team.never_allowed never_contradicts_maximum
            {"team":{"max_days":90}} → team.never_allowed never_contradicts_maximum
            {"service":{"default_days":0}} → service.default_days days_out_of_range
            {"personal":{"revoke_unused_after_days":0}} → personal.revoke_unused_after_days days_out_of_range
            {"personal":{"revoke_unused_after_days":40000}} → personal.revoke_unused_after_days days_out_of_range
            {"personal":{"flag_unused_after_days":0}} → personal.flag_unused_after_days days_out_of_range
            {"personal":{"flag_unused_after_days":31,"revoke_unused_after_days":30}} → personal.flag_unused_after_days flag_after_revocation
        "#]].assert_eq(&trimmed(&said));
        let events = server.admin().get("/v1/audit/events?action=policy.written").await;
        assert_eq!(events.expect_status(200).json()["data"].as_array().unwrap().len(), 0, "nothing was written");
    }
}

on_both_stores! {
    async fn what_nobody_uses_is_revoked_when_the_policy_says_so(server: TestServer) {
        let admin = server.token().scopes(["*"]).never_expires().issue().await;
        let make = async |name: &str| {
            let body = json!({ "name": name, "scopes": ["deployments:write"], "expires_in_days": 90 });
            admin.post("/v1/tokens", body).await.expect_status(201).json()
        };
        let (idle, busy) = (make("idle").await, make("busy").await);
        changed(&server, json!({ "personal": { "revoke_unused_after_days": 30 } })).await.expect_status(200);
        let code = async |token: &Value| {
            let body = json!({ "token": text(token, "/secret") });
            admin.post("/v1/verify", body).await.expect_status(200).at("/code")
        };

        server.clock().advance(DAY * 29);
        assert_eq!(code(&busy).await, "valid");
        server.clock().advance(DAY - Duration::from_secs(1));
        server.service().revoke_unused().await.unwrap();
        let shown = async |token: &Value| admin.get(&format!("/v1/tokens/{}", text(token, "/token/id"))).await.json();
        assert_eq!(shown(&idle).await["state"], "live", "not yet");

        server.clock().advance(Duration::from_secs(1));
        server.service().revoke_unused().await.unwrap();

        let ended = shown(&idle).await;
        assert_eq!((text(&ended, "/state"), text(&ended, "/revoke_reason")), ("revoked".to_owned(), "unused".to_owned()));
        assert_eq!(code(&idle).await, "revoked");
        assert_eq!(code(&busy).await, "valid", "it was used");
        assert_eq!(shown(&busy).await["state"], "live");
    }
}

/// The names of the listed tokens.
async fn names(server: &TestServer, query: &str) -> Vec<String> {
    let listed = server.admin().get(&format!("/v1/tokens?{query}&sort=name")).await;
    rows(&listed).iter().map(|token| text(token, "/name")).collect()
}

on_both_stores! {
    async fn what_nobody_uses_is_flagged_in_its_record_and_in_lists(server: TestServer) {
        changed(&server, json!({ "personal": { "flag_unused_after_days": 30, "revoke_unused_after_days": 60 } })).await.expect_status(200);
        let make = async |name: &str| server.token().name(name).scopes(["deployments:write"]).never_expires().issue().await;
        let (idle, used, renewed) = (make("idle").await, make("used").await, make("renewed").await);
        make("revoked").await.post("/v1/tokens/self/revoke", json!({})).await.expect_status(200);
        server.token().name("short").scopes(["deployments:write"]).expires_in_days(7).issue().await;
        let record = async |token: &Caller| server.admin().get(&format!("/v1/tokens/{}", token.id())).await.expect_status(200).json();

        server.clock().advance(DAY * 30 - Duration::from_secs(1));
        assert_eq!(names(&server, "unused=true").await, [""; 0], "not yet");
        used.get("/v1/tokens/self").await.expect_status(200);
        let regenerate = format!("/v1/tokens/{}/regenerate", renewed.id());
        server.admin().post(&regenerate, Value::Null).await.expect_status(200);
        server.clock().advance(Duration::from_secs(1));

        assert_eq!(
            record(&idle).await["unused"],
            json!({ "since": "2026-11-22T10:00:00Z", "flagged_after_days": 30, "revoked_at": "2027-01-21T10:00:00Z" })
        );
        assert_eq!(names(&server, "unused=true").await, ["idle"]);
        let others = names(&server, "unused=false").await;
        assert!(["renewed", "revoked", "short", "used"].iter().all(|name| others.iter().any(|other| other == name)), "{others:?}");
        assert!(!others.contains(&"idle".to_owned()));
        for other in [&used, &renewed] {
            assert_eq!(record(other).await.get("unused"), None);
        }
        let described = server.admin().patch(&format!("/v1/tokens/{}", idle.id()), json!({ "description": "whose?" })).await;
        assert_eq!(described.expect_status(200).json()["token"]["unused"]["flagged_after_days"], 30, "a change is no use");

        idle.get("/v1/tokens/self").await.expect_status(200);
        assert_eq!(record(&idle).await.get("unused"), None, "a use takes it away, written or not");
        assert_eq!(names(&server, "unused=true").await, [""; 0]);
        server.clock().advance(DAY * 31);
        assert_eq!(names(&server, "unused=true").await, ["idle", "renewed", "used"]);
        changed(&server, json!({ "personal": { "flag_unused_after_days": null } })).await.expect_status(200);
        assert_eq!(names(&server, "unused=true").await, [""; 0], "and so does another policy");
    }
}

on_both_stores! {
    async fn the_flag_and_the_revocation_go_by_one_rule(server: TestServer) {
        changed(&server, json!({ "personal": { "flag_unused_after_days": 30, "revoke_unused_after_days": 30 } })).await.expect_status(200);
        let mut made = Vec::new();
        for number in 0..6 {
            let token = server.token().name(&format!("token {number}")).scopes(["deployments:write"]).never_expires().issue().await;
            made.push(token);
        }
        server.clock().advance(DAY);
        made[1].get("/v1/tokens/self").await.expect_status(200);
        server.admin().post(&format!("/v1/tokens/{}/regenerate", made[2].id()), Value::Null).await.expect_status(200);
        server.clock().advance(DAY * 29);
        let flagged = names(&server, "unused=true&q=token").await;
        assert_eq!(flagged, ["token 0", "token 3", "token 4", "token 5"]);

        server.service().revoke_unused().await.unwrap();

        assert_eq!(names(&server, "state=revoked&q=token").await, flagged);
    }
}

on_both_stores! {
    async fn nothing_lives_for_ever_by_being_prolonged_again_and_again(server: TestServer) {
        let admin = server.token().scopes(["*"]).never_expires().issue().await;
        let body = json!({ "name": "robot", "type": "global", "reason": "nightly export", "scopes": ["deployments:write"], "expires_in_days": 90 });
        let robot = format!("/v1/tokens/{}", admin.post("/v1/tokens", body).await.expect_status(201).at("/token/id"));
        let move_to = async |end: &str| admin.patch(&robot, json!({ "expires_at": end })).await;
        let after = |days: u32| server.clock().now().plus_days(days).to_string();

        server.clock().advance(DAY * 80);
        assert_eq!(refused_fields(&move_to(&after(11)).await), ["expires_at expiry_exceeds_policy"], "91 days with one secret");
        move_to(&after(5)).await.expect_status(200);
        move_to(&after(10)).await.expect_status(200);

        admin.post(&format!("{robot}/regenerate"), Value::Null).await.expect_status(200);
        move_to(&after(90)).await.expect_status(200);
        server.clock().advance(DAY);
        assert_eq!(refused_fields(&move_to(&after(90)).await), ["expires_at expiry_exceeds_policy"]);
        changed(&server, json!({ "global": { "max_days": 10, "default_days": 10 } })).await.expect_status(200);
        move_to(&after(60)).await.expect_status(200);
        assert_eq!(refused_fields(&move_to(&after(61)).await), ["expires_at expiry_exceeds_policy"], "nearer is always allowed, and not back");
    }
}
