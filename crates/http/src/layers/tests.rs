//! The layers around a small router: every kind of answer leaves with them.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use claviger_domain::authority::Power;
use claviger_domain::owner::Caller;
use claviger_domain::{OrgId, Timestamp, TokenId};
use claviger_token::{RandomSource, RandomUnavailable};
use expect_test::{Expect, expect};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use prometheus_client::registry::Registry;
use tower::ServiceExt;

use super::*;
use crate::clients::ClientRules;
use crate::json::Json;

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

struct Zeros;

impl RandomSource for Zeros {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
        bytes.fill(0);
        Ok(())
    }
}

fn edge(registry: &mut Registry) -> Arc<Edge> {
    Arc::new(Edge {
        ids: RequestIds::new(&Zeros).unwrap(),
        clock: Arc::new(Still),
        metrics: RequestMetrics::register(registry),
        limits: RequestLimits {
            body_bytes: 100,
            ..RequestLimits::default()
        },
        clients: Clients::new(ClientRules::default()),
    })
}

async fn noted(Extension(presented): Extension<Presented>) -> &'static str {
    let now = Timestamp::from_seconds(0);
    let token = TokenId::from_i64(7);
    let caller = Caller {
        by: Means::Token(token),
        owner: token.into(),
        user: None,
        org: OrgId::from_i64(1),
        power: Power::default(),
        expires_at: None,
        terms: Arc::default(),
    };
    presented.note(&caller, Charged::default(), now);
    "noted"
}

fn router() -> (Router, Registry) {
    let mut registry = Registry::default();
    let routes = Router::new()
        .route("/things/{id}", get(noted))
        .route(
            "/panic",
            get(|| async {
                if true {
                    panic!("boom")
                }
            }),
        )
        .route(
            "/slow",
            get(|| async { tokio::time::sleep(Duration::from_secs(31)).await }),
        )
        .route(
            "/echo",
            post(|Json(value): Json<BTreeMap<String, u32>>| async move { Json(value) }),
        )
        .route("/ignore", post(|| async { "never looked" }));
    let edge = edge(&mut registry);
    (wrap(routes, edge), registry)
}

async fn answer(request: Request) -> Response {
    router().0.oneshot(request).await.unwrap()
}

/// Status, headers in alphabetical order, body.
async fn shown(response: Response) -> String {
    let mut lines = vec![response.status().as_u16().to_string()];
    let mut headers: Vec<_> = response
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    headers.sort();
    lines.extend(headers);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    lines.push(String::from_utf8(body.to_vec()).unwrap());
    lines.join("\n")
}

async fn check(request: Request, expected: Expect) {
    expected.assert_eq(&shown(answer(request).await).await);
}

fn request(method: Method, uri: &str, body: impl Into<Body>) -> Request {
    Request::builder()
        .method(method)
        .uri(uri)
        .header("host", "claviger.test")
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap()
}

#[tokio::test]
async fn every_answer_has_an_id_and_the_security_headers() {
    check(
        request(Method::GET, "/things/7", ""),
        expect![[r#"
        200
        cache-control: no-store
        content-length: 5
        content-security-policy: default-src 'none'; frame-ancestors 'none'
        content-type: text/plain; charset=utf-8
        referrer-policy: no-referrer
        x-content-type-options: nosniff
        x-request-id: req_000000000000000000
        noted"#]],
    )
    .await;
}

#[tokio::test]
async fn a_well_formed_id_of_the_client_is_echoed() {
    let mut request = request(Method::GET, "/things/7", "");
    request
        .headers_mut()
        .insert("x-request-id", "mine-1".parse().unwrap());

    assert_eq!(answer(request).await.headers()["x-request-id"], "mine-1");
}

#[tokio::test]
async fn an_unknown_route_is_a_problem() {
    check(request(Method::GET, "/nothing", ""), expect![[r#"
        404
        cache-control: no-store
        content-length: 221
        content-security-policy: default-src 'none'; frame-ancestors 'none'
        content-type: application/problem+json
        referrer-policy: no-referrer
        x-content-type-options: nosniff
        x-request-id: req_000000000000000000
        {"type":"/docs/problems#route_not_found","title":"Route not found","status":404,"code":"route_not_found","detail":"there is nothing at this path; `/openapi.json` lists what there is","request_id":"req_000000000000000000"}"#]]).await;
}

#[tokio::test]
async fn a_wrong_method_is_a_problem_that_lists_the_right_ones() {
    check(request(Method::DELETE, "/things/7", ""), expect![[r#"
        405
        allow: GET,HEAD
        cache-control: no-store
        content-length: 222
        content-security-policy: default-src 'none'; frame-ancestors 'none'
        content-type: application/problem+json
        referrer-policy: no-referrer
        x-content-type-options: nosniff
        x-request-id: req_000000000000000000
        {"type":"/docs/problems#method_not_allowed","title":"Method not allowed","status":405,"code":"method_not_allowed","detail":"this path has other methods; the header `Allow` lists them","request_id":"req_000000000000000000"}"#]]).await;
}

#[tokio::test]
async fn a_credential_in_the_query_is_refused_everywhere() {
    for (uri, status, code) in [
        ("/things/7?token=x", StatusCode::UNAUTHORIZED, "token_invalid"),
        ("/nothing?token=x", StatusCode::UNAUTHORIZED, "token_invalid"),
        (
            "/nothing?access_token=x",
            StatusCode::BAD_REQUEST,
            "token_in_query",
        ),
        ("/panic?api_key=x", StatusCode::BAD_REQUEST, "token_in_query"),
    ] {
        let refused = answer(request(Method::GET, uri, "")).await;
        assert_eq!(refused.status(), status, "{uri}");
        let text = shown(refused).await;
        assert!(text.contains(code), "{text}");
    }
}

#[tokio::test]
async fn a_panic_is_an_internal_problem_that_tells_nothing() {
    let text = shown(answer(request(Method::GET, "/panic", "")).await).await;

    assert!(text.starts_with("500"), "{text}");
    assert!(!text.contains("boom"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_too_long_is_answered_for() {
    let text = shown(answer(request(Method::GET, "/slow", "")).await).await;

    assert!(text.starts_with("503"), "{text}");
    assert!(text.contains("request_timeout"), "{text}");
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_and_the_connection_closed() {
    let body = |bytes: usize| format!("{{{}}}", " ".repeat(bytes - 2));

    assert_eq!(
        answer(request(Method::POST, "/echo", body(100))).await.status(),
        StatusCode::OK
    );
    let too_large = answer(request(Method::POST, "/echo", body(101))).await;

    assert_eq!(too_large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(too_large.headers()["connection"], "close");
}

#[tokio::test]
async fn an_announced_body_above_the_limit_is_refused_unread_even_where_nobody_reads_it() {
    let mut request = request(Method::POST, "/ignore", "short");
    request
        .headers_mut()
        .insert("content-length", "101".parse().unwrap());

    assert_eq!(answer(request).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_body_of_another_type_is_refused() {
    let mut request = request(Method::POST, "/echo", "{}");
    request
        .headers_mut()
        .insert("content-type", "text/plain".parse().unwrap());

    let text = shown(answer(request).await).await;

    assert!(text.starts_with("415"), "{text}");
}

#[tokio::test]
async fn answers_are_counted_by_route_and_class() {
    let (router, registry) = router();
    for uri in ["/things/1", "/things/2", "/nothing/3", "/panic"] {
        let _ = router
            .clone()
            .oneshot(request(Method::GET, uri, ""))
            .await
            .unwrap();
    }
    let _ = router
        .oneshot(request(Method::from_bytes(b"SECRET").unwrap(), "/panic", ""))
        .await
        .unwrap();

    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();

    let mut counted: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("claviger_http_requests_total"))
        .collect();
    counted.sort_unstable();
    expect![[r#"
        claviger_http_requests_total{method="GET",route="/panic",status="5xx"} 1
        claviger_http_requests_total{method="GET",route="/things/{id}",status="2xx"} 2
        claviger_http_requests_total{method="GET",route="unmatched",status="4xx"} 1
        claviger_http_requests_total{method="other",route="/panic",status="4xx"} 1"#]]
    .assert_eq(&counted.join("\n"));
}
