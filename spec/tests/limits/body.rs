//! Bodies: their size, their pace, their form.

use std::time::{Duration, Instant};

use claviger_testkit::TestServer;
use reqwest::Method;

use super::{MIB, WITH_BODY, code, head, post};
use crate::raw::Raw;

#[tokio::test]
async fn a_body_of_1_mib_is_taken_and_not_a_byte_more() {
    let server = TestServer::start().await;
    let padded = |body: &str, size: usize| format!("{body}{}", " ".repeat(size - body.len()));

    for (path, body, done) in [
        (
            "/v1/tokens",
            r#"{"name":"at the limit","scopes":["tokens:read"]}"#,
            201,
        ),
        ("/v1/verify", r#"{"token":"x"}"#, 200),
        ("/v1/deployments", r#"{"service":"search","version":"1"}"#, 201),
    ] {
        post(&server, path, &padded(body, MIB)).await.expect_status(done);
        assert_eq!(
            code(&post(&server, path, &padded(body, MIB + 1)).await),
            "413 body_too_large",
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_body_that_announces_a_gibibyte_is_refused_unread() {
    let server = TestServer::start().await;

    for path in WITH_BODY {
        let mut raw = Raw::connect(&server);
        raw.send(format!(
            "{}content-length: 1073741824\r\n\r\n",
            head(&server, path)
        ));

        // Not a byte of the body was sent.
        let answers = raw.answers();

        assert_eq!(answers.len(), 1, "{path}");
        assert_eq!(answers[0].status, 413, "{path}: {}", answers[0].body);
        assert!(
            answers[0].head.contains("connection: close"),
            "{}",
            answers[0].head
        );
    }
}

#[tokio::test]
async fn a_body_without_a_length_is_read_no_further_than_the_limit() {
    let server = TestServer::start().await;

    for path in WITH_BODY {
        let mut raw = Raw::connect(&server);
        raw.send(format!(
            "{}transfer-encoding: chunked\r\n\r\n",
            head(&server, path)
        ));
        let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
        let mut sent = 0;
        while sent < 1024 * MIB && raw.send(&chunk) {
            sent += 0x10000;
        }

        // The kernel's own buffers on both sides take a few mebibytes.
        assert!(sent < 24 * MIB, "{path}: {sent} bytes of a gibibyte were taken");
    }
}

#[tokio::test]
async fn a_body_that_ends_early_is_no_body() {
    let server = TestServer::start().await;

    for path in WITH_BODY {
        let mut raw = Raw::connect(&server);
        raw.send(format!("{}content-length: 100\r\n\r\n{{}}", head(&server, path)));
        raw.finish();

        assert!(raw.answers().iter().all(|answer| answer.status == 400), "{path}");
    }
}

#[tokio::test]
async fn a_body_slower_than_the_rate_is_refused_after_the_grace() {
    let server = TestServer::builder()
        .setting("limits.body_grace", "200ms")
        .start()
        .await;

    for path in WITH_BODY {
        let mut raw = Raw::connect(&server);
        raw.send(format!("{}content-length: 100\r\n\r\n{{", head(&server, path)));
        let began = Instant::now();

        let answers = raw.answers();

        assert_eq!(answers.len(), 1, "{path}");
        assert_eq!(answers[0].status, 408, "{path}: {}", answers[0].body);
        assert!(answers[0].body.contains("body_too_slow"));
        assert!(began.elapsed() >= Duration::from_millis(190));
    }
}

#[tokio::test]
async fn only_json_is_taken() {
    let server = TestServer::start().await;
    for path in WITH_BODY {
        for content_type in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "application/xml",
            "text/json",
        ] {
            let answer = server
                .admin()
                .request_text(Method::POST, path, content_type, "{}")
                .await;
            assert_eq!(
                code(&answer),
                "415 media_type_unsupported",
                "{path} {content_type}"
            );
        }
    }
}

#[tokio::test]
async fn a_compressed_body_is_not_expanded() {
    let server = TestServer::start().await;
    for encoding in ["gzip", "br", "deflate", "zstd"] {
        let caller = server.admin().header("content-encoding", encoding);
        let answer = caller
            .request_text(Method::POST, "/v1/tokens", "application/json", "\u{1f}\u{8b}")
            .await;
        assert!(
            matches!(answer.status, 400 | 415),
            "{encoding}: {}",
            answer.text()
        );
    }
}
