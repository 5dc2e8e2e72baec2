//! `POST /v1/explain`: why a token may or may not do something, for whoever may see it; and that it agrees with the verify door.

mod agreement;
mod names;

use std::time::Duration;

use claviger_testkit::{Answer, Caller, TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use crate::crowd::newcomers;

async fn made(server: &TestServer, path: &str, body: Value) -> String {
    server.admin().post(path, body).await.expect_status(201).at("/id")
}

/// The codes of what stands in the way.
fn codes(answer: &Answer) -> Vec<String> {
    let body = answer.expect_status(200).json();
    let obstacles = body["obstacles"].as_array().unwrap();
    assert_eq!(body["allowed"], obstacles.is_empty());
    obstacles
        .iter()
        .map(|obstacle| obstacle["code"].as_str().unwrap().to_owned())
        .collect()
}

/// Whether the token may report deployments there.
async fn asked(caller: &Caller, token: &str, place: Value) -> Answer {
    explained(caller, token, "write", "deployments", place).await
}

async fn explained(caller: &Caller, token: &str, action: &str, kind: &str, place: Value) -> Answer {
    let mut resource = place;
    resource["kind"] = kind.into();
    let body = json!({ "token": token, "action": action, "resource": resource });
    caller.post("/v1/explain", body).await
}

on_both_stores! {
    async fn every_obstacle_is_named(server: TestServer) {
        let payments = made(&server, "/v1/teams", json!({ "name": "payments" })).await;
        let search = made(&server, "/v1/teams", json!({ "name": "search" })).await;
        let checkout = made(&server, "/v1/services", json!({ "name": "checkout", "team": payments })).await;
        let index = made(&server, "/v1/services", json!({ "name": "index", "team": search })).await;
        let production = made(&server, "/v1/environments", json!({ "name": "production" })).await;
        let staging = made(&server, "/v1/environments", json!({ "name": "staging" })).await;
        let token = server.token().scopes(["deployments:write"]).expires_in_days(7)
            .field("type", "team").field("team", payments.clone())
            .field("restrictions", json!({ "environments": [staging] }));
        let token = token.issue().await;
        let reader = server.token().name("reader").scopes(["deployments:read"]).issue().await;
        let admin = server.admin();

        let allowed = asked(admin, token.id(), json!({ "service": checkout, "environment": staging })).await;
        allowed.expect(expect![[r#"
            200 {
              "allowed": true,
              "decision": {
                "valid": true,
                "code": "valid",
                "token": {
                  "id": "tok_1m81b5h800009",
                  "type": "team",
                  "owner": "tok_1m81b5h800009",
                  "organization": "org_1m81b5h800000",
                  "scopes": ["deployments:write"],
                  "expires_at": "2026-11-29T10:00:00Z"
                }
              },
              "obstacles": [],
              "allowed_by": [{"of": "token", "code": "scope", "scope": "deployments:write"}],
              "request_id": "req_n4wyp69azfd4j24st0"
            }"#]]);
        let elsewhere = asked(admin, token.id(), json!({ "service": index, "environment": production })).await;
        assert_eq!(codes(&elsewhere), ["outside_holder", "outside_environments"]);
        assert_eq!(codes(&asked(admin, token.id(), json!({})).await), ["outside_holder", "outside_environments"]);
        assert_eq!(codes(&asked(admin, reader.id(), json!({ "team": payments })).await), ["scope_not_given"]);

        server.clock().advance(Duration::from_secs(8 * 86_400));
        let late = server.token().name("late").scopes(["tokens:read"]).issue().await;
        let expired = asked(&late, token.id(), json!({ "team": payments, "environment": staging })).await;
        assert_eq!(codes(&expired), ["expired"]);
    }
}

on_both_stores! {
    async fn what_the_owner_lacks_is_named_too(mut server: TestServer) {
        let [ada] = newcomers(&mut server, ["ada@example.org"]).await;
        let team = made(&server, "/v1/teams", json!({ "name": "payments" })).await;
        let other = made(&server, "/v1/teams", json!({ "name": "search" })).await;
        let member = format!("/v1/teams/{team}/members/{}", ada.id);
        let own = ada.caller.get("/v1/tokens/self").await.at("/id");

        assert_eq!(codes(&asked(server.admin(), &own, json!({ "team": team })).await), ["owner_lacks_scope"]);
        server.admin().put(&member, json!({ "role": "member" })).await.expect_status(200);
        assert_eq!(codes(&asked(&ada.caller, &own, json!({ "team": team })).await), Vec::<String>::new());
        assert_eq!(codes(&asked(&ada.caller, &own, json!({ "team": other })).await), ["outside_owner"]);
    }
}

on_both_stores! {
    async fn strangers_learn_nothing(mut server: TestServer) {
        let [ada] = newcomers(&mut server, ["ada@example.org"]).await;
        let hidden = asked(&ada.caller, server.admin().id(), json!({})).await;
        let unknown = asked(&ada.caller, "tok_0000000000001", json!({})).await;

        assert_eq!(hidden.problem_code().as_deref(), Some("token_not_found"));
        assert_eq!((hidden.status, hidden.problem_code()), (unknown.status, unknown.problem_code()));
    }
}

on_both_stores! {
    async fn a_question_that_makes_no_sense_is_refused(server: TestServer) {
        let team = made(&server, "/v1/teams", json!({ "name": "payments" })).await;
        let other = made(&server, "/v1/teams", json!({ "name": "search" })).await;
        let service = made(&server, "/v1/services", json!({ "name": "checkout", "team": team })).await;
        let own = server.admin().id().to_owned();
        let refused = async |resource: Value| {
            let answer = asked(server.admin(), &own, resource).await;
            let error = answer.json()["errors"][0].clone();
            format!("{} {} {}", answer.status, error["field"].as_str().unwrap_or(""), error["code"].as_str().unwrap_or(""))
        };

        assert_eq!(refused(json!({ "team": "invoices" })).await, "400 resource.team team_unknown");
        assert_eq!(refused(json!({ "team": "team_0000000000009" })).await, "400 resource.team team_unknown");
        assert_eq!(refused(json!({ "service": service, "team": other })).await, "400 resource.service service_of_other_team");
        assert_eq!(refused(json!({ "name": "a//b" })).await, "400 resource.name resource_name_malformed");
        for (body, field) in [
            (json!({ "token": own, "action": "write" }), "resource"),
            (json!({ "token": own, "resource": { "kind": "team" } }), "action"),
            (json!({ "token": "nobody", "scopes": [] }), "token"),
            (json!({ "token": own, "cost": 0 }), "cost"),
        ] {
            let answer = server.admin().post("/v1/explain", body).await;
            assert_eq!(answer.json()["errors"][0]["field"], field, "{}", answer.text());
        }
        let wildcard = json!({ "token": own, "scopes": ["*"] });
        let wildcard = server.admin().post("/v1/explain", wildcard).await;
        assert_eq!(wildcard.json()["errors"][0]["code"], "scope_unknown");
    }
}
