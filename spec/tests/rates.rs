//! Rate limits and quotas: how often a token is accepted, what its caller is told, and what a restart forgets (nothing).

use std::time::Duration;

use claviger_testkit::{Answer, Backend, Caller, TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use crate::asking::{number, refused_fields, text};
use crate::raw::Raw;

const BOTH: [Backend; 2] = [Backend::Sqlite, Backend::Postgres];

fn rate(requests: u32, per_seconds: u32) -> Value {
    json!({ "requests": requests, "per_seconds": per_seconds })
}

/// What an answer says of limits, and its status.
fn told(answer: &Answer) -> String {
    let header = |name| answer.header(name).unwrap_or("-").to_owned();
    format!(
        "{} | {} | {} | {}",
        answer.status,
        header("ratelimit-policy"),
        header("ratelimit"),
        header("retry-after")
    )
}

async fn own(caller: &Caller) -> String {
    told(&caller.get("/v1/tokens/self").await)
}

async fn verdict(server: &TestServer, token: &Caller, cost: u32) -> Value {
    let body = json!({ "token": token.secret(), "cost": cost });
    server
        .admin()
        .post("/v1/verify", body)
        .await
        .expect_status(200)
        .json()
}

on_both_stores! {
    async fn a_limited_token_is_told_what_is_left_and_when_to_come_back(server: TestServer) {
        let ci = server.token().field("rate_limit", rate(3, 60)).issue().await;

        assert_eq!(own(&ci).await, r#"200 | "token";q=3;w=60 | "token";r=2;t=20 | -"#);
        assert_eq!(own(&ci).await, r#"200 | "token";q=3;w=60 | "token";r=1;t=40 | -"#);
        assert_eq!(own(&ci).await, r#"200 | "token";q=3;w=60 | "token";r=0;t=60 | -"#);
        let refused = ci.get("/v1/tokens/self").await;

        assert_eq!(told(&refused), r#"429 | "token";q=3;w=60 | "token";r=0;t=60 | 20"#);
        assert_eq!(refused.problem_code().as_deref(), Some("rate_limited"));
        server.clock().advance(Duration::from_micros(19_999_999));
        assert_eq!(own(&ci).await, r#"429 | "token";q=3;w=60 | "token";r=0;t=41 | 1"#);
        server.clock().advance(Duration::from_micros(1));
        assert_eq!(own(&ci).await, r#"200 | "token";q=3;w=60 | "token";r=0;t=60 | -"#);
    }
}

on_both_stores! {
    async fn every_kind_of_answer_tells_it(server: TestServer) {
        let ci = server.token().scopes(["tokens:write"]).field("rate_limit", rate(100, 100)).issue().await;

        let not_found = ci.get("/v1/tokens/tok_0000000000001").await;
        let without_scope = ci.get("/v1/audit/events").await;
        let refused_body = ci.post("/v1/tokens", json!({ "name": "x" })).await;

        assert_eq!(told(&not_found), r#"403 | "token";q=100;w=100 | "token";r=100;t=0 | -"#, "a refusal takes nothing");
        assert_eq!(told(&without_scope), r#"403 | "token";q=100;w=100 | "token";r=100;t=0 | -"#);
        assert_eq!(told(&refused_body), r#"400 | "token";q=100;w=100 | "token";r=99;t=1 | -"#);
        assert_eq!(told(&server.admin().get("/v1/tokens").await), "200 | - | - | -", "nothing limits this one");
    }
}

on_both_stores! {
    async fn whoever_verifies_learns_what_is_left_of_the_presented_token(server: TestServer) {
        let bearer = server.token().field("rate_limit", json!({ "requests": 10, "per_seconds": 60, "burst": 4 })).issue().await;

        let accepted = verdict(&server, &bearer, 3).await;
        let refused = verdict(&server, &bearer, 2).await;
        let never = verdict(&server, &bearer, 5).await;

        expect![[r#"{"limit":10,"name":"token","remaining":1,"reset_seconds":18,"window_seconds":60}"#]]
            .assert_eq(&accepted["rate_limit"].to_string());
        assert_eq!((text(&refused, "/code").as_str(), number(&refused, "/retry_after_seconds")), ("rate_limited", 6));
        assert_eq!(refused["valid"], false);
        assert_eq!(number(&refused, "/rate_limit/remaining"), 1, "a refusal takes nothing");
        assert_eq!(text(&never, "/code"), "rate_limited");
        assert_eq!(never.get("retry_after_seconds"), None, "no wait helps");
        server.clock().advance(Duration::from_secs(6));
        assert_eq!(text(&verdict(&server, &bearer, 2).await, "/code"), "valid");
        let unlimited = verdict(&server, server.admin(), 10_000).await;
        assert_eq!(unlimited.get("rate_limit"), None);
        for cost in [0, 10_001] {
            let body = json!({ "token": bearer.secret(), "cost": cost });
            let refused = server.admin().post("/v1/verify", body).await;
            assert_eq!(refused_fields(&refused), ["cost cost_out_of_range"]);
        }
    }
}

on_both_stores! {
    async fn all_tokens_of_a_person_share_the_persons_limit(server: TestServer) {
        let (one, other) = (server.token().issue().await, server.token().issue().await);
        let robot = server.token().global().issue().await;
        let person = format!("/v1/users/{}", text(one.record(), "/owner"));

        let changed = server.admin().patch(&person, json!({ "rate_limit": rate(4, 40) })).await;
        assert_eq!(number(&changed.json(), "/user/rate_limit/burst"), 4);

        assert_eq!(own(&one).await, r#"200 | "owner";q=4;w=40 | "owner";r=3;t=10 | -"#);
        assert_eq!(own(&other).await, r#"200 | "owner";q=4;w=40 | "owner";r=2;t=20 | -"#);
        assert_eq!(own(server.admin()).await, r#"200 | "owner";q=4;w=40 | "owner";r=1;t=30 | -"#);
        assert_eq!(own(&one).await, r#"200 | "owner";q=4;w=40 | "owner";r=0;t=40 | -"#);
        assert_eq!(own(&other).await, r#"429 | "owner";q=4;w=40 | "owner";r=0;t=40 | 10"#);
        assert_eq!(own(&robot).await, "200 | - | - | -", "it acts as itself");

        server.clock().advance(Duration::from_secs(10));
        server.admin().patch(&person, json!({ "rate_limit": null })).await.expect_status(200);
        assert_eq!(own(&other).await, "200 | - | - | -");
    }
}

on_both_stores! {
    async fn a_new_limit_holds_at_the_next_call(server: TestServer) {
        let ci = server.token().issue().await;
        let path = format!("/v1/tokens/{}", ci.id());
        let update = async |fields: Value| server.admin().patch(&path, fields).await.expect_status(200).json();
        assert_eq!(own(&ci).await, "200 | - | - | -");

        let limited = update(json!({ "rate_limit": rate(1, 60) })).await;
        assert_eq!(limited["token"]["rate_limit"], json!({ "requests": 1, "per_seconds": 60, "burst": 1 }));
        assert_eq!(own(&ci).await, r#"200 | "token";q=1;w=60 | "token";r=0;t=60 | -"#);
        update(json!({ "description": "no new start" })).await;
        assert_eq!(own(&ci).await, r#"429 | "token";q=1;w=60 | "token";r=0;t=60 | 60"#);

        update(json!({ "rate_limit": null })).await;
        assert_eq!(own(&ci).await, "200 | - | - | -");
        update(json!({ "rate_limit": rate(1, 60) })).await;
        assert_eq!(own(&ci).await, r#"429 | "token";q=1;w=60 | "token";r=0;t=60 | 60"#, "taking it off wins nothing");
    }
}

on_both_stores! {
    async fn limits_that_make_no_sense_are_refused(server: TestServer) {
        let mut said = String::new();
        for (field, value) in [
            ("rate_limit", rate(0, 60)),
            ("rate_limit", rate(1, 86_401)),
            ("rate_limit", json!({ "requests": 1, "per_seconds": 86_400, "burst": 32 })),
            ("rate_limit", json!({ "requests": 1_000_001, "per_seconds": 0, "burst": 0 })),
            ("quota", json!({ "credits": 0, "per": "day" })),
            ("quota", json!({ "credits": 1_000_000_001, "per": "month" })),
        ] {
            let refused = server.token().field(field, value).try_issue().await;
            said.push_str(&format!("{}\n", refused_fields(&refused).join(", ")));
        }

        expect![[r#"
            rate_limit.requests rate_limit_out_of_range, rate_limit.burst rate_limit_out_of_range
            rate_limit.per_seconds rate_limit_out_of_range
            rate_limit.burst rate_limit_out_of_range
            rate_limit.requests rate_limit_out_of_range, rate_limit.per_seconds rate_limit_out_of_range, rate_limit.burst rate_limit_out_of_range
            quota.credits quota_out_of_range
            quota.credits quota_out_of_range
        "#]].assert_eq(&said);
    }
}

on_both_stores! {
    async fn a_limited_token_makes_nothing_that_is_limited_less(server: TestServer) {
        let ci = server.token()
            .field("rate_limit", rate(100, 60))
            .field("quota", json!({ "credits": 310, "per": "month" }))
            .issue().await;
        let child = |limit: Value, quota: Value| {
            let child = server.token().scopes(["tokens:read"]).issued_by(&ci);
            child.field("rate_limit", limit).field("quota", quota)
        };
        let day = |credits: u32| json!({ "credits": credits, "per": "day" });

        let free = server.token().issued_by(&ci).try_issue().await;
        assert_eq!(refused_fields(&free), ["rate_limit rate_limit_exceeds_caller", "quota quota_exceeds_caller"]);
        let looser = child(rate(101, 60), day(11)).try_issue().await;
        assert_eq!(refused_fields(&looser), ["rate_limit rate_limit_exceeds_caller", "quota quota_exceeds_caller"]);
        let tight = child(rate(1, 1), day(10)).issue().await;

        let path = format!("/v1/tokens/{}", tight.id());
        let lifted = ci.patch(&path, json!({ "quota": null })).await;
        assert_eq!(refused_fields(&lifted), ["quota quota_exceeds_caller"]);
        let unlimited = server.token().issue().await;
        let new_secret = ci.post(&format!("/v1/tokens/{}/regenerate", unlimited.id()), Value::Null).await;
        assert_eq!(refused_fields(&new_secret), ["rate_limit rate_limit_exceeds_caller", "quota quota_exceeds_caller"]);
        let renamed = ci.patch(&format!("/v1/tokens/{}", unlimited.id()), json!({ "name": "other" })).await;
        renamed.expect_status(200);
    }
}

on_both_stores! {
    async fn a_quota_is_spent_once_whatever_happens_to_the_server(mut server: TestServer) {
        let ci = server.token().field("quota", json!({ "credits": 10, "per": "day" })).issue().await;
        assert_eq!(number(&verdict(&server, &ci, 7).await, "/rate_limit/remaining"), 3);
        assert_eq!(own(&ci).await, r#"200 | "quota";q=10;w=86400 | "quota";r=2;t=50400 | -"#);

        server.restart().await;

        let refused = verdict(&server, &ci, 3).await;
        assert_eq!((text(&refused, "/code").as_str(), number(&refused, "/retry_after_seconds")), ("quota_exhausted", 50_400));
        assert_eq!(text(&verdict(&server, &ci, 2).await, "/code"), "valid");
        let spent = ci.get("/v1/tokens/self").await;
        assert_eq!(told(&spent), r#"429 | "quota";q=10;w=86400 | "quota";r=0;t=50400 | 50400"#);
        assert_eq!(spent.problem_code().as_deref(), Some("quota_exhausted"));
        server.restart().await;
        assert_eq!(ci.get("/v1/tokens/self").await.status, 429);

        server.clock().advance(Duration::from_secs(50_400));
        assert_eq!(own(&ci).await, r#"200 | "quota";q=10;w=86400 | "quota";r=9;t=86400 | -"#);
    }
}

on_both_stores! {
    async fn a_quota_outlives_a_new_secret_and_ends_with_its_token(mut server: TestServer) {
        let ci = server.token().field("quota", json!({ "credits": 2, "per": "month" })).issue().await;
        assert_eq!(own(&ci).await, r#"200 | "quota";q=2 | "quota";r=1;t=741600 | -"#);
        let path = format!("/v1/tokens/{}", ci.id());

        let renewed = server.admin().post(&format!("{path}/regenerate"), Value::Null).await;
        let renewed = server.bearer(&renewed.expect_status(200).at("/secret"));
        assert_eq!(own(&renewed).await, r#"200 | "quota";q=2 | "quota";r=0;t=741600 | -"#);

        server.flush().await;
        server.admin().post(&format!("{path}/revoke"), Value::Null).await.expect_status(200);
        server.admin().delete(&path).await.expect_status(204);
        server.restart().await;
        server.admin().get(&path).await.expect_status(404);
    }
}

/// Failures from one address: two at once, one forgiven each second.
async fn strict(backend: Backend) -> TestServer {
    let server = TestServer::builder().backend(backend);
    server
        .setting("limits.failures", "2")
        .setting("limits.failures_per_minute", "60")
        .start()
        .await
}

#[tokio::test]
async fn an_address_that_guesses_is_put_off_and_a_good_token_from_there_is_not() {
    for backend in BOTH {
        let server = strict(backend).await;
        let guess = server.bearer("clvp_nonsense");
        let failed = async || told(&guess.get("/v1/tokens").await);

        assert_eq!(failed().await, "401 | - | - | -");
        assert_eq!(failed().await, "401 | - | - | -");
        assert_eq!(failed().await, "429 | - | - | 1");
        let refused = guess.get("/v1/tokens").await;
        assert_eq!(refused.problem_code().as_deref(), Some("too_many_failures"));
        server.admin().get("/v1/tokens").await.expect_status(200);
        let nothing = server.anonymous().get("/v1/tokens").await;
        assert_eq!(nothing.status, 401, "no credential is no guess");

        let report = json!({ "token": "clvp_nonsense" });
        let reported = server.anonymous().post("/v1/tokens/report-leak", report).await;
        assert_eq!(reported.problem_code().as_deref(), Some("too_many_failures"));
        server.clock().advance(Duration::from_secs(1));
        assert_eq!(failed().await, "401 | - | - | -");
        assert_eq!(failed().await, "429 | - | - | 1");
    }
}

/// A question about `token` by `asker`: on the express lane, past it to the door, and past both to the router.
fn three_ways(asker: &str, token: &str) -> [String; 3] {
    let body = json!({ "token": token }).to_string();
    [("", ""), ("", "X-Other: 1\r\n"), ("?a=b", "")].map(|(query, field)| {
        format!(
            "POST /v1/verify{query} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {asker}\r\nContent-Type: application/json\r\n\
             {field}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    })
}

/// Status, code and what is told of limits, of a raw answer.
async fn asked(server: &TestServer, question: &str) -> String {
    let mut raw = Raw::connect(server);
    raw.send(question);
    let answer = raw.answer();
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    let field = |name: &str| {
        let lines = answer.head.lines();
        let value = lines
            .filter_map(|line| line.split_once(": "))
            .find(|(found, _)| found.eq_ignore_ascii_case(name));
        value.map_or("-", |(_, value)| value).to_owned()
    };
    format!(
        "{} {} | {} | {} | {} | {}",
        answer.status,
        text(&body, "/code"),
        body["rate_limit"],
        field("ratelimit-policy"),
        field("ratelimit"),
        field("retry-after")
    )
}

#[tokio::test]
async fn all_ways_to_verify_count_and_tell_the_same() {
    for backend in BOTH {
        let mut seen = Vec::new();
        for way in 0..3 {
            let server = strict(backend).await;
            let asker = server.token().field("rate_limit", rate(3, 3)).issue().await;
            let bearer = server.token().field("rate_limit", rate(2, 60)).issue().await;
            let mut said = Vec::new();
            for _ in 0..4 {
                said.push(asked(&server, &three_ways(asker.secret(), bearer.secret())[way]).await);
            }
            for _ in 0..3 {
                said.push(asked(&server, &three_ways("clvp_nonsense", bearer.secret())[way]).await);
            }
            seen.push(said.join("\n"));
        }

        expect![[r#"
            200 valid | {"limit":2,"name":"token","remaining":1,"reset_seconds":30,"window_seconds":60} | "token";q=3;w=3 | "token";r=2;t=1 | -
            200 valid | {"limit":2,"name":"token","remaining":0,"reset_seconds":60,"window_seconds":60} | "token";q=3;w=3 | "token";r=1;t=2 | -
            200 rate_limited | {"limit":2,"name":"token","remaining":0,"reset_seconds":60,"window_seconds":60} | "token";q=3;w=3 | "token";r=0;t=3 | -
            429 rate_limited | null | "token";q=3;w=3 | "token";r=0;t=3 | 1
            401 token_invalid | null | - | - | -
            401 token_invalid | null | - | - | -
            429 too_many_failures | null | - | - | 1"#]].assert_eq(&seen[0]);
        assert_eq!(seen[1], seen[0], "the door");
        assert_eq!(seen[2], seen[0], "the router");
    }
}

on_both_stores! {
    async fn another_organization_spends_nothing_of_a_token_by_asking_about_it(mut server: TestServer) {
        let quota = json!({ "credits": 2, "per": "day" });
        let token = server.token().scopes(["tokens:read"]).field("quota", quota).issue().await;
        let eve = crate::crowd::stranger(&mut server).await;

        for _ in 0..5 {
            let body = json!({ "token": token.secret(), "cost": 2 });
            let said = eve.caller.post("/v1/verify", body).await.expect_status(200).json();
            assert_eq!(text(&said, "/code"), "unknown");
            assert_eq!(said.get("rate_limit"), None);
        }

        let record = server.admin().get(&format!("/v1/tokens/{}", token.id())).await;
        assert_eq!(record.json()["last_used_at"], Value::Null, "nor was it used");
        assert_eq!(text(&verdict(&server, &token, 2).await, "/code"), "valid");
        assert_eq!(text(&verdict(&server, &token, 1).await, "/code"), "quota_exhausted");
    }
}
