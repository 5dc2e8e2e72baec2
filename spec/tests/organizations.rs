//! Two organizations in one store know nothing of each other (security.md I9): an id of the other is as unknown as one that never was.

mod shadow;

use claviger_testkit::{Caller, TestServer, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};

use crate::asking::{rows, whole_list};
use crate::crowd::stranger;

async fn made(caller: &Caller, path: &str, body: Value) -> String {
    caller.post(path, body).await.expect_status(201).at("/id")
}

on_both_stores! {
    async fn an_id_of_another_organization_is_as_unknown_as_one_that_never_was(mut server: TestServer) {
        let eve = stranger(&mut server).await;
        let admin = server.admin();
        let admin_id = crate::asking::text(admin.record(), "/owner");
        let team = made(admin, "/v1/teams", json!({ "name": "payments" })).await;
        let service = made(admin, "/v1/services", json!({ "name": "checkout", "team": team })).await;
        let environment = made(admin, "/v1/environments", json!({ "name": "staging" })).await;
        let stage = made(admin, "/v1/stages", json!({ "name": "try", "environment": environment })).await;
        admin.put(&format!("/v1/teams/{team}/members/{admin_id}"), json!({ "role": "member" })).await.expect_status(200);
        let before = whole_list(admin, "/v1/audit/events").await;
        let own_team = made(&eve.caller, "/v1/teams", json!({ "name": "payments" })).await;
        let own_service = made(&eve.caller, "/v1/services", json!({ "name": "checkout", "team": own_team })).await;
        let own_environment = made(&eve.caller, "/v1/environments", json!({ "name": "staging" })).await;
        let own_stage = made(&eve.caller, "/v1/stages", json!({ "name": "try", "environment": own_environment })).await;

        let (name, role) = (json!({ "name": "mine" }), json!({ "role": "manager" }));
        let member = |team: &str, user: &str| format!("/v1/teams/{team}/members/{user}");
        for (method, path, body) in [
            (Method::GET, format!("/v1/teams/{team}"), Value::Null),
            (Method::PATCH, format!("/v1/teams/{team}"), name.clone()),
            (Method::DELETE, format!("/v1/teams/{team}"), Value::Null),
            (Method::GET, format!("/v1/teams/{team}/members"), Value::Null),
            (Method::PUT, member(&team, &eve.id), role.clone()),
            (Method::PUT, member(&own_team, &admin_id), role),
            (Method::DELETE, member(&team, &admin_id), Value::Null),
            (Method::DELETE, member(&own_team, &admin_id), Value::Null),
            (Method::GET, format!("/v1/services/{service}"), Value::Null),
            (Method::PATCH, format!("/v1/services/{service}"), name.clone()),
            (Method::DELETE, format!("/v1/services/{service}"), Value::Null),
            (Method::POST, "/v1/services".into(), json!({ "name": "new", "team": team })),
            (Method::PATCH, format!("/v1/services/{own_service}"), json!({ "team": team })),
            (Method::GET, format!("/v1/environments/{environment}"), Value::Null),
            (Method::PATCH, format!("/v1/environments/{environment}"), name.clone()),
            (Method::DELETE, format!("/v1/environments/{environment}"), Value::Null),
            (Method::GET, format!("/v1/stages/{stage}"), Value::Null),
            (Method::PATCH, format!("/v1/stages/{stage}"), name),
            (Method::DELETE, format!("/v1/stages/{stage}"), Value::Null),
            (Method::POST, "/v1/stages".into(), json!({ "name": "new", "environment": environment })),
            (Method::PATCH, format!("/v1/stages/{own_stage}"), json!({ "environment": environment })),
        ] {
            let answer = eve.caller.request(method.clone(), &path, body).await;
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text());
        }

        for (list, own) in [("teams", own_team), ("services", own_service), ("environments", own_environment), ("stages", own_stage)] {
            let listed = rows(&eve.caller.get(&format!("/v1/{list}")).await);
            assert_eq!(listed.iter().map(|row| row["id"].as_str().unwrap()).collect::<Vec<_>>(), [own]);
        }
        assert!(rows(&eve.caller.get(&format!("/v1/services?team={team}")).await).is_empty());
        assert_eq!(whole_list(admin, "/v1/audit/events").await, before, "nothing happened here");
    }
}
