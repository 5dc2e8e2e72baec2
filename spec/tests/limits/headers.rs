//! Headers: how large, how many, how slow.

use std::time::{Duration, Instant};

use claviger_testkit::TestServer;

use crate::raw::Raw;

#[tokio::test]
async fn a_header_list_beyond_16_kib_is_refused() {
    let server = TestServer::start().await;
    let with = |size: usize| {
        format!(
            "GET /healthz HTTP/1.1\r\nhost: x\r\nx-pad: {}\r\nconnection: close\r\n\r\n",
            "a".repeat(size)
        )
    };

    for (size, status) in [(12 * 1024, 200), (17 * 1024, 431), (200 * 1024, 431)] {
        let mut raw = Raw::connect(&server);
        raw.send(with(size));
        let answers = raw.answers();
        assert_eq!(
            answers.first().map(|answer| answer.status),
            Some(status),
            "{size} bytes"
        );
    }
}

#[tokio::test]
async fn a_request_has_at_most_100_fields() {
    let server = TestServer::start().await;
    let with = |fields: usize| {
        let fields: String = (2..fields).map(|place| format!("x-{place}: y\r\n")).collect();
        format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{fields}connection: close\r\n\r\n")
    };

    for (fields, status) in [(100, 200), (101, 431)] {
        let mut raw = Raw::connect(&server);
        raw.send(with(fields));
        assert_eq!(
            raw.answers().first().map(|answer| answer.status),
            Some(status),
            "{fields} fields"
        );
    }
}

#[tokio::test]
async fn a_header_that_does_not_end_ends_the_connection() {
    let server = TestServer::builder()
        .setting("limits.header_time", "200ms")
        .start()
        .await;

    for beginning in [
        "",
        "G",
        "GET /healthz HTTP/1.1\r\n",
        "GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow",
        "POST /v1/verify HTTP/1.1\r\nhost: x\r\naccept",
    ] {
        let mut raw = Raw::connect(&server);
        raw.send(beginning);
        let began = Instant::now();

        let answers = raw.answers();

        assert!(
            answers.iter().all(|answer| answer.status == 408),
            "{beginning:?}: {answers:?}"
        );
        assert!(
            began.elapsed() >= Duration::from_millis(150),
            "{beginning:?} was cut after {:?}",
            began.elapsed()
        );
    }
}

#[tokio::test]
async fn one_byte_now_and_then_keeps_no_connection() {
    let server = TestServer::builder()
        .setting("limits.header_time", "300ms")
        .start()
        .await;

    for request in [
        "GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ",
        "POST /v1/verify HTTP/1.1\r\nhost: x\r\naccept: ",
    ] {
        let mut raw = Raw::connect(&server);
        let began = Instant::now();

        let mut taken = true;
        for byte in request.bytes().chain(std::iter::repeat_n(b'y', 1_000)) {
            taken = taken && raw.send([byte]);
            if !taken {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }

        assert!(!taken && began.elapsed() < Duration::from_secs(5), "{request}");
    }
}
