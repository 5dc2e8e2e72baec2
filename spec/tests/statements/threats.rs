//! T5, T8 and T35: threats whose answer is in no other module under their number.

use claviger_testkit::{Backend, TestServer, on_both_stores};
use serde_json::{Value, json};

use super::ask;
use crate::asking::{decision, text};
use crate::people::{joined, path_of};
use crate::tamper::Database;

/// How many tokens are asked about before they are issued.
const EARLY: usize = 100;

/// A server whose next tokens are known: it was seeded like a twin that issued them already.
async fn t5_on(backend: Backend) {
    let issue = async |server: &TestServer, number: usize| {
        let named = server.admin().header("x-request-id", "the same");
        let issued = ask(&named, &format!("token {number}"), json!({})).await;
        issued.expect_status(201).at("/secret")
    };
    let twin = TestServer::start_on(backend).await;
    let mut secrets = Vec::new();
    for number in 0..EARLY {
        secrets.push(issue(&twin, number).await);
    }
    let server = TestServer::start_on(backend).await;

    for secret in &secrets {
        assert_eq!(decision(server.admin(), secret).await, "unknown");
        assert_eq!(server.bearer(secret).get("/v1/tokens/self").await.status, 401);
    }
    for (number, secret) in secrets.iter().enumerate() {
        assert_eq!(decision(server.admin(), secret).await, "unknown");
        assert_eq!(
            &issue(&server, number).await,
            secret,
            "the same that was asked about"
        );
        assert_eq!(decision(server.admin(), secret).await, "valid", "token {number}");
        let own = server.bearer(secret).get("/v1/tokens/self").await;
        own.expect_status(200);
    }
}

#[tokio::test]
async fn t5_the_first_verify_after_the_issue_succeeds_though_the_token_was_unknown_before() {
    for backend in Backend::all() {
        t5_on(backend).await;
    }
}

on_both_stores! {
    async fn t8_a_demoted_owner_s_token_shrinks_at_the_next_verify(server: TestServer) {
        let (grace, own) = joined(&server, "grace@example.org", "super_admin").await;
        let all = json!({ "name": "all of it", "scopes": ["*"], "expires_in_days": 7 });
        let secret = own.post("/v1/tokens", all).await.expect_status(201).at("/secret");
        let asked = async |scope: &str| {
            let body = json!({ "token": secret, "scopes": [scope] });
            let told = server.admin().post("/v1/verify", body).await.json();
            (text(&told, "/code"), told["missing_scopes"].clone())
        };
        assert_eq!(asked("users:write").await, ("valid".to_owned(), Value::Null));

        server.admin().patch(&path_of(&grace), json!({ "role": "member" })).await.expect_status(200);

        assert_eq!(asked("users:write").await, ("insufficient_scope".to_owned(), json!(["users:write"])));
        assert_eq!(asked("teams:read").await.0, "valid", "what a member may");
        let refused = server.bearer(&secret).get("/v1/users").await;
        assert_eq!(refused.status, 403);
        server.admin().patch(&path_of(&grace), json!({ "role": "super_admin" })).await.expect_status(200);
        assert_eq!(asked("users:write").await.0, "valid", "it was the owner that shrank");
    }
}

on_both_stores! {
    /// A token that was issued with `*` by a version that knew fewer scopes: its row names those that there were.
    async fn t35_a_scope_that_an_upgrade_brings_is_not_in_an_older_wildcard(mut server: TestServer) {
        let old = server.token().name("before the upgrade").field("scopes", json!(["*"])).issue().await;
        let database = Database::of(&server).await;
        let stored = database.rows("SELECT scopes FROM token WHERE name = 'before the upgrade'").await[0][0].clone();
        assert!(stored.contains("webhooks:write") && !stored.contains('*'), "the wildcard was spelled out: {stored}");
        let known_then = stored.replace(" webhooks:write", "");
        database.execute(&format!("UPDATE token SET scopes = '{known_then}' WHERE name = 'before the upgrade'")).await;

        server.restart().await;

        let shown = server.admin().get(&format!("/v1/tokens/{}", old.id())).await.json();
        assert!(!shown["scopes"].as_array().unwrap().contains(&json!("webhooks:write")));
        let body = json!({ "token": old.secret(), "scopes": ["webhooks:write"] });
        let told = server.admin().post("/v1/verify", body).await.json();
        assert_eq!((&told["code"], &told["missing_scopes"]), (&json!("insufficient_scope"), &json!(["webhooks:write"])));
        // A `*` of an assignment is shown as one: it means what comes later too, and says so.
        let star = json!([{ "role": "application.view", "teams": "*", "environments": "*", "names": "*" }]);
        let starred = server.token().name("starred").field("roles", star.clone()).issue().await;
        assert_eq!(server.admin().get(&format!("/v1/tokens/{}", starred.id())).await.json()["roles"], star);
    }
}
