//! JSON: how deep, how large, how strict.

use std::time::{Duration, Instant};

use claviger_testkit::TestServer;
use serde_json::json;

use super::{WITH_BODY, code, post};

/// `{"scopes":[[[…]]]}` with so many levels in all.
fn nested(levels: usize) -> String {
    format!(
        r#"{{"scopes":{}1{}}}"#,
        "[".repeat(levels - 1),
        "]".repeat(levels - 1)
    )
}

#[tokio::test]
async fn nesting_ends_at_64_levels() {
    let server = TestServer::start().await;
    for path in WITH_BODY {
        assert_ne!(
            code(&post(&server, path, &nested(64)).await),
            "400 json_too_deep",
            "{path}"
        );
        assert_eq!(
            code(&post(&server, path, &nested(65)).await),
            "400 json_too_deep",
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_body_has_at_most_10000_values() {
    let server = TestServer::start().await;
    // The object and the array are values too.
    let numbers = |count: usize| format!(r#"{{"scopes":[{}]}}"#, vec!["1"; count - 2].join(","));
    for path in WITH_BODY {
        assert_ne!(
            code(&post(&server, path, &numbers(10_000)).await),
            "400 json_too_large",
            "{path}"
        );
        assert_eq!(
            code(&post(&server, path, &numbers(10_001)).await),
            "400 json_too_large",
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_array_has_at_most_1000_strings() {
    let server = TestServer::start().await;
    let scopes = |count: usize| {
        json!({ "name": format!("with {count}"), "scopes": vec!["tokens:read"; count] }).to_string()
    };

    post(&server, "/v1/tokens", &scopes(1_000))
        .await
        .expect_status(201);
    assert_eq!(
        code(&post(&server, "/v1/tokens", &scopes(1_001)).await),
        "400 json_too_large"
    );
    let verify = |count: usize| json!({ "token": "x", "scopes": vec!["tokens:read"; count] }).to_string();
    post(&server, "/v1/verify", &verify(1_000))
        .await
        .expect_status(200);
    assert_eq!(
        code(&post(&server, "/v1/verify", &verify(1_001)).await),
        "400 json_too_large"
    );
}

#[tokio::test]
async fn a_million_brackets_are_refused_quickly() {
    let server = TestServer::start().await;
    for path in WITH_BODY {
        for bomb in [
            "[".repeat(1_000_000),
            r#"{"a":"#.repeat(200_000),
            format!("{}{}", "[".repeat(500_000), "]".repeat(500_000)),
        ] {
            let began = Instant::now();
            assert_eq!(
                code(&post(&server, path, &bomb).await),
                "400 json_too_deep",
                "{path}"
            );
            assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        }
    }
}

#[tokio::test]
async fn a_field_that_is_given_twice_or_does_not_exist_is_refused() {
    let server = TestServer::start().await;
    for path in WITH_BODY {
        for body in [
            r#"{"x":1}"#,
            r#"{"token":"x","service":"s","ids":[],"name":"abc","scopes":[],"version":"1","__proto__":{}}"#,
        ] {
            let answer = post(&server, path, body).await;
            assert_eq!(code(&answer), "400 field_unknown", "{path} {body}");
        }
        for body in [
            r#"{"scopes":[],"scopes":[]}"#,
            "{\"token\":\"x\",\"tok\\u0065n\":\"y\"}",
        ] {
            assert_eq!(
                code(&post(&server, path, body).await),
                "400 json_invalid",
                "{path} {body}"
            );
        }
    }
}

#[tokio::test]
async fn numbers_at_the_edge_are_numbers_or_refused() {
    let server = TestServer::start().await;
    for number in [
        "1e400",
        "-1",
        "1.5",
        "4294967296",
        "18446744073709551616",
        "NaN",
        "0x7",
        "01",
    ] {
        let body = format!(r#"{{"name":"edge","scopes":["tokens:read"],"expires_in_days":{number}}}"#);
        post(&server, "/v1/tokens", &body).await.expect_status(400);
    }
}
