//! Whose a token is, and how far it reaches: personal, global, team and service tokens, and restrictions within that.

use claviger_testkit::{Answer, Caller, TestServer, on_both_stores};
use serde_json::{Value, json};

use crate::asking::rows;
use crate::crowd::{newcomers, stranger};

fn outcome(answer: &Answer) -> (u16, String) {
    (answer.status, answer.problem_code().unwrap_or_default())
}

async fn made(server: &TestServer, path: &str, body: Value) -> String {
    server.admin().post(path, body).await.expect_status(201).at("/id")
}

/// A token to issue, with these fields besides.
fn child(fields: Value) -> Value {
    let mut body = json!({ "name": "child", "scopes": ["deployments:write"] });
    if let Value::Object(fields) = fields {
        body.as_object_mut().unwrap().extend(fields);
    }
    body
}

/// Two teams with a service each.
struct House {
    payments: String,
    checkout: String,
    search: String,
    index: String,
}

impl House {
    async fn of(server: &TestServer) -> Self {
        let payments = made(server, "/v1/teams", json!({ "name": "payments" })).await;
        let search = made(server, "/v1/teams", json!({ "name": "search" })).await;
        let checkout = json!({ "name": "checkout", "team": payments });
        let index = json!({ "name": "index", "team": search });
        Self {
            checkout: made(server, "/v1/services", checkout).await,
            index: made(server, "/v1/services", index).await,
            payments,
            search,
        }
    }

    /// Lets a person run the payments team.
    async fn manager(&self, server: &TestServer, user: &str) {
        let path = format!("/v1/teams/{}/members/{user}", self.payments);
        let set = server.admin().put(&path, json!({ "role": "manager" })).await;
        set.expect_status(200);
    }
}

/// What becomes of a report about each of these services.
async fn reports<const N: usize>(caller: &Caller, services: [&str; N]) -> [(u16, String); N] {
    let mut outcomes = Vec::new();
    for service in services {
        let report = json!({ "service": service, "version": "1" });
        outcomes.push(outcome(&caller.post("/v1/deployments", report).await));
    }
    outcomes.try_into().unwrap()
}

fn accepted() -> (u16, String) {
    (201, String::new())
}

fn unknown() -> (u16, String) {
    (404, "service_not_found".to_owned())
}

on_both_stores! {
    async fn a_token_reaches_what_its_holder_does(mut server: TestServer) {
        let house = House::of(&server).await;
        let of = |kind: &str, id: &str| server.token().scopes(["deployments:write"]).field("type", kind).field(kind, id);
        let team = of("team", &house.payments).issue().await;
        let service = of("service", &house.index).issue().await;
        let global = server.token().scopes(["deployments:write"]).global().issue().await;
        let services = ["checkout", "index", "nobody's"];

        for _ in 0..2 {
            assert_eq!(reports(&global, services).await, [accepted(), accepted(), accepted()]);
            assert_eq!(reports(&team, services).await, [accepted(), unknown(), unknown()]);
            assert_eq!(reports(&service, services).await, [unknown(), accepted(), unknown()]);
            server.restart().await;
        }
    }
}

on_both_stores! {
    async fn a_restriction_leaves_what_it_lists_and_an_empty_one_nothing(mut server: TestServer) {
        let house = House::of(&server).await;
        let production = made(&server, "/v1/environments", json!({ "name": "production" })).await;
        made(&server, "/v1/environments", json!({ "name": "staging" })).await;
        let restricted = |name: &str, to: Value| server.token().name(name).scopes(["deployments:write"]).field("restrictions", to);
        let to_team = restricted("to a team", json!({ "teams": [house.payments] })).issue().await;
        let to_service = restricted("to a service", json!({ "services": [house.index] })).issue().await;
        let to_nothing = restricted("to nothing", json!({ "services": [] })).issue().await;
        let to_production = restricted("to production", json!({ "environments": [production] })).issue().await;

        for _ in 0..2 {
            assert_eq!(reports(&to_team, ["checkout", "index"]).await, [accepted(), unknown()]);
            assert_eq!(reports(&to_service, ["checkout", "index"]).await, [unknown(), accepted()]);
            assert_eq!(reports(&to_nothing, ["checkout", "index"]).await, [unknown(), unknown()]);
            for (environment, status) in [("Production", 201), ("staging", 404), ("elsewhere", 404)] {
                let report = json!({ "service": "checkout", "version": "1", "environment": environment });
                let answer = to_production.post("/v1/deployments", report).await;
                assert_eq!(answer.status, status, "{environment}");
            }
            server.restart().await;
        }
        made(&server, "/v1/services", json!({ "name": "later", "team": house.payments })).await;
        assert_eq!(reports(&to_team, ["later"]).await, [accepted()], "what comes later is the team's too");
        assert_eq!(reports(&to_service, ["later"]).await, [unknown()], "it is not listed");
    }
}

on_both_stores! {
    async fn a_manager_has_the_teams_tokens_and_no_others(mut server: TestServer) {
        let [ada] = newcomers(&mut server, ["ada@example.org"]).await;
        let house = House::of(&server).await;
        house.manager(&server, &ada.id).await;
        let foreign = server.token().scopes(["deployments:write"]).field("type", "team").field("team", house.search.clone());
        let foreign = foreign.issue().await;
        let global = server.token().scopes(["deployments:write"]).global().issue().await;
        let out_of_reach = (403, "out_of_reach".to_owned());
        let ask = async |fields: Value| outcome(&ada.caller.post("/v1/tokens", child(fields)).await);

        assert_eq!(ask(json!({ "type": "team", "team": house.payments })).await, accepted());
        assert_eq!(ask(json!({ "type": "service", "service": house.checkout })).await, accepted());
        assert_eq!(ask(json!({ "type": "team", "team": house.search })).await, out_of_reach);
        assert_eq!(ask(json!({ "type": "service", "service": house.index })).await, out_of_reach);
        assert_eq!(ask(json!({ "type": "global" })).await, out_of_reach);

        for hidden in [foreign.id(), global.id(), server.admin().id()] {
            let path = format!("/v1/tokens/{hidden}");
            for answer in [
                ada.caller.get(&path).await,
                ada.caller.patch(&path, json!({ "description": "mine" })).await,
                ada.caller.post(&format!("{path}/regenerate"), Value::Null).await,
                ada.caller.post(&format!("{path}/revoke"), Value::Null).await,
                ada.caller.delete(&path).await,
            ] {
                assert_eq!(outcome(&answer), (404, "token_not_found".to_owned()), "{path}");
            }
        }
        let ids = json!({ "ids": [foreign.id(), global.id()] });
        let bulk = ada.caller.post("/v1/tokens/revoke", ids.clone()).await.expect_status(200).json();
        assert_eq!((&bulk["revoked"], &bulk["not_found"]), (&json!(0), &ids["ids"]));
        let all = ada.caller.post("/v1/tokens/revoke", json!({ "filter": {}, "dry_run": true })).await.json();
        assert_eq!(all["revoked"], 2, "the team's and the service's; never the calling one");
        let listed = rows(&ada.caller.get("/v1/tokens?sort=created_at").await);
        let types: Vec<_> = listed.iter().map(|row| row["type"].as_str().unwrap()).collect();
        assert_eq!(types, ["personal", "team", "service"]);
        let last = listed[2]["id"].as_str().unwrap();
        ada.caller.post(&format!("/v1/tokens/{last}/revoke"), Value::Null).await.expect_status(200);
    }
}

on_both_stores! {
    async fn nobody_hands_out_more_than_they_have(mut server: TestServer) {
        let [ada] = newcomers(&mut server, ["ada@example.org"]).await;
        let house = House::of(&server).await;
        house.manager(&server, &ada.id).await;
        let refused = async |caller: &Caller, fields: Value| {
            let answer = caller.post("/v1/tokens", child(fields)).await;
            answer.json()["errors"][0]["code"].as_str().unwrap_or_default().to_owned()
        };
        let to_checkout = json!({ "services": [house.checkout] });

        assert_eq!(refused(&ada.caller, json!({ "scopes": ["system:write"] })).await, "scope_exceeds_caller");
        let audit = json!({ "type": "team", "team": house.payments, "scopes": ["audit:read"] });
        assert_eq!(refused(&ada.caller, audit).await, "scope_exceeds_caller");

        let narrow = json!({ "name": "narrow", "scopes": ["tokens:write", "deployments:write"], "restrictions": to_checkout });
        let narrow = ada.caller.post("/v1/tokens", child(narrow)).await.expect_status(201).at("/secret");
        let narrow = server.bearer(&narrow);
        assert_eq!(refused(&narrow, json!({})).await, "reach_exceeds_caller");
        let elsewhere = json!({ "restrictions": { "services": [house.index] } });
        assert_eq!(refused(&narrow, elsewhere).await, "reach_exceeds_caller");

        let same = narrow.post("/v1/tokens", child(json!({ "restrictions": to_checkout }))).await;
        let path = format!("/v1/tokens/{}", same.expect_status(201).at("/token/id"));
        let widened = narrow.patch(&path, json!({ "restrictions": {} })).await;
        assert_eq!(widened.json()["errors"][0]["code"], "reach_exceeds_caller");
        narrow.patch(&path, json!({ "restrictions": { "services": [] } })).await.expect_status(200);
    }
}

on_both_stores! {
    async fn a_person_who_leaves_a_team_takes_nothing_along(mut server: TestServer) {
        let [ada] = newcomers(&mut server, ["ada@example.org"]).await;
        let house = House::of(&server).await;
        house.manager(&server, &ada.id).await;
        let own = ada.caller.post("/v1/tokens", child(json!({}))).await.expect_status(201).at("/secret");
        let own = server.bearer(&own);
        assert_eq!(reports(&own, ["checkout"]).await, [accepted()]);

        let member = format!("/v1/teams/{}/members/{}", house.payments, ada.id);
        server.admin().delete(&member).await.expect_status(200);

        assert_eq!(reports(&own, ["checkout"]).await, [(403, "insufficient_scope".to_owned())]);
        let team = child(json!({ "name": "again", "type": "team", "team": house.payments }));
        assert_eq!(ada.caller.post("/v1/tokens", team).await.status, 403);
    }
}

on_both_stores! {
    async fn what_has_live_tokens_is_not_dropped(server: TestServer) {
        let house = House::of(&server).await;
        let token = |kind: &str, id: &str| server.token().field("type", kind).field(kind, id);
        let of_service = token("service", &house.checkout).issue().await;
        let of_team = token("team", &house.search).issue().await;
        let revoke = async |token: &Caller| {
            let path = format!("/v1/tokens/{}/revoke", token.id());
            server.admin().post(&path, Value::Null).await.expect_status(200);
        };

        let path = format!("/v1/services/{}", house.checkout);
        assert_eq!(outcome(&server.admin().delete(&path).await), (409, "service_in_use".to_owned()));
        revoke(&of_service).await;
        server.admin().delete(&path).await.expect_status(204);

        server.admin().delete(&format!("/v1/services/{}", house.index)).await.expect_status(204);
        let path = format!("/v1/teams/{}", house.search);
        assert_eq!(outcome(&server.admin().delete(&path).await), (409, "team_not_empty".to_owned()));
        revoke(&of_team).await;
        server.admin().delete(&path).await.expect_status(200);

        let listed = rows(&server.admin().get("/v1/tokens?state=revoked").await);
        assert_eq!(listed.len(), 2, "dead records stay");
    }
}

on_both_stores! {
    async fn a_service_that_moves_takes_its_tokens_along(mut server: TestServer) {
        let [ada] = newcomers(&mut server, ["ada@example.org"]).await;
        let house = House::of(&server).await;
        house.manager(&server, &ada.id).await;
        let token = |kind: &str, id: &str| server.token().scopes(["deployments:write"]).field("type", kind).field(kind, id);
        let of_service = token("service", &house.checkout).issue().await;
        let of_team = token("team", &house.payments).issue().await;
        let path = format!("/v1/tokens/{}", of_service.id());
        ada.caller.get(&path).await.expect_status(200);

        let moved = json!({ "team": house.search });
        server.admin().patch(&format!("/v1/services/{}", house.checkout), moved).await.expect_status(200);

        for _ in 0..2 {
            assert_eq!(reports(&of_service, ["checkout"]).await, [accepted()]);
            assert_eq!(reports(&of_team, ["checkout"]).await, [unknown()]);
            ada.caller.get(&path).await.expect_status(404);
            server.restart().await;
        }
    }
}

on_both_stores! {
    async fn a_type_that_does_not_fit_is_refused(mut server: TestServer) {
        let eve = stranger(&mut server).await;
        let house = House::of(&server).await;
        let said = async |caller: &Caller, fields: Value| {
            let answer = caller.post("/v1/tokens", child(fields)).await;
            let (status, problem) = outcome(&answer);
            let error = &answer.json()["errors"][0];
            match (error["field"].as_str(), error["code"].as_str()) {
                (Some(field), Some(code)) => format!("{status} {field} {code}"),
                _ => format!("{status} {problem}"),
            }
        };
        let admin = server.admin();

        assert_eq!(said(admin, json!({ "type": "team" })).await, "400 team field_missing");
        assert_eq!(said(admin, json!({ "type": "service", "team": house.search })).await, "400 team field_not_applicable");
        assert_eq!(said(admin, json!({ "type": "global", "team": house.search })).await, "400 team field_not_applicable");
        assert_eq!(said(admin, json!({ "type": "team", "team": "payments" })).await, "400 team id_malformed");
        assert_eq!(said(admin, json!({ "type": "team", "team": "team_0000000000009" })).await, "404 team_not_found");
        let nobodys = json!({ "restrictions": { "teams": ["team_0000000000009"] } });
        assert_eq!(said(admin, nobodys).await, "400 restrictions.teams team_unknown");
        let malformed = json!({ "restrictions": { "services": ["x"] } });
        assert_eq!(said(admin, malformed).await, "400 restrictions.services[0] id_malformed");

        assert_eq!(said(&eve.caller, json!({ "type": "team", "team": house.payments })).await, "404 team_not_found");
        assert_eq!(said(&eve.caller, json!({ "type": "service", "service": house.checkout })).await, "404 service_not_found");
        let foreign = json!({ "restrictions": { "teams": [house.payments] } });
        assert_eq!(said(&eve.caller, foreign).await, "400 restrictions.teams team_unknown");
    }
}
