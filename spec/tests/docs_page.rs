//! The documentation pages, in a real browser: they show every operation and every problem, and ask no other host for anything.
//!
//! The browser is Debian's `chromium`. It resolves no name, so whatever a page asked for elsewhere would fail, and its own network log
//! says what a page asked for.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use claviger_testkit::TestServer;
use serde_json::Value;

use crate::matrix::OPERATIONS;

/// A page as a browser shows it.
struct Shown {
    /// The document after its scripts ran.
    dom: String,
    /// What the page asked for, beyond itself.
    requests: BTreeSet<String>,
    /// What the page said on the console: faults, and what the content security policy refused.
    console: Vec<String>,
}

/// Opens `url`; `scratch` is a directory of the test's own.
fn browse(url: &str, scratch: &Path) -> Shown {
    let log = scratch.join("browser-log.json");
    let output = Command::new("timeout")
        .args([
            "--signal=KILL",
            "120",
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ])
        .args([
            "--no-first-run",
            "--disable-sync",
            "--disable-extensions",
            "--disable-background-networking",
            "--enable-logging=stderr",
        ])
        .args([
            "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
            "--virtual-time-budget=30000",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", scratch.join("browser").display()))
        .arg(format!("--log-net-log={}", log.display()))
        .arg(url)
        .output()
        .expect("`timeout` can be run");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success(),
        "chromium ended with {} (`apt-get install chromium` when it is missing): {said}",
        output.status
    );
    Shown {
        dom: String::from_utf8(output.stdout).unwrap(),
        requests: requests(&std::fs::read_to_string(&log).unwrap()),
        console: said
            .lines()
            .filter(|line| line.contains(":CONSOLE"))
            .map(str::to_owned)
            .collect(),
    }
}

/// The addresses that a page asked for. The browser's own requests, and the one that a person makes by typing, have no origin.
fn requests(log: &str) -> BTreeSet<String> {
    let events = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line.trim_end_matches(',')).ok());
    let by_a_page = events.filter(|event| {
        event["params"]["initiator"]
            .as_str()
            .is_some_and(|origin| origin.starts_with("http"))
    });
    by_a_page
        .filter_map(|event| event["params"]["url"].as_str().map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn the_page_shows_every_operation_and_asks_no_other_host() {
    let server = TestServer::start().await;
    let document = server.anonymous().get("/openapi.json").await.json();

    let shown = browse(&format!("{}/docs", server.base_url()), server.data_dir());

    for operation in OPERATIONS {
        let described = &document["paths"][operation.path][operation.method.to_lowercase()];
        let id = format!(
            "id=\"operations-{}-{}\"",
            described["tags"][0].as_str().unwrap(),
            described["operationId"].as_str().unwrap()
        );
        assert!(
            shown.dom.contains(&id),
            "{} {} is not on the page ({id})",
            operation.method,
            operation.path
        );
        assert!(
            shown.dom.contains(&format!("data-path=\"{}\"", operation.path)),
            "{}",
            operation.path
        );
        assert!(
            shown.dom.contains(described["summary"].as_str().unwrap()),
            "{}",
            operation.path
        );
    }
    let outside: Vec<_> = shown
        .requests
        .iter()
        .filter(|url| !url.starts_with(&server.base_url()) && !url.starts_with("data:"))
        .collect();
    assert_eq!(outside, Vec::<&String>::new());
    assert!(
        shown
            .requests
            .contains(&format!("{}/openapi.json", server.base_url())),
        "{:?}",
        shown.requests
    );
    assert_eq!(
        shown.console,
        Vec::<String>::new(),
        "its policy lets it work, and it works"
    );
}

#[tokio::test]
async fn the_page_of_problems_explains_each_code_at_its_address() {
    let server = TestServer::start().await;
    let problem = server.anonymous().get("/v1/tokens").await;

    let shown = browse(
        &format!("{}{}", server.base_url(), problem.at("/type")),
        server.data_dir(),
    );

    assert!(
        shown.dom.contains(&format!("id=\"{}\"", problem.at("/code"))),
        "{}",
        shown.dom
    );
    assert!(
        shown
            .requests
            .iter()
            .all(|url| url.starts_with(&server.base_url())),
        "{:?}",
        shown.requests
    );
    assert_eq!(shown.console, Vec::<String>::new());
}

#[tokio::test]
async fn a_page_that_asks_another_host_would_be_seen() {
    let server = TestServer::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let page = "<!DOCTYPE html><link rel=icon href='data:,'><img src='http://elsewhere.example/x.png'><script>console.error('seen')</script>";
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // The request is small, and what it says does not matter.
            let _ = stream.read(&mut [0; 16 * 1024]);
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{page}",
                page.len()
            );
        }
    });

    let shown = browse(&format!("http://{address}/"), server.data_dir());

    assert!(
        shown.requests.contains("http://elsewhere.example/x.png"),
        "{:?}",
        shown.requests
    );
    assert!(
        shown.console.iter().any(|line| line.contains("seen")),
        "{:?}",
        shown.console
    );
}

#[tokio::test]
async fn the_pages_may_run_the_servers_own_scripts_and_nothing_else() {
    let server = TestServer::start().await;

    let moved = server.anonymous().get("/docs").await;
    let page = server.anonymous().get("/docs/").await;
    let problems = server.anonymous().get("/docs/problems").await;

    assert_eq!((moved.status, moved.header("location")), (308, Some("/docs/")));
    for (answer, scripts) in [(&page, "script-src 'self';"), (&problems, "default-src 'none';")] {
        let policy = answer
            .expect_status(200)
            .header("content-security-policy")
            .unwrap();
        assert!(policy.contains(scripts), "{policy}");
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        ] {
            assert!(policy.contains(part), "no {part} in {policy}");
        }
        assert!(
            !policy.contains("unsafe-eval") && !policy.contains("http") && !policy.contains('*'),
            "{policy}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert!(!answer.body.contains("://"), "a page names no other host");
    }
    for script in page.body.split("<script").skip(1) {
        assert!(
            script.starts_with(" src=") && script.contains("></script>"),
            "an inline script: {script}"
        );
    }
}
