//! What a call takes from the limits of the token that makes it: the table of `docs/concepts/limits.md`.

use claviger_testkit::{Answer, Caller, TestServer, on_both_stores};
use serde_json::{Value, json};

use crate::asking::refused_fields;

const DOCS: &str = include_str!("../../docs/concepts/limits.md");

/// The operations of the documented table with what they cost.
fn documented() -> Vec<(&'static str, &'static str, u64)> {
    let row = |line: &'static str| {
        let (call, cost) = line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | ")?;
        let (method, path) = call.split_once(' ')?;
        Some((method, path, cost.parse().ok()?))
    };
    DOCS.lines().filter_map(row).collect()
}

/// The `r` and the `clv-cost` that an answer tells of the token's rate.
fn told(answer: &Answer) -> (u64, Option<u64>) {
    let field = answer.header("ratelimit").expect("a limited token is told");
    let part = |name: &str| {
        let value = field.split(';').find_map(|part| part.strip_prefix(name));
        value.map(|value| value.parse::<u64>().unwrap())
    };
    (part("r=").unwrap(), part("clv-cost="))
}

async fn limited(server: &TestServer, requests: u64) -> Caller {
    let limit = json!({ "requests": requests, "per_seconds": 86_400 });
    server
        .token()
        .scopes(["*"])
        .field("rate_limit", limit)
        .issue()
        .await
}

on_both_stores! {
    async fn every_call_costs_what_the_documented_table_says(server: TestServer) {
        let table = documented();
        assert_eq!(table.len(), 3, "{table:?}");
        let token = limited(&server, 1_000).await;
        let mut left = 1_000;

        for (method, path, cost) in table {
            let body = if path == "/v1/tokens/revoke" { json!({ "ids": [] }) } else { Value::Null };
            let answer = token.request(method.parse().unwrap(), path, body).await;
            answer.expect_status(200);
            left -= cost;
            assert_eq!(told(&answer), (left, Some(cost)), "{method} {path}");
        }
        for (path, cost) in [
            ("/v1/tokens", 1),
            ("/v1/tokens?limit=50", 1),
            ("/v1/audit/events?limit=51", 2),
            ("/v1/users?limit=200", 4),
            ("/v1/tokens/self", 1),
        ] {
            let answer = token.get(path).await;
            answer.expect_status(200);
            left -= cost;
            assert_eq!(told(&answer), (left, (cost > 1).then_some(cost)), "{path}");
        }
        let too_long = token.get("/v1/tokens?limit=201").await;
        assert_eq!(refused_fields(&too_long), ["limit limit_out_of_range"]);
        assert_eq!(told(&too_long), (left - 1, None));
    }
}

on_both_stores! {
    async fn a_call_that_costs_more_than_is_left_takes_nothing_and_one_that_never_fits_says_so(server: TestServer) {
        let token = limited(&server, 15).await;
        let revoke = async || token.post("/v1/tokens/revoke", json!({ "ids": [] })).await;
        revoke().await.expect_status(200);

        let refused = revoke().await;
        assert_eq!((refused.status, told(&refused)), (429, (5, Some(10))));
        assert!(refused.header("retry-after").is_some());
        token.get("/v1/tokens/self").await.expect_status(200);

        let never = token.get("/v1/audit/export").await;
        assert_eq!((never.status, never.problem_code().as_deref()), (429, Some("rate_limited")));
        assert_eq!(never.header("retry-after"), None, "no wait helps");
        assert!(never.text().contains("costs 50"), "{}", never.text());
        let quota = json!({ "credits": 49, "per": "day" });
        let small = server.token().scopes(["audit:read"]).field("quota", quota).issue().await;
        let never = small.get("/v1/audit/export").await;
        assert_eq!((never.status, never.problem_code().as_deref()), (429, Some("quota_exhausted")));
        assert_eq!(never.header("retry-after"), None);
        small.get("/v1/audit/events").await.expect_status(200);
    }
}
