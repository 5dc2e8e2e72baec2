//! The answers of a token's own calls name its end during its last 14 days.

use std::time::Duration;

use claviger_testkit::{TestServer, on_both_stores};
use serde_json::json;

use super::DAY;

const FIELD: &str = "claviger-token-expires";

on_both_stores! {
    async fn the_last_14_days_begin_exactly_14_days_before_the_end(server: TestServer) {
        let token = server.token().expires_in(DAY * 14 + Duration::from_secs(1)).issue().await;
        assert_eq!(token.get("/v1/tokens/self").await.header(FIELD), None, "14 days and a second before");

        server.clock().advance(Duration::from_secs(1));
        let end = "2026-12-06T10:00:01Z";

        let answer = token.get("/v1/tokens/self").await;
        assert_eq!(answer.header(FIELD), Some(end));
        assert_eq!(answer.json()["expires_at"], end, "the same text as in the record");
        for answer in [
            token.get("/v1/tokens/tok_0000000000001").await,
            token.post("/v1/teams", json!({})).await,
            token.get("/v1/scopes").await,
        ] {
            assert_eq!(answer.header(FIELD), Some(end), "{}", answer.status);
        }
        server.clock().advance(DAY * 14);
        assert_eq!(token.get("/v1/tokens/self").await.header(FIELD), None, "it is not accepted any more");
    }
}

on_both_stores! {
    async fn a_token_without_a_near_end_is_not_warned_of(server: TestServer) {
        for caller in [server.admin(), &server.token().expires_in_days(90).issue().await, server.anonymous()] {
            assert_eq!(caller.get("/v1/tokens/self").await.header(FIELD), None);
        }
    }
}
