//! What an explanation and a denial name: the assignment that allows, the scope or role that is missing, the limit; and to whom.

use claviger_testkit::{Caller, TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use super::{codes, explained, made};
use crate::asking::text;
use crate::crowd::{newcomers, stranger};

fn assigned(role: &str, team: &str) -> Value {
    json!([{ "role": role, "teams": [team], "environments": "*", "names": ["search"] }])
}

/// What the verify door says of an action on an application.
async fn at_the_door(caller: &Caller, secret: &str, action: &str, team: &str) -> Value {
    let resource = json!({ "kind": "applications", "team": team, "name": "search" });
    let body = json!({ "token": secret, "action": action, "resource": resource });
    caller.post("/v1/verify", body).await.expect_status(200).json()
}

on_both_stores! {
    async fn the_assignment_that_allows_is_named_of_the_token_and_of_its_owner(mut server: TestServer) {
        let [ada] = newcomers(&mut server, ["ada@example.org"]).await;
        let team = made(&server, "/v1/teams", json!({ "name": "payments" })).await;
        let everywhere = json!([{ "role": "application.manager", "teams": "*", "environments": "*", "names": "*" }]);
        server.admin().patch(&format!("/v1/users/{}", ada.id), json!({ "roles": everywhere })).await.expect_status(200);
        // A token that was issued behind the server's back has scopes only; the administrator hands it the roles.
        let own = ada.caller.get("/v1/tokens/self").await.at("/id");
        let roles = json!({ "roles": assigned("application.trigger", &team) });
        server.admin().patch(&format!("/v1/tokens/{own}"), roles).await.expect_status(200);

        let told = explained(&ada.caller, &own, "trigger", "applications", json!({ "team": "Payments", "name": "search" })).await;

        let shown = told.text().replace(&team, "TEAM").replace(&own, "TOKEN");
        expect![[r#"
            200 {
              "allowed": true,
              "decision": {
                "valid": true,
                "code": "valid",
                "token": {
                  "id": "TOKEN",
                  "type": "personal",
                  "owner": "usr_0000000000001",
                  "organization": "org_1m81b5h800000",
                  "scopes": [
                    "tokens:read",
                    "tokens:write",
                    "tokens:verify",
                    "teams:read",
                    "services:read",
                    "environments:read",
                    "roles:read"
                  ],
                  "expires_at": "2027-02-20T10:00:00Z"
                }
              },
              "obstacles": [],
              "allowed_by": [
                {
                  "of": "token",
                  "code": "role",
                  "assignment": {
                    "role": "application.trigger",
                    "teams": ["TEAM"],
                    "environments": "*",
                    "names": ["search"]
                  }
                },
                {
                  "of": "owner",
                  "code": "role",
                  "assignment": {"role": "application.manager", "teams": "*", "environments": "*", "names": "*"}
                }
              ],
              "request_id": "req_ecqjd4sxsgyk5d7mea"
            }"#]].assert_eq(&shown);
        let request = told.at("/request_id");
        assert_eq!(told.header("x-request-id"), Some(request.as_str()));
    }
}

on_both_stores! {
    async fn a_membership_allows_too(mut server: TestServer) {
        let [ada] = newcomers(&mut server, ["ada@example.org"]).await;
        let team = made(&server, "/v1/teams", json!({ "name": "payments" })).await;
        server.admin().put(&format!("/v1/teams/{team}/members/{}", ada.id), json!({ "role": "manager" })).await.expect_status(200);
        let own = ada.caller.get("/v1/tokens/self").await.at("/id");

        let told = explained(&ada.caller, &own, "write", "deployments", json!({ "team": team })).await.expect_status(200).json();

        let expected = json!([
            { "of": "token", "code": "scope", "scope": "deployments:write" },
            { "of": "owner", "code": "membership", "team": team, "team_role": "manager" },
        ]);
        assert_eq!(told["allowed_by"], expected);
    }
}

on_both_stores! {
    async fn a_missing_role_is_named_with_those_of_the_organizations_own(server: TestServer) {
        let admin = server.admin();
        let team = made(&server, "/v1/teams", json!({ "name": "payments" })).await;
        made(&server, "/v1/teams", json!({ "name": "search" })).await;
        let own_role = json!({ "grants": [{ "kind": "applications", "actions": ["trigger"] }] });
        admin.put("/v1/roles/night-shift", own_role).await.expect_status(200);
        let viewer = server.token().name("viewer").global().field("roles", assigned("application.view", &team)).issue().await;
        let told = async |action: &str, team: &str| {
            explained(admin, viewer.id(), action, "applications", json!({ "team": team, "name": "search" })).await
        };

        let missing = told("trigger", "payments").await;
        assert_eq!(codes(&missing), ["role_not_given"]);
        let presets = json!(["super-admin", "application.trigger", "application.admin", "application.manager"]);
        let mut all = presets.clone();
        all.as_array_mut().unwrap().push("night-shift".into());
        assert_eq!(missing.json()["obstacles"][0]["roles"], all);
        let elsewhere = told("get", "search").await;
        assert_eq!(codes(&elsewhere), ["outside_roles"]);
        assert_eq!(elsewhere.json()["obstacles"][0]["roles"], json!(["application.view"]));
        assert_eq!(codes(&told("get", "payments").await), Vec::<String>::new());

        let denied = at_the_door(admin, viewer.secret(), "trigger", "payments").await;
        assert_eq!((&denied["code"], &denied["missing_roles"]), (&json!("not_permitted"), &presets));
        let denied = at_the_door(admin, viewer.secret(), "get", "search").await;
        assert_eq!((&denied["code"], &denied["missing_roles"]), (&json!("not_permitted"), &Value::Null), "it has the role elsewhere");
    }
}

on_both_stores! {
    async fn a_limit_is_named_and_nothing_is_taken_from_it(server: TestServer) {
        let limit = json!({ "requests": 2, "per_seconds": 60 });
        let ci = server.token().scopes(["deployments:write"]).field("rate_limit", limit).issue().await;
        let told = async |cost: u32| {
            let body = json!({ "token": ci.id(), "scopes": ["deployments:write"], "cost": cost });
            server.admin().post("/v1/explain", body).await
        };

        for _ in 0..3 {
            assert_eq!(codes(&told(2).await), Vec::<String>::new());
        }
        ci.get("/v1/tokens/self").await.expect_status(200);

        assert_eq!(codes(&told(1).await), Vec::<String>::new());
        let short = told(2).await;
        assert_eq!(codes(&short), ["rate_limited"]);
        let decision = short.json()["decision"].clone();
        assert_eq!(
            (&decision["code"], &decision["retry_after_seconds"], &decision["rate_limit"]["remaining"]),
            (&json!("rate_limited"), &json!(30), &json!(1))
        );
        let shown = server.admin().get(&format!("/v1/tokens/{}", ci.id())).await.json();
        assert_eq!(shown["last_used_at"], "2026-11-22T10:00:00Z", "of its own call");
    }
}

on_both_stores! {
    /// A denial names what is missing to whoever may know: the caller itself, and who may verify in the token's organization.
    async fn a_denial_names_the_missing_scope_to_whoever_may_know_and_nothing_to_others(mut server: TestServer) {
        let eve = stranger(&mut server).await;
        let team = made(&server, "/v1/teams", json!({ "name": "payments" })).await;
        let service = made(&server, "/v1/services", json!({ "name": "checkout", "team": team })).await;
        let reader = server.token().name("reader").scopes(["deployments:read"]).issue().await;
        let report = json!({ "service": "checkout", "version": "1" });

        let refused = reader.post("/v1/deployments", report.clone()).await;
        assert_eq!((refused.status, refused.problem_code().as_deref()), (403, Some("insufficient_scope")));
        assert_eq!(refused.at("/detail"), "the presented token lacks `deployments:write`");
        assert!(refused.header("www-authenticate").unwrap().contains(r#"scope="deployments:write""#));

        let place = json!({ "kind": "deployments", "team": team });
        let asked = async |caller: &Caller, scopes: Value, action: Value, resource: Value| {
            let body = json!({ "token": reader.secret(), "scopes": scopes, "action": action, "resource": resource });
            caller.post("/v1/verify", body).await.expect_status(200).json()
        };
        let denied = asked(server.admin(), json!([]), json!("write"), place.clone()).await;
        assert_eq!((text(&denied, "/code").as_str(), &denied["missing_scopes"]), ("not_permitted", &json!(["deployments:write"])));
        let denied = asked(server.admin(), json!(["teams:read"]), Value::Null, Value::Null).await;
        assert_eq!((text(&denied, "/code").as_str(), &denied["missing_scopes"]), ("insufficient_scope", &json!(["teams:read"])));

        // To another organization the token is as unknown as one that never was.
        let unknown = asked(&eve.caller, json!(["teams:read"]), json!("write"), json!({ "kind": "deployments" })).await;
        assert_eq!(unknown, json!({ "valid": false, "code": "unknown", "token": null }));
        let hidden = eve.caller.post("/v1/explain", json!({ "token": reader.id(), "scopes": ["teams:read"] })).await;
        assert_eq!((hidden.status, hidden.problem_code().as_deref()), (404, Some("token_not_found")));

        // Who lacks a scope at a place that they see is told both.
        let narrow = server.token().name("narrow").scopes(["services:read", "services:write"])
            .field("restrictions", json!({ "environments": [] })).issue().await;
        let unseen = narrow.patch(&format!("/v1/services/{service}"), json!({ "name": "new" })).await;
        assert_eq!(unseen.status, 404, "what it may not see does not exist for it: {}", unseen.text());
    }
}

on_both_stores! {
    async fn a_refusal_at_a_place_names_the_scope_and_the_place(mut server: TestServer) {
        let [ada] = newcomers(&mut server, ["ada@example.org"]).await;
        let team = made(&server, "/v1/teams", json!({ "name": "payments" })).await;
        let member = format!("/v1/teams/{team}/members/{}", ada.id);
        server.admin().put(&member, json!({ "role": "member" })).await.expect_status(200);
        // In another team she has the scope, so her token passes the guard; here she lacks it.
        let other = made(&server, "/v1/teams", json!({ "name": "search" })).await;
        server.admin().put(&format!("/v1/teams/{other}/members/{}", ada.id), json!({ "role": "manager" })).await.expect_status(200);

        let refused = ada.caller.patch(&format!("/v1/teams/{team}"), json!({ "name": "mine" })).await;

        assert_eq!((refused.status, refused.problem_code().as_deref()), (403, Some("out_of_reach")));
        assert_eq!(refused.at("/detail"), format!("the calling token does not have `teams:write` at {team}"));
    }
}
