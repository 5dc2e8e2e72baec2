//! D11 and D14–D16: who may manage and see which tokens, and how a token is presented.

use claviger_testkit::{Caller, TestServer, on_both_stores};
use serde_json::{Value, json};

use super::{ask, outcome};
use crate::asking::{refusal, rows, text};
use crate::crowd::newcomers;

/// Two teams; Ada manages the first.
async fn house(server: &mut TestServer) -> (Caller, [String; 2]) {
    let [ada] = newcomers(server, ["ada@example.org"]).await;
    let mut teams = Vec::new();
    for name in ["payments", "search"] {
        let made = server.admin().post("/v1/teams", json!({ "name": name })).await;
        teams.push(made.expect_status(201).at("/id"));
    }
    let member = format!("/v1/teams/{}/members/{}", teams[0], ada.id);
    let manager = server.admin().put(&member, json!({ "role": "manager" })).await;
    manager.expect_status(200);
    (ada.caller, teams.try_into().unwrap())
}

fn of_team(team: &str) -> Value {
    json!({ "type": "team", "team": team, "scopes": ["deployments:write"] })
}

on_both_stores! {
    async fn d11_global_tokens_are_no_business_of_a_manager_and_another_team_s_are_not_there(mut server: TestServer) {
        let (ada, [payments, search]) = house(&mut server).await;
        let global = json!({ "type": "global", "reason": "a test" });
        let made = ask(server.admin(), "global one", global.clone()).await.at("/token/id");
        let theirs = ask(server.admin(), "of search", of_team(&search)).await.at("/token/id");
        let own = ask(&ada, "of payments", of_team(&payments)).await;
        let own = own.expect_status(201).at("/token/id");

        assert_eq!(outcome(&ask(&ada, "mine too", global).await), (403, "out_of_reach".to_owned()));
        for hidden in [&made, &theirs] {
            let path = format!("/v1/tokens/{hidden}");
            for answer in [
                ada.get(&path).await,
                ada.patch(&path, json!({ "name": "mine now" })).await,
                ada.post(&format!("{path}/regenerate"), Value::Null).await,
                ada.post(&format!("{path}/revoke"), Value::Null).await,
                ada.delete(&path).await,
            ] {
                assert_eq!(outcome(&answer), (404, "token_not_found".to_owned()), "what she may not see is not there");
            }
        }
        let path = format!("/v1/tokens/{own}");
        ada.patch(&path, json!({ "description": "hers" })).await.expect_status(200);
        ada.post(&format!("{path}/revoke"), Value::Null).await.expect_status(200);
        ada.delete(&path).await.expect_status(204);
        let more = json!({ "type": "team", "team": payments, "scopes": ["users:write"] });
        assert_eq!(refusal(&ask(&ada, "more", more).await), "input_invalid scopes scope_exceeds_caller");
        let without = server.token().scopes(["deployments:write"]).issue().await;
        assert_eq!(outcome(&without.get("/v1/tokens").await), (403, "insufficient_scope".to_owned()));
        assert_eq!(outcome(&ask(&without, "any", json!({})).await), (403, "insufficient_scope".to_owned()));
    }
}

on_both_stores! {
    async fn d14_a_list_has_the_tokens_that_the_caller_may_see_and_no_secret(mut server: TestServer) {
        let (ada, [payments, search]) = house(&mut server).await;
        let mut secrets = Vec::new();
        for (name, team) in [("of payments", &payments), ("of search", &search)] {
            secrets.push(ask(server.admin(), name, of_team(team)).await.expect_status(201).at("/secret"));
        }

        let listed = ada.get("/v1/tokens").await;

        let names: Vec<String> = rows(&listed).iter().map(|row| text(row, "/name")).collect();
        assert!(names.contains(&"of payments".to_owned()) && !names.contains(&"of search".to_owned()), "{names:?}");
        let of_search = format!("/v1/tokens?team={search}");
        assert_eq!(rows(&ada.get(&of_search).await), Vec::<Value>::new());
        assert_eq!(rows(&server.admin().get(&of_search).await).len(), 1);
        assert!(secrets.iter().all(|secret| !listed.body.contains(secret)));
    }
}

on_both_stores! {
    async fn d15_every_way_to_present_a_token_is_one_and_two_different_ones_are_refused(server: TestServer) {
        crate::policy::changed(&server, json!({ "query_tokens": true })).await.expect_status(200);
        let ci = server.token().scopes(["deployments:write"]).field("allow_query", true).issue().await;
        let other = server.token().name("other").scopes(["deployments:write"]).issue().await;
        let anonymous = server.anonymous();
        let report = json!({ "service": "search", "version": "1" });
        let with = |name: &str, value: &str| anonymous.header(name, value);

        for caller in [
            with("authorization", &format!("Bearer {}", ci.secret())),
            with("authorization", ci.secret()),
            with("x-api-key", ci.secret()),
            ci.header("x-api-key", ci.secret()),
        ] {
            caller.get("/v1/tokens/self").await.expect_status(200);
            caller.post("/v1/deployments", report.clone()).await.expect_status(201);
        }
        let in_query = format!("/v1/deployments?token={}", ci.secret());
        anonymous.post(&in_query, report.clone()).await.expect_status(201);
        let elsewhere = anonymous.get(&format!("/v1/tokens/self?token={}", ci.secret())).await;
        assert_eq!(elsewhere.status, 401, "by the policy of the route");
        for (caller, path) in [
            (ci.header("x-api-key", other.secret()), "/v1/deployments"),
            (other.clone(), in_query.as_str()),
            (ci.clone(), in_query.as_str()),
        ] {
            let answer = caller.post(path, report.clone()).await;
            assert_eq!(answer.status, 400, "{}", answer.text());
        }
    }
}

on_both_stores! {
    async fn d16_a_forged_forwarded_address_is_not_believed(server: TestServer) {
        let ci = server.token().name("watched").issue().await;
        let forged = ["x-forwarded-for", "forwarded", "x-real-ip", "x-client-ip"];
        let values = ["203.0.113.9", "for=203.0.113.9", "203.0.113.9", "203.0.113.9"];
        let liar = forged.into_iter().zip(values).fold(ci.clone(), |caller, (name, value)| caller.header(name, value));

        liar.get("/v1/tokens/self").await.expect_status(200);
        liar.post("/v1/tokens/self/revoke", Value::Null).await.expect_status(200);

        let shown = server.admin().get(&format!("/v1/tokens/{}", ci.id())).await;
        assert_eq!(shown.at("/last_used_address"), "127.0.0.1");
        let trail = server.admin().get("/v1/audit/export").await.body;
        assert!(trail.contains("127.0.0.1") && !trail.contains("203.0.113.9"), "nor does the trail");
    }
}
