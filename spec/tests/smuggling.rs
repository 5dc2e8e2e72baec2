//! No request can hide in another: raw bytes that two parsers could read in two ways (RFC 9112 §11.2).
//!
//! Behind every crafted request of the corpus comes [`HIDDEN`], which a proxy in front would have taken for a body or for part of a
//! field. It bears a request id of its own, which the answer would bear too. So a crafted request must end its connection, or be
//! read in the one way that leaves nothing over. The client never says that it is done: the server must close by itself.

mod corpus;

use std::fmt::Write as _;

use claviger_testkit::TestServer;
use expect_test::expect;
use serde_json::Value;

use crate::raw::{Raw, RawAnswer};
use corpus::{FRAMING, HIDDEN, LINES};

/// A server that loses patience quickly.
async fn impatient() -> TestServer {
    let times = [
        ("limits.idle", "300ms"),
        ("limits.header_time", "300ms"),
        ("limits.body_grace", "300ms"),
        ("limits.linger", "100ms"),
    ];
    times
        .into_iter()
        .fold(TestServer::builder(), |builder, (key, time)| {
            builder.setting(key, time)
        })
        .start()
        .await
}

/// All answers until the server closes.
fn answers(server: &TestServer, bytes: &str) -> Vec<RawAnswer> {
    let mut raw = Raw::connect(server);
    raw.send(bytes);
    raw.answers()
}

fn statuses(answers: &[RawAnswer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status).collect()
}

fn answered(server: &TestServer, bytes: &str) -> Vec<u16> {
    statuses(&answers(server, bytes))
}

/// Status and problem code; the protocol's own refusals come without one.
fn told(answer: &RawAnswer) -> String {
    let problem: Option<Value> = serde_json::from_str(&answer.body).ok();
    let code = problem.and_then(|problem| Some(problem.get("code")?.as_str()?.to_owned()));
    format!("{} {}", answer.status, code.unwrap_or_default())
        .trim_end()
        .to_owned()
}

/// True when an answer is one to [`HIDDEN`].
fn came_through(answers: &[RawAnswer]) -> bool {
    answers
        .iter()
        .any(|answer| answer.head.contains("x-request-id: hidden"))
}

/// What the server makes of each request of `corpus`, one a line.
fn table(server: &TestServer, corpus: Vec<(&str, String)>) -> String {
    let mut table = String::new();
    for (name, request) in corpus {
        let answers = answers(server, &format!("{request}{HIDDEN}"));
        let next = if came_through(&answers) {
            ", then the next request"
        } else {
            ""
        };
        let said: Vec<_> = answers.iter().map(told).collect();
        writeln!(table, "{name}: {}{next}", said.join(", ")).unwrap();
    }
    table
}

/// The corpus of framings as calls of `path` with `fields`.
fn framed(path: &str, fields: &str) -> Vec<(&'static str, String)> {
    let head = format!("POST {path} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n{fields}");
    FRAMING
        .iter()
        .map(|(name, framing)| (*name, format!("{head}{framing}")))
        .collect()
}

#[tokio::test]
async fn the_corpus_would_see_a_request_that_comes_through() {
    let server = impatient().await;
    let length = HIDDEN.len();

    for whole in [
        "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n",
        "\r\n\r\nGET /healthz HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST /healthz HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nZZ",
    ] {
        let both = answers(&server, &format!("{whole}{HIDDEN}"));
        assert!(both.len() == 2 && came_through(&both), "{whole:?}: {both:?}");
    }
    let within_a_body = answers(
        &server,
        &format!("POST /healthz HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n{HIDDEN}"),
    );

    assert_eq!(length, 55);
    assert!(
        within_a_body.len() == 1 && !came_through(&within_a_body),
        "a body is no request"
    );
}

#[tokio::test]
async fn a_body_that_can_be_read_in_two_ways_hides_no_request() {
    let server = impatient().await;
    let credential = format!("Authorization: {}\r\n", server.admin().secret());

    let router = table(&server, framed("/v1/deployments", &credential));
    let verify = table(&server, framed("/v1/verify", &credential));

    expect![[r#"
        length, then chunked: 400 json_invalid
        chunked, then length: 400 json_invalid
        chunked, then length of all: 400 json_invalid
        length of nothing, then chunked: 400 json_invalid
        two lengths: 400
        two lengths, the other way: 400
        a list of lengths: 400
        a list of one length: 400
        a length with a sign: 400
        a negative length: 400
        a length in hex: 400
        a length with an underscore: 400
        a length with a space: 400
        a length with a fraction: 400
        a length of 2^64: 400
        a length of 2^64 + 55: 400
        an empty length: 400
        a length with a vertical tab: 400
        a length in other digits: 400
        chunked is not last: 400
        identity: 400
        identity with a length: 400
        an unknown encoding: 400
        gzip alone: 400
        an empty encoding: 400
        chunked in quotes: 400
        chunked in capitals, with a length: 400 json_invalid
        chunked after a tab, with a length: 400 json_invalid
        chunked after a vertical tab: 400
        chunked, then identity, in two fields: 400
        a space before the colon: 400
        a tab before the colon: 400
        an underscore for a hyphen: 400 json_invalid
        a chunk size with a sign: 400 body_incomplete
        a negative chunk size: 400 body_incomplete
        a chunk size with 0x: 400 body_incomplete
        a chunk size above 2^64: 400 body_incomplete
        a chunk size of nothing: 400 body_incomplete
        a chunk size with a bare LF: 400 body_incomplete
        a chunk that ends in a bare LF: 400 body_incomplete
        a chunk without its end: 400 body_incomplete
        a chunk that is longer than its size: 400 body_incomplete
        a bare LF in a chunk extension: 400 body_incomplete
        a bare LF after the last chunk: 400 json_invalid
        a trailer that folds: 400 body_incomplete
        a folded field: 400
        a folded length: 400
        a folded encoding: 400
        a first field that folds: 400
        a bare CR in a value: 400
        a bare CR before the end: 400
        a bare LF between fields: 400 json_invalid
        a bare LF at the end: 400 json_invalid
        a NUL in a value: 400
        a NUL in a name: 400
        no colon: 400
        an empty name: 400
        a space in a name: 400
        an escape in a value: 400
    "#]]
    .assert_eq(&router);
    assert_eq!(verify, router, "the verify door reads no body in another way");
    assert!(!router.contains("the next request"));
    let listed = answers(
        &server,
        &format!("GET /v1/deployments HTTP/1.1\r\nHost: h\r\n{credential}\r\n"),
    );
    assert!(
        listed[0].body.contains(r#""data":[]"#),
        "nothing was done: {}",
        listed[0].body
    );
}

#[tokio::test]
async fn a_body_that_nobody_reads_hides_no_request() {
    let server = impatient().await;

    let unread = table(&server, framed("/v1/deployments", ""));

    expect![[r#"
        length, then chunked: 401 credential_missing
        chunked, then length: 401 credential_missing
        chunked, then length of all: 401 credential_missing
        length of nothing, then chunked: 401 credential_missing
        two lengths: 400
        two lengths, the other way: 400
        a list of lengths: 400
        a list of one length: 400
        a length with a sign: 400
        a negative length: 400
        a length in hex: 400
        a length with an underscore: 400
        a length with a space: 400
        a length with a fraction: 400
        a length of 2^64: 400
        a length of 2^64 + 55: 400
        an empty length: 400
        a length with a vertical tab: 400
        a length in other digits: 400
        chunked is not last: 400
        identity: 400
        identity with a length: 400
        an unknown encoding: 400
        gzip alone: 400
        an empty encoding: 400
        chunked in quotes: 400
        chunked in capitals, with a length: 401 credential_missing
        chunked after a tab, with a length: 401 credential_missing
        chunked after a vertical tab: 400
        chunked, then identity, in two fields: 400
        a space before the colon: 400
        a tab before the colon: 400
        an underscore for a hyphen: 401 credential_missing
        a chunk size with a sign: 401 credential_missing
        a negative chunk size: 401 credential_missing
        a chunk size with 0x: 401 credential_missing
        a chunk size above 2^64: 401 credential_missing
        a chunk size of nothing: 401 credential_missing
        a chunk size with a bare LF: 401 credential_missing
        a chunk that ends in a bare LF: 401 credential_missing
        a chunk without its end: 401 credential_missing
        a chunk that is longer than its size: 401 credential_missing
        a bare LF in a chunk extension: 401 credential_missing
        a bare LF after the last chunk: 401 credential_missing
        a trailer that folds: 401 credential_missing
        a folded field: 400
        a folded length: 400
        a folded encoding: 400
        a first field that folds: 400
        a bare CR in a value: 400
        a bare CR before the end: 400
        a bare LF between fields: 401 credential_missing
        a bare LF at the end: 401 credential_missing
        a NUL in a value: 400
        a NUL in a name: 400
        no colon: 400
        an empty name: 400
        a space in a name: 400
        an escape in a value: 400
    "#]]
    .assert_eq(&unread);
    assert!(!unread.contains("the next request"));
}

#[tokio::test]
async fn an_odd_first_line_is_refused_or_read_to_its_end() {
    let server = impatient().await;

    let found = table(
        &server,
        LINES
            .iter()
            .map(|(name, request)| (*name, (*request).to_owned()))
            .collect(),
    );

    expect![[r#"
        no version: 400
        a version before all others: 400
        the older version: 200
        the older version with chunks: 400
        a version that may come: 400
        a version of two digits: 400
        a version of another protocol: 400
        a version in lower case: 400
        two spaces: 400
        a tab: 400
        a space in the target: 400
        a target with a bare LF: 400
        a target with a NUL: 400
        a target without a slash: 404 route_not_found, 404 route_not_found, then the next request
        a method with a colon: 400
        a method that is empty: 400
        a space before the method: 400
        lines that end in a bare LF: 200
        nothing but spaces: 400
        TLS: 400
    "#]]
    .assert_eq(&found);
}

#[tokio::test]
async fn a_request_names_exactly_one_host() {
    let server = impatient().await;
    let requests = [
        ("one", "HTTP/1.1\r\nHost: h\r\n"),
        ("an empty one", "HTTP/1.1\r\nHost:\r\n"),
        ("none", "HTTP/1.1\r\n"),
        ("two", "HTTP/1.1\r\nHost: h\r\nHost: i\r\n"),
        ("the same twice", "HTTP/1.1\r\nHost: h\r\nHost: h\r\n"),
        ("none in the older version", "HTTP/1.0\r\n"),
        ("two in the older version", "HTTP/1.0\r\nHost: h\r\nHost: i\r\n"),
    ];

    for route in ["GET /v1/tokens", "POST /v1/verify", "GET /nowhere"] {
        let mut found = String::new();
        for (name, head) in requests {
            let answers = answers(&server, &format!("{route} {head}Content-Length: 0\r\n\r\n"));
            writeln!(found, "{name}: {}", told(&answers[0])).unwrap();
        }

        let unless_refused = match route {
            "GET /nowhere" => "404 route_not_found",
            _ => "401 credential_missing",
        };
        assert_eq!(
            found.replace(unless_refused, "answered"),
            "one: answered\nan empty one: answered\nnone: 400 host_invalid\ntwo: 400 host_invalid\n\
             the same twice: 400 host_invalid\nnone in the older version: answered\n\
             two in the older version: 400 host_invalid\n",
            "{route}"
        );
    }
}

#[tokio::test]
async fn no_header_changes_what_is_asked_for_or_who_asks() {
    let server = impatient().await;
    let secret = server.admin().secret();

    for fields in [
        "X-Original-URL: /healthz",
        "X-Rewrite-URL: /healthz",
        "X-Forwarded-Prefix: /healthz",
        "X-HTTP-Method-Override: HEAD",
        "X-Forwarded-User: admin@example.org",
        "X-Remote-User: admin@example.org",
        "X-Forwarded-For: 127.0.0.1",
        "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Upgrade: TLS/1.2\r\nConnection: Upgrade",
        "Connection: Authorization, X-Api-Key",
    ] {
        let found = answered(
            &server,
            &format!("GET /v1/tokens HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\n"),
        );
        assert_eq!(found, [401], "{fields}");
    }
    // Spellings that some proxies and gateways fold into the header of a credential.
    for name in [
        "X_Api_Key",
        "Authorization_",
        "X-Api-Key-",
        "HTTP_AUTHORIZATION",
        "X-Authorization",
        "Proxy-Authorization",
    ] {
        let found = answered(
            &server,
            &format!("GET /v1/tokens/self HTTP/1.1\r\nHost: h\r\n{name}: {secret}\r\n\r\n"),
        );
        assert_eq!(found, [401], "{name}");
    }
}

#[tokio::test]
async fn a_credential_in_a_trailer_is_none() {
    let server = impatient().await;
    let secret = server.admin().secret();
    let body = r#"{"name":"smuggled","scopes":["tokens:read"]}"#;
    let head = "POST /v1/tokens HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nTrailer: Authorization\r\n\r\n";

    let found = answered(
        &server,
        &format!(
            "{head}{:x}\r\n{body}\r\n0\r\nAuthorization: Bearer {secret}\r\n\r\n",
            body.len()
        ),
    );

    assert_eq!(found, [401]);
}

#[tokio::test]
async fn two_credentials_in_one_field_or_in_two_are_not_one() {
    let server = impatient().await;
    let (first, second) = (server.token().issue().await, server.token().issue().await);
    let (first, second) = (first.secret(), second.secret());

    for (fields, status) in [
        (
            format!("Authorization: Bearer {first}\r\nAuthorization: Bearer {first}"),
            200,
        ),
        (
            format!("Authorization: Bearer {first}\r\nAuthorization: Bearer {second}"),
            400,
        ),
        (format!("X-Api-Key: {first}\r\nX-Api-Key: {second}"), 400),
        (format!("X-Api-Key: {first}\r\nAuthorization: nonsense"), 400),
        (format!("Authorization: Bearer {first}, Bearer {first}"), 401),
        (format!("Authorization: Bearer {first},{second}"), 401),
    ] {
        let found = answered(
            &server,
            &format!("GET /v1/tokens/self HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\n"),
        );
        assert_eq!(found, [status], "{fields}");
    }
}

#[tokio::test]
async fn an_absolute_target_is_its_path() {
    let server = impatient().await;
    let secret = server.admin().secret();

    for target in [
        "http://h/v1/tokens/self",
        "http://elsewhere.example/v1/tokens/self",
        "https://h:1/v1/tokens/self",
    ] {
        let anonymous = answered(&server, &format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n"));
        let admin = answered(
            &server,
            &format!("GET {target} HTTP/1.1\r\nHost: h\r\nAuthorization: {secret}\r\n\r\n"),
        );
        assert_eq!((anonymous, admin), (vec![401], vec![200]), "{target}");
    }
    for line in [
        "OPTIONS *",
        "GET *",
        "CONNECT h:443",
        "GET http://h",
        "get /v1/tokens",
        "GET ?",
    ] {
        let found = answered(
            &server,
            &format!("{line} HTTP/1.1\r\nHost: h\r\nAuthorization: {secret}\r\n\r\n"),
        );
        assert!(
            found.iter().all(|status| (400..500).contains(status)),
            "{line}: {found:?}"
        );
    }
}

#[tokio::test]
async fn a_request_that_comes_byte_by_byte_is_the_same_request() {
    let server = TestServer::start().await;
    let body = r#"{"name":"byte by byte","scopes":["tokens:read"]}"#;
    let (secret, length) = (server.admin().secret(), body.len());
    let head = format!(
        "POST /v1/tokens HTTP/1.1\r\nHost: h\r\nAuthorization: {secret}\r\nContent-Type: application/json\r\n"
    );
    let mut raw = Raw::connect(&server);

    for byte in format!("{head}Content-Length: {length}\r\n\r\n{body}{HIDDEN}").bytes() {
        assert!(raw.send([byte]));
    }

    assert_eq!([raw.answer().status, raw.answer().status], [201, 404]);
}
