//! What a bad credential gets, wherever it is presented.

use http_body_util::Full;
use serde_json::{Value, json};

use super::house::{House, request};

#[tokio::test]
async fn unknown_malformed_expired_and_revoked_tokens_get_one_and_the_same_answer() {
    let house = House::open().await;
    let other = House::open().await;
    let revoked = issue(&house, "short-lived").await;
    house
        .call_as(&revoked, "POST", "/v1/tokens/self/revoke", Value::Null)
        .await;
    // The same seed further on: well-formed, and never issued here.
    let unknown = issue_many(&other, 5).await;

    let mut answers = Vec::new();
    for token in [revoked.as_str(), unknown.as_str(), "nonsense", ""] {
        answers.push(
            house
                .call_as(token, "GET", "/v1/tokens", Value::Null)
                .await
                .without_id(),
        );
    }

    assert_eq!(answers[0].status.as_u16(), 401);
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
}

#[tokio::test]
async fn every_operation_but_the_open_ones_asks_for_a_credential() {
    let house = House::open().await;
    let document: Value = serde_json::from_str(&claviger_http::openapi_json()).unwrap();
    let open = [
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/v1/setup",
        "/v1/tokens/report-leak",
        "/v1/invitations/accept",
        "/v1/passwords/reset",
        "/v1/calendar/{feed}",
    ];

    let mut guarded = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let path = path.replace("{id}", "tok_0000000000001");
            let request = request(&method.to_uppercase(), &path)
                .body(Full::default())
                .unwrap();
            let refused = house.send(request).await;
            let is_open = open.contains(&path.as_str()) || (method == "post" && path == "/v1/sessions");
            if is_open {
                assert_ne!(refused.status.as_u16(), 401, "{method} {path}");
            } else {
                guarded += 1;
                assert_eq!(refused.status.as_u16(), 401, "{method} {path}");
                assert_eq!(refused.headers["www-authenticate"], r#"Bearer realm="claviger""#);
            }
        }
    }
    assert!(guarded >= 19, "{guarded}");
}

#[tokio::test]
async fn an_id_that_cannot_exist_gets_the_answer_of_one_that_does_not() {
    let house = House::open().await;

    let absent = house
        .call("GET", "/v1/tokens/tok_0000000000001", Value::Null)
        .await
        .without_id();
    for id in [
        "tok_1",
        "usr_0000000000001",
        "..%2f..",
        "%00",
        "tok_zzzzzzzzzzzzz",
        "7",
    ] {
        let impossible = house
            .call("GET", &format!("/v1/tokens/{id}"), Value::Null)
            .await
            .without_id();
        assert_eq!(impossible, absent, "{id}");
    }

    assert_eq!(
        (absent.status.as_u16(), absent.code().as_str()),
        (404, "token_not_found")
    );
}

async fn issue(house: &House, name: &str) -> String {
    let issued = house
        .call(
            "POST",
            "/v1/tokens",
            json!({ "name": name, "scopes": ["tokens:read"] }),
        )
        .await;
    assert_eq!(issued.status.as_u16(), 201, "{}", issued.body);
    issued.json()["secret"].as_str().unwrap().to_owned()
}

async fn issue_many(house: &House, count: u32) -> String {
    let mut last = String::new();
    for place in 0..count {
        last = issue(house, &format!("token {place}")).await;
    }
    last
}
