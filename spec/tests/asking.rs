//! Short ways to ask a server what many tests want to know.

use claviger_testkit::{Answer, Caller, TestRandom, TestServer};
use claviger_token::{Prefix, TokenType, generate};
use serde_json::{Value, json};

/// The scopes of the catalogue, in its order.
pub(crate) const ALL_SCOPES: [&str; 19] = [
    "tokens:read",
    "tokens:write",
    "tokens:verify",
    "deployments:read",
    "deployments:write",
    "audit:read",
    "system:write",
    "teams:read",
    "teams:write",
    "services:read",
    "services:write",
    "environments:read",
    "environments:write",
    "users:read",
    "users:write",
    "roles:read",
    "roles:write",
    "webhooks:read",
    "webhooks:write",
];

/// A well-formed token that nobody issued.
pub(crate) fn unknown_token() -> String {
    let secret = generate(&Prefix::default(), TokenType::Personal, &TestRandom::new(0xdead)).unwrap();
    secret.expose().to_owned()
}

/// What `POST /v1/verify` says of `secret`.
pub(crate) async fn decision(caller: &Caller, secret: &str) -> String {
    text(&verified(caller, secret).await, "/code")
}

/// The whole decision about `secret`.
pub(crate) async fn verified(caller: &Caller, secret: &str) -> Value {
    let answer = caller.post("/v1/verify", json!({ "token": secret })).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// What each door says of `secret`: the verify call, and the three ways to present a credential.
pub(crate) async fn at_every_door(server: &TestServer, secret: &str) -> Vec<(&'static str, String)> {
    let said = decision(server.admin(), secret).await;
    let mut doors = vec![("verify", said)];
    let headers = [
        ("bearer", "authorization", format!("Bearer {secret}")),
        ("raw", "authorization", secret.to_owned()),
        ("x-api-key", "x-api-key", secret.to_owned()),
    ];
    for (door, header, value) in headers {
        let answer = server
            .anonymous()
            .header(header, &value)
            .get("/v1/tokens/self")
            .await;
        doors.push((door, answer.status.to_string()));
    }
    doors
}

/// The doors of a token that is refused everywhere, for `reason`.
pub(crate) fn refused_everywhere(reason: &str) -> Vec<(&'static str, String)> {
    let refused = || "401".to_owned();
    vec![
        ("verify", reason.to_owned()),
        ("bearer", refused()),
        ("raw", refused()),
        ("x-api-key", refused()),
    ]
}

/// The doors of a token that is accepted everywhere.
pub(crate) fn accepted_everywhere() -> Vec<(&'static str, String)> {
    let accepted = || "200".to_owned();
    vec![
        ("verify", "valid".to_owned()),
        ("bearer", accepted()),
        ("raw", accepted()),
        ("x-api-key", accepted()),
    ]
}

/// The text at a JSON pointer.
pub(crate) fn text(value: &Value, pointer: &str) -> String {
    let found = value
        .pointer(pointer)
        .unwrap_or_else(|| panic!("no `{pointer}` in {value}"));
    found.as_str().map_or_else(|| found.to_string(), str::to_owned)
}

/// The number at a JSON pointer.
pub(crate) fn number(value: &Value, pointer: &str) -> u64 {
    value
        .pointer(pointer)
        .and_then(Value::as_u64)
        .unwrap_or_else(|| panic!("no number `{pointer}` in {value}"))
}

/// The names of a page's rows, in their order.
pub(crate) fn names(answer: &Answer) -> Vec<String> {
    rows(answer).iter().map(|row| text(row, "/name")).collect()
}

/// The rows of a page.
pub(crate) fn rows(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["data"].as_array().expect("a page has rows").clone()
}

/// Every row of a list, read to its end in pages of 200. `path` may have a query.
pub(crate) async fn whole_list(caller: &Caller, path: &str) -> Vec<Value> {
    let mark = if path.contains('?') { '&' } else { '?' };
    let mut found = Vec::new();
    let mut cursor = String::new();
    // No list of a test is longer.
    for _ in 0..1_000 {
        let page = caller.get(&format!("{path}{mark}limit=200{cursor}")).await;
        found.extend(rows(&page));
        match page.json()["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
    panic!("the list of `{path}` does not end");
}

/// The audit events about `subject`, oldest first, as `action`.
pub(crate) async fn actions_about(server: &TestServer, subject: &str) -> Vec<String> {
    let mut events = whole_list(server.admin(), &format!("/v1/audit/events?subject={subject}")).await;
    events.reverse();
    events.iter().map(|event| text(event, "/action")).collect()
}

/// The refused fields of an `input` problem as `field code`.
pub(crate) fn refused_fields(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 400, "{}", answer.text());
    let problem = answer.json();
    let errors = problem["errors"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    errors
        .iter()
        .map(|error| format!("{} {}", text(error, "/field"), text(error, "/code")))
        .collect()
}

/// What a refused call is told: the code, and the refused fields.
pub(crate) fn refusal(answer: &Answer) -> String {
    let code = answer.problem_code().unwrap_or_default();
    format!("{code} {}", refused_fields(answer).join(", "))
}

/// A table without the spaces at the ends of its lines, as it stands in a test.
pub(crate) fn trimmed(table: &str) -> String {
    table
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}
