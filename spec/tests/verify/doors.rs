//! The fast door of `POST /v1/verify` answers as the router's own handler does.

use std::time::Duration;

use claviger_testkit::{TestServer, on_both_stores};
use serde_json::{Value, json};

use crate::asking::unknown_token;

on_both_stores! {
    async fn the_fast_door_and_the_router_give_the_same_answers(server: TestServer) {
        let admin = server.admin();
        let ci = server.token().name("ci bot").scopes(["deployments:write"]).issue().await;
        let revoked = server.token().name("revoked one").issue().await;
        admin.post(&format!("/v1/tokens/{}/revoke", revoked.id()), Value::Null).await.expect_status(200);
        let expired = server.token().name("expired one").expires_in(Duration::from_secs(1)).issue().await;
        server.clock().advance(Duration::from_secs(1));
        let bodies = [
            json!({ "token": ci.secret() }).to_string(),
            json!({ "token": ci.secret(), "scopes": ["deployments:write"], "address": "192.0.2.7" }).to_string(),
            json!({ "token": ci.secret(), "scopes": ["system:write"] }).to_string(),
            json!({ "token": ci.secret(), "scopes": ["nope"] }).to_string(),
            json!({ "token": revoked.secret() }).to_string(),
            json!({ "token": expired.secret() }).to_string(),
            json!({ "token": unknown_token() }).to_string(),
            json!({ "token": "x" }).to_string(),
            json!({ "token": "x", "more": 1 }).to_string(),
            format!("{{\"token\":\"x\",\"scopes\":{}1{}}}", "[".repeat(64), "]".repeat(64)),
            "{".to_owned(),
            String::new(),
            "x".repeat(1024 * 1024 + 1),
        ];
        let callers = [admin.clone(), ci.clone(), revoked.clone(), server.anonymous().clone(), server.bearer("x")];

        for body in &bodies {
            for caller in &callers {
                let named = caller.header("x-request-id", "the-same");
                for content_type in ["application/json", "application/json; charset=utf-8", "text/plain"] {
                    let fast = named.request_text(reqwest::Method::POST, "/v1/verify", content_type, body).await;
                    // A query takes the call past the fast door.
                    let routed = named.request_text(reqwest::Method::POST, "/v1/verify?", content_type, body).await;

                    assert_eq!(fast.text(), routed.text());
                    let headers = |answer: &claviger_testkit::Answer| {
                        let mut headers = answer.headers.clone();
                        headers.remove("date");
                        headers
                    };
                    assert_eq!(headers(&fast), headers(&routed), "{}", fast.text());
                }
            }
        }
    }
}
