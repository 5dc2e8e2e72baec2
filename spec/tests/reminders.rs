//! Reminders: who is told that a token ends, by which way, and that nobody is told twice.

mod answers;
mod calendar;
mod delivery;
mod mail;
mod notices;
mod webhooks;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claviger_testkit::receiver::{Received, Receiver, Reply};
use claviger_testkit::{Caller, TestServer};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::asking::text;

const DAY: Duration = Duration::from_secs(86_400);

/// A webhook that leads to `receiver`: its id and its secret.
async fn webhook_to(caller: &Caller, receiver: &Receiver, more: Value) -> (String, String) {
    let mut body = more;
    body["url"] = receiver.url().into();
    let made = caller.post("/v1/webhooks", body).await;
    made.expect_status(201);
    (made.at("/webhook/id"), made.at("/secret"))
}

/// What happened, in a few words: `token.expiring 14 release pipeline`.
fn told(received: &Received) -> String {
    let body = received.json();
    let days = match body["data"].get("threshold_days") {
        Some(days) => format!(" {days}"),
        None => String::new(),
    };
    format!(
        "{}{days} {}",
        text(&body, "/type"),
        text(&body, "/data/token/name")
    )
}

/// What a receiver was told since the last time.
async fn told_now(server: &TestServer, receiver: &Receiver) -> Vec<String> {
    server.settle().await;
    receiver.take().iter().map(told).collect()
}

/// Whether one of the signatures is of this secret, as Standard Webhooks says: HMAC-SHA256 over `id.timestamp.body`.
fn is_signed(received: &Received, secret: &str) -> bool {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let (id, at) = (
        received.header("webhook-id"),
        received.header("webhook-timestamp"),
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{at}.{}", received.body).as_bytes());
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    received
        .header("webhook-signature")
        .split(' ')
        .any(|signature| signature == expected)
}

/// The only row of a webhook's deliveries.
async fn only_delivery(server: &TestServer, webhook: &str) -> Value {
    let listed = server
        .admin()
        .get(&format!("/v1/webhooks/{webhook}/deliveries"))
        .await;
    let rows = crate::asking::rows(&listed);
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows[0].clone()
}

/// A test event on its way to the webhook.
async fn send_test(server: &TestServer, webhook: &str) -> String {
    let path = format!("/v1/webhooks/{webhook}/test");
    let sent = server.admin().post(&path, json!(null)).await;
    sent.expect_status(202).at("/id")
}

/// One of each change of webhooks and calendar feeds.
pub(crate) async fn every_change(server: &TestServer) {
    let admin = server.admin();
    let receiver = Receiver::start().await;
    let (webhook, _) = webhook_to(admin, &receiver, json!({})).await;
    let path = format!("/v1/webhooks/{webhook}");
    admin
        .patch(&path, json!({ "description": "on call" }))
        .await
        .expect_status(200);
    admin
        .post(&format!("{path}/rotate-secret"), json!(null))
        .await
        .expect_status(200);
    receiver.will([Reply::Status(410)]);
    let delivery = send_test(server, &webhook).await;
    server.settle().await;
    admin
        .patch(&path, json!({ "enabled": true }))
        .await
        .expect_status(200);
    let retried = admin
        .post(&format!("{path}/deliveries/{delivery}/retry"), json!(null))
        .await;
    assert!(retried.status < 300, "{}", retried.text());
    admin.delete(&path).await.expect_status(204);
    let feed = admin.post("/v1/calendar-feeds", json!({ "name": "ends" })).await;
    let feed = format!("/v1/calendar-feeds/{}", feed.expect_status(201).at("/feed/id"));
    let revoked = admin.delete(&feed).await;
    assert!(revoked.status < 300, "{}", revoked.text());
}
