//! `GET /v1/scopes`: what a token can be given, and what the caller may hand on.

use claviger_domain::Scope;
use claviger_testkit::{Caller, TestServer, on_both_stores};
use serde_json::{Value, json};

use crate::crowd::newcomers;

/// How far the caller may hand a scope on, and why not.
async fn grantable(caller: &Caller, scope: &str) -> (String, Value) {
    let answer = caller.get("/v1/scopes").await;
    let listed = answer.expect_status(200).json()["data"]
        .as_array()
        .unwrap()
        .clone();
    let row = listed.iter().find(|row| row["scope"] == scope).unwrap();
    (
        row["grantable"].as_str().unwrap().to_owned(),
        row["reason"].clone(),
    )
}

fn yes(how: &str) -> (String, Value) {
    (how.to_owned(), Value::Null)
}

on_both_stores! {
    async fn every_scope_is_listed_with_a_sentence(server: TestServer) {
        let listed = server.admin().get("/v1/scopes").await.json()["data"].as_array().unwrap().clone();

        let names: Vec<_> = listed.iter().map(|row| row["scope"].as_str().unwrap()).collect();
        assert_eq!(names, Scope::ALL.iter().map(|scope| scope.as_str()).collect::<Vec<_>>());
        for row in &listed {
            assert!(row["description"].as_str().unwrap().ends_with('.'), "{row}");
            assert_eq!(row["grantable"], "everywhere", "{row}");
        }
    }
}

on_both_stores! {
    async fn each_caller_sees_what_it_may_hand_on_and_why_not(mut server: TestServer) {
        let [ada] = newcomers(&mut server, ["ada@example.org"]).await;
        let team = server.admin().post("/v1/teams", json!({ "name": "payments" })).await.at("/id");
        let member = format!("/v1/teams/{team}/members/{}", ada.id);
        let narrow = server.token().scopes(["deployments:write"]).issue().await;
        let owner = (String::from("no"), json!("whom the calling token acts as does not have it now"));
        let token = (String::from("no"), json!("the calling token was not given it"));

        assert_eq!(grantable(&narrow, "deployments:write").await, yes("everywhere"));
        assert_eq!(grantable(&narrow, "audit:read").await, token);
        assert_eq!(grantable(&ada.caller, "deployments:write").await, owner);
        assert_eq!(grantable(&ada.caller, "tokens:write").await, yes("own"));
        assert_eq!(grantable(&ada.caller, "tokens:verify").await, yes("everywhere"));

        server.admin().put(&member, json!({ "role": "manager" })).await.expect_status(200);
        assert_eq!(grantable(&ada.caller, "deployments:write").await, yes("restricted"));
        assert_eq!(grantable(&ada.caller, "tokens:write").await, yes("restricted"));
        server.admin().delete(&member).await.expect_status(200);
        assert_eq!(grantable(&ada.caller, "deployments:write").await, owner, "at once");
    }
}
