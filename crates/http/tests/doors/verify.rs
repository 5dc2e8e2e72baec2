//! The express lane of a verify request, the short way and the long one give the same answer.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};

use super::house::{House, Seen, request};

/// The same request on the short way, on the long one (a query string, even an empty one, leads there), and on the express lane if
/// that takes it.
async fn both(house: &House, make: impl Fn(&str) -> Request<Full<Bytes>>) -> Seen {
    let short = house.send(make("/v1/verify")).await.without_id();
    let long = house.send(make("/v1/verify?")).await.without_id();
    assert_eq!(short, long);
    if let Some(express) = house.send_express(make("/v1/verify")).await {
        assert_eq!(short, express.without_id());
    }
    short
}

#[tokio::test]
async fn a_plain_question_goes_by_the_express_lane_whatever_the_answer() {
    let house = House::open().await;
    let question = |credential: &str, body: &str| {
        request("POST", "/v1/verify")
            .header("authorization", credential)
            .header("content-type", "application/json")
            .body(Full::from(body.to_owned()))
            .unwrap()
    };
    let admin = format!("Bearer {}", house.admin);
    let nonsense = r#"{"token":"nonsense"}"#;

    for (credential, body, status) in [
        (admin.as_str(), nonsense, 200),
        (&house.admin, nonsense, 200),
        (&admin, "{", 400),
        (&admin, "", 400),
        ("Bearer nonsense", nonsense, 401),
        ("Basic nonsense", nonsense, 401),
    ] {
        let express = house.send_express(question(credential, body)).await;
        let express = express.expect("the lane takes it");

        assert_eq!(express.status, status, "{credential} {body}");
        let by_hyper = house.send(question(credential, body)).await;
        assert_eq!(express.without_id(), by_hyper.without_id());
    }
}

async fn asked(house: &House, body: &str) -> Seen {
    both(house, |path| {
        request("POST", path)
            .header("authorization", format!("Bearer {}", house.admin))
            .header("content-type", "application/json")
            .body(Full::from(body.to_owned()))
            .unwrap()
    })
    .await
}

#[tokio::test]
async fn every_decision_is_the_same_on_both_ways() {
    let house = House::open().await;
    let issue = json!({ "name": "reader", "scopes": ["tokens:read"], "type": "global", "reason": "a test" });
    let issued = house.call("POST", "/v1/tokens", issue).await.json();
    let reader = issued["secret"].as_str().unwrap();

    let valid = asked(
        &house,
        &json!({ "token": reader, "scopes": ["tokens:read"] }).to_string(),
    )
    .await;
    let lacking = asked(
        &house,
        &json!({ "token": reader, "scopes": ["tokens:read", "audit:read"] }).to_string(),
    )
    .await;
    let malformed = asked(&house, &json!({ "token": "nonsense" }).to_string()).await;
    let mut unknown: Vec<char> = reader.chars().collect();
    unknown.swap(8, 9);
    let typo = asked(
        &house,
        &json!({ "token": unknown.iter().collect::<String>() }).to_string(),
    )
    .await;
    let id = issued["token"]["id"].as_str().unwrap();
    house
        .call("POST", &format!("/v1/tokens/{id}/revoke"), Value::Null)
        .await;
    let revoked = asked(&house, &json!({ "token": reader }).to_string()).await;

    assert_eq!(valid.json()["code"], "valid");
    assert_eq!(valid.json()["token"]["id"], id);
    assert_eq!(valid.json()["token"]["owner"], id, "it acts as itself");
    assert_eq!(lacking.json()["missing_scopes"], json!(["audit:read"]));
    assert_eq!(
        malformed.json(),
        json!({ "valid": false, "code": "malformed", "token": null })
    );
    assert_eq!(typo.json()["code"], "malformed", "the checksum finds it");
    assert_eq!(revoked.json()["code"], "revoked");
    assert_eq!(revoked.json()["token"]["id"], id);
}

#[tokio::test]
async fn every_refusal_of_a_body_is_the_same_on_both_ways() {
    let house = House::open().await;
    let many = format!(
        r#"{{"token":"a","scopes":[{}"tokens:read"]}}"#,
        r#""tokens:read","#.repeat(1_000)
    );

    for (body, code) in [
        ("", "json_invalid"),
        ("{", "json_invalid"),
        ("[]", "field_invalid"),
        (r#"{"scopes":[]}"#, "field_missing"),
        (r#"{"token":"a","token":"b"}"#, "json_invalid"),
        (r#"{"token":"a","t\u006fken":"b"}"#, "json_invalid"),
        (r#"{"token":7}"#, "field_invalid"),
        (r#"{"token":"a","admin":true}"#, "field_unknown"),
        (r#"{"token":"a"} x"#, "json_invalid"),
        (r#"{"token":"a","scopes":["tokens:reed"]}"#, "input_invalid"),
        (r#"{"token":"a","address":"here"}"#, "input_invalid"),
        (many.as_str(), "json_too_large"),
        (
            "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
            "json_too_deep",
        ),
    ] {
        let refused = asked(&house, body).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (400, code),
            "{body}"
        );
    }
}

#[tokio::test]
async fn every_refusal_of_an_asker_is_the_same_on_both_ways() {
    let house = House::open().await;
    let issue = json!({ "name": "reader", "scopes": ["tokens:read"] });
    let issued = house.call("POST", "/v1/tokens", issue).await.json();
    let reader = issued["secret"].as_str().unwrap();
    let body = r#"{"token":"a"}"#;

    for (headers, status, code) in [
        (vec![], 401, "credential_missing"),
        (vec![("authorization", "Bearer nonsense")], 401, "token_invalid"),
        (vec![("authorization", "Basic dXNlcjpw")], 401, "token_invalid"),
        (
            vec![("authorization", "a"), ("x-api-key", "b")],
            400,
            "multiple_credentials",
        ),
        (vec![("x-api-key", reader)], 403, "insufficient_scope"),
        (
            vec![
                ("x-api-key", house.admin.as_str()),
                ("content-type", "text/plain"),
            ],
            415,
            "media_type_unsupported",
        ),
        (
            vec![("x-api-key", house.admin.as_str()), ("content-length", "1048577")],
            413,
            "body_too_large",
        ),
    ] {
        let refused = both(&house, |path| {
            let mut request = request("POST", path).body(Full::from(body)).unwrap();
            for (name, value) in &headers {
                request.headers_mut().insert(*name, value.parse().unwrap());
            }
            request
        })
        .await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (status, code),
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_on_both_ways() {
    let house = House::open().await;
    let long = "x".repeat(1024 * 1024);

    let refused = asked(&house, &json!({ "token": long }).to_string()).await;

    assert_eq!(refused.status.as_u16(), 413);
    assert_eq!(refused.headers["connection"], "close");
}

#[tokio::test]
async fn answers_of_all_ways_are_counted_together() {
    let house = House::open().await;
    for _ in 0..3 {
        asked(&house, r#"{"token":"a"}"#).await;
    }

    let figures = house.call("GET", "/metrics", Value::Null).await.body;

    let counted = r#"claviger_http_requests_total{method="POST",route="/v1/verify",status="2xx"} 9"#;
    assert!(figures.contains(counted), "{figures}");
    assert!(
        figures.contains("claviger_verify_request_duration_seconds_count 6"),
        "{figures}"
    );
    assert!(
        figures.contains(r#"claviger_verify_request_duration_seconds_bucket{le="+Inf"} 6"#),
        "{figures}"
    );
    assert!(
        figures.contains(r#"claviger_verify_decisions_total{code="malformed"} 9"#),
        "{figures}"
    );
}
