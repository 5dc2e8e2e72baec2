//! `?token=`: for senders that know no other way, where something is brought in and nowhere else.

use claviger_testkit::{Answer, Caller, TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use crate::asking::{refused_fields, text};
use crate::crowd::stranger;
use crate::matrix::OPERATIONS;

fn report() -> Value {
    json!({ "service": "search", "version": "1.4.2" })
}

/// A token for addresses.
async fn sender(server: &TestServer) -> Caller {
    crate::policy::changed(server, json!({ "query_tokens": true }))
        .await
        .expect_status(200);
    let token = server.token().name("sender").scopes(["deployments:write"]);
    token.field("allow_query", true).issue().await
}

async fn reported(server: &TestServer, query: &str) -> Answer {
    server
        .anonymous()
        .post(&format!("/v1/deployments?{query}"), report())
        .await
}

on_both_stores! {
    async fn a_sender_may_put_its_token_into_the_address(server: TestServer) {
        let sender = sender(&server).await;

        let answer = reported(&server, &format!("token={}", sender.secret())).await;

        answer.expect(expect![[r#"
            201 {
              "id": "dep_1m81b5h800004",
              "service": "search",
              "version": "1.4.2",
              "ref": null,
              "environment": "production",
              "started_at": null,
              "finished_at": "2026-11-22T10:00:00Z",
              "result": "succeeded",
              "reported_by": "tok_1m81b5h800003",
              "created_at": "2026-11-22T10:00:00Z"
            }"#]]);
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        sender.post("/v1/deployments", report()).await.expect_status(201);
    }
}

on_both_stores! {
    async fn what_was_in_an_address_is_on_record(server: TestServer) {
        let sender = sender(&server).await;
        let path = format!("/v1/tokens/{}", sender.id());
        let last = async || text(&server.admin().get(&path).await.expect_status(200).json(), "/last_used_in");
        assert_eq!(last().await, "null");

        reported(&server, &format!("token={}", sender.secret())).await.expect_status(201);

        assert_eq!(last().await, "query");
        server.flush().await;
        assert_eq!(last().await, "query", "as stored");
        let events = server.admin().get("/v1/audit/events?action=deployment.reported").await;
        assert_eq!(events.at("/data/0/detail/presented_in"), "query");
        server.clock().advance(std::time::Duration::from_secs(1));
        sender.post("/v1/deployments", report()).await.expect_status(201);
        assert_eq!(last().await, "header");
        let events = server.admin().get("/v1/audit/events?action=deployment.reported").await;
        assert_eq!(events.json()["data"][0]["detail"].get("presented_in"), None);
    }
}

on_both_stores! {
    async fn every_other_route_does_not_know_it(server: TestServer) {
        let sender = sender(&server).await;
        let admin = server.admin();

        for operation in OPERATIONS {
            let path = operation.path.replace("{id}", admin.id());
            for token in [&sender, admin] {
                for parameter in ["token", "TOKEN", "%74oken"] {
                    let address = format!("{path}?{parameter}={}", token.secret());
                    let answer = server.anonymous().request(operation.method(), &address, operation.body()).await;
                    let taken = operation.method == "POST" && operation.path == "/v1/deployments" && token.id() == sender.id();
                    if taken {
                        assert_ne!(answer.status, 401, "{}", answer.text());
                        continue;
                    }
                    assert_eq!(answer.status, 401, "{} {path} {parameter}: {}", operation.method, answer.text());
                    assert_eq!(answer.problem_code().as_deref(), Some("token_invalid"));
                    assert!(!answer.body.contains(token.secret()));
                }
            }
        }
        let unknown = server.anonymous().get(&format!("/nowhere?token={}", sender.secret())).await;
        assert_eq!(unknown.problem_code().as_deref(), Some("token_invalid"));
    }
}

on_both_stores! {
    async fn together_with_another_credential_it_is_refused(server: TestServer) {
        let sender = sender(&server).await;
        let address = format!("/v1/deployments?token={}", sender.secret());
        let with_key = server.anonymous().header("x-api-key", sender.secret());

        for caller in [&sender, server.admin(), &with_key] {
            let answer = caller.post(&address, report()).await;
            assert_eq!(answer.status, 400, "{}", answer.text());
            assert_eq!(answer.problem_code().as_deref(), Some("multiple_credentials"));
        }
        let two = reported(&server, &format!("token={}&token=other", sender.secret())).await;
        assert_eq!(two.problem_code().as_deref(), Some("multiple_credentials"));
        for parameter in ["access_token", "api_key"] {
            let other = reported(&server, &format!("{parameter}={}", sender.secret())).await;
            assert_eq!(other.problem_code().as_deref(), Some("token_in_query"));
        }
    }
}

on_both_stores! {
    async fn a_token_that_was_not_made_for_it_is_unknown_there(server: TestServer) {
        let ci = server.token().scopes(["deployments:write"]).issue().await;

        let refused = reported(&server, &format!("token={}", ci.secret())).await;

        assert_eq!((refused.status, refused.problem_code().as_deref()), (401, Some("token_invalid")));
        let path = format!("/v1/tokens/{}", ci.id());
        let not_allowed = server.admin().patch(&path, json!({ "allow_query": true })).await;
        assert_eq!(refused_fields(&not_allowed), ["allow_query query_not_allowed"]);
        crate::policy::changed(&server, json!({ "query_tokens": true })).await.expect_status(200);
        server.admin().patch(&path, json!({ "allow_query": true })).await.expect_status(200);
        reported(&server, &format!("token={}", ci.secret())).await.expect_status(201);
        server.admin().patch(&path, json!({ "allow_query": false })).await.expect_status(200);
        assert_eq!(reported(&server, &format!("token={}", ci.secret())).await.status, 401);
    }
}

on_both_stores! {
    async fn a_token_for_addresses_shows_nothing(server: TestServer) {
        crate::policy::changed(&server, json!({ "query_tokens": true })).await.expect_status(200);
        let wide = server.token().scopes(["deployments:write", "deployments:read"]).field("allow_query", true);
        assert_eq!(refused_fields(&wide.try_issue().await), ["allow_query query_scope_refused"]);

        let sender = sender(&server).await;
        let path = format!("/v1/tokens/{}", sender.id());
        let widened = server.admin().patch(&path, json!({ "scopes": ["deployments:write", "tokens:read"] })).await;
        assert_eq!(refused_fields(&widened), ["allow_query query_scope_refused"]);
        assert_eq!(text(sender.record(), "/allow_query"), "true");
    }
}

on_both_stores! {
    async fn no_log_line_holds_it(server: TestServer) {
        let sender = sender(&server).await;
        for address in ["/v1/deployments", "/v1/tokens", "/nowhere", "/healthz", "/v1/verify"] {
            for parameter in ["token", "access_token", "api_key", "a=b&token", "%74oken"] {
                let path = format!("{address}?{parameter}={}", sender.secret());
                server.anonymous().get(&path).await;
                server.anonymous().post(&path, report()).await;
                sender.post(&path, report()).await;
            }
        }

        let lines = server.log_lines();
        assert!(lines.len() >= 75, "each request has its line, in a log that says everything: {}", lines.len());
        assert!(lines.iter().all(|line| !line.contains(sender.secret())));
    }
}

on_both_stores! {
    async fn a_policy_that_forbids_it_holds_at_once_for_tokens_that_there_are(mut server: TestServer) {
        let sender = sender(&server).await;
        let query = format!("token={}", sender.secret());
        reported(&server, &query).await.expect_status(201);
        let status = async |server: &TestServer| reported(server, &query).await.status;

        for _ in 0..3 {
            crate::policy::changed(&server, json!({ "query_tokens": false })).await.expect_status(200);
            assert_eq!(status(&server).await, 401);
            let refused = reported(&server, &query).await;
            assert_eq!(refused.problem_code().as_deref(), Some("token_invalid"), "as one that is not known");
            assert!(!refused.body.contains(sender.secret()));
            sender.post("/v1/deployments", report()).await.expect_status(201);
            crate::policy::changed(&server, json!({ "query_tokens": true })).await.expect_status(200);
            assert_eq!(status(&server).await, 201);
        }

        server.restart().await;
        assert_eq!(status(&server).await, 201, "a start knows what is allowed");
        crate::policy::changed(&server, json!({ "query_tokens": false })).await.expect_status(200);
        server.restart().await;
        assert_eq!(status(&server).await, 401, "and what is not");
        let path = format!("/v1/tokens/{}", sender.id());
        let renamed = server.admin().patch(&path, json!({ "name": "renamed" })).await;
        assert_eq!(renamed.expect_status(200).json()["token"]["allow_query"], true);
        assert_eq!(status(&server).await, 401, "a change of the token brings nothing back");
    }
}

on_both_stores! {
    async fn what_was_refused_in_an_address_was_no_use(server: TestServer) {
        crate::policy::changed(&server, json!({ "query_tokens": true })).await.expect_status(200);
        let quota = json!({ "credits": 1, "per": "day" });
        let token = server.token().name("sender").scopes(["deployments:write"]).field("quota", quota);
        let sender = token.field("allow_query", true).issue().await;
        crate::policy::changed(&server, json!({ "query_tokens": false })).await.expect_status(200);

        for _ in 0..3 {
            assert_eq!(reported(&server, &format!("token={}", sender.secret())).await.status, 401);
        }

        let record = server.admin().get(&format!("/v1/tokens/{}", sender.id())).await;
        assert_eq!(record.json()["last_used_at"], Value::Null);
        sender.post("/v1/deployments", report()).await.expect_status(201);
    }
}

on_both_stores! {
    async fn another_organization_s_policy_does_not_matter(mut server: TestServer) {
        let sender = sender(&server).await;
        let eve = stranger(&mut server).await;
        let body = json!({ "name": "of eve", "scopes": ["deployments:write"], "allow_query": true });
        let refused = eve.caller.post("/v1/tokens", body).await;

        assert_eq!(refused_fields(&refused), ["allow_query query_not_allowed"]);
        reported(&server, &format!("token={}", sender.secret())).await.expect_status(201);
    }
}
