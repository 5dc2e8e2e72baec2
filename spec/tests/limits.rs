//! Every limit of security.md §6 that exists: at it, and one above.
//!
//! The limits stand before the store, so one store is enough. Times are reached with small settings, by waiting for what the server does.

mod body;
mod connections;
mod headers;
mod json_shape;
mod names;

use claviger_testkit::{Answer, TestServer};
use reqwest::Method;

const MIB: usize = 1024 * 1024;
/// The operations that take a body, the fast door among them.
const WITH_BODY: [&str; 4] = ["/v1/tokens", "/v1/verify", "/v1/deployments", "/v1/tokens/revoke"];

async fn post(server: &TestServer, path: &str, body: &str) -> Answer {
    server
        .admin()
        .request_text(Method::POST, path, "application/json", body)
        .await
}

fn code(answer: &Answer) -> String {
    format!("{} {}", answer.status, answer.problem_code().unwrap_or_default())
}

/// The head of a POST by the administrator, without its end.
fn head(server: &TestServer, path: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n",
        server.admin().secret()
    )
}
