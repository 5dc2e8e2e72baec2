//! Deliveries: signed as the standard says, tried on its schedule, given up in the end; no redirect, and an end at 410.

use std::time::Duration;

use claviger_domain::Timestamp;
use claviger_testkit::receiver::{Receiver, Reply};
use claviger_testkit::{TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use super::{DAY, is_signed, only_delivery, send_test, told_now, webhook_to};
use crate::asking::{actions_about, rows, text};

on_both_stores! {
    async fn a_message_is_signed_and_says_what_it_is_about(server: TestServer) {
        let receiver = Receiver::start().await;
        let (_, secret) = webhook_to(server.admin(), &receiver, json!({})).await;
        let token = server.token().name("release pipeline").expires_in_days(90).issue().await;
        token.get("/v1/tokens/self").await.expect_status(200);
        server.clock().advance(DAY * 76);

        server.settle().await;

        let received = receiver.take();
        let message = &received[0];
        assert!(is_signed(message, &secret));
        assert_eq!(message.header("webhook-timestamp"), "1801908000");
        assert_eq!(message.header("content-type"), "application/json");
        assert!(message.header("user-agent").starts_with("Claviger/"));
        assert!(!message.body.contains(token.secret()));
        expect![[r#"{"type":"token.expiring","timestamp":"2027-02-06T10:00:00Z","data":{"token":{"id":"tok_1m81b5h800004","type":"personal","name":"release pipeline","hint":"65A6","owner":"usr_1m81b5h800001","team":null,"service":null,"expires_at":"2027-02-20T10:00:00Z","last_used_at":"2026-11-22T10:00:00Z"},"threshold_days":14}}"#]]
            .assert_eq(&message.body);
    }
}

on_both_stores! {
    async fn two_secrets_sign_for_a_day_after_a_rotation(server: TestServer) {
        let receiver = Receiver::start().await;
        let (webhook, old) = webhook_to(server.admin(), &receiver, json!({})).await;
        let path = format!("/v1/webhooks/{webhook}/rotate-secret");
        let new = server.admin().post(&path, Value::Null).await.expect_status(200).at("/secret");
        assert_ne!(old, new);

        for (hours, signed_by) in [(0, [true, true]), (23, [true, true]), (1, [false, true])] {
            server.clock().advance(Duration::from_secs(hours * 3_600));
            send_test(&server, &webhook).await;
            server.settle().await;
            let received = receiver.take();
            assert_eq!([&old, &new].map(|secret| is_signed(&received[0], secret)), signed_by, "{hours}");
        }
        assert_eq!(
            actions_about(&server, &webhook).await,
            ["webhook.created", "webhook.secret_rotated", "webhook.tested", "webhook.tested", "webhook.tested"]
        );
    }
}

on_both_stores! {
    async fn ten_tries_follow_the_schedule_under_one_id(server: TestServer) {
        let receiver = Receiver::start().await;
        let (webhook, secret) = webhook_to(server.admin(), &receiver, json!({})).await;
        receiver.will(vec![Reply::Status(500); 10]);
        let id = send_test(&server, &webhook).await;
        let mut stamps = Vec::new();

        for wait in [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400] {
            server.settle().await;
            let tried: Timestamp = text(&only_delivery(&server, &webhook).await, "/last_attempt_at").parse().unwrap();
            let next: Timestamp = text(&only_delivery(&server, &webhook).await, "/next_attempt_at").parse().unwrap();
            let waits = next.since(tried);
            let (least, most) = (Duration::from_secs(wait), Duration::from_secs(wait + wait / 10 + 1));
            assert!(waits >= least && waits <= most, "{waits:?} instead of {wait} s");
            server.clock().set(next - Duration::from_micros(1));
            let before = receiver.received().len();
            server.settle().await;
            assert_eq!(receiver.received().len(), before, "not before its time");
            server.clock().set(next);
        }
        server.settle().await;

        let delivery = only_delivery(&server, &webhook).await;
        assert_eq!(
            json!([delivery["state"], delivery["attempts"], delivery["last_status"], delivery["next_attempt_at"]]),
            json!(["failed", 10, 500, null])
        );
        let received = receiver.take();
        assert_eq!(received.len(), 10);
        for message in &received {
            assert_eq!(message.header("webhook-id"), id);
            assert!(is_signed(message, &secret));
            stamps.push(message.header("webhook-timestamp").to_owned());
        }
        stamps.dedup();
        assert_eq!(stamps.len(), 10, "each try bears its own time");
        server.clock().advance(DAY * 3);
        server.settle().await;
        assert!(receiver.take().is_empty());
    }
}

on_both_stores! {
    async fn whatever_failed_may_be_retried_under_its_id(server: TestServer) {
        let receiver = Receiver::start().await;
        let (webhook, _) = webhook_to(server.admin(), &receiver, json!({})).await;
        receiver.will([Reply::Status(503)]);
        let id = send_test(&server, &webhook).await;
        server.settle().await;

        let path = format!("/v1/webhooks/{webhook}/deliveries/{id}/retry");
        server.admin().post(&path, Value::Null).await.expect_status(202);
        server.settle().await;

        assert_eq!(only_delivery(&server, &webhook).await["state"], "delivered");
        let ids: Vec<_> = receiver.take().iter().map(|message| message.header("webhook-id").to_owned()).collect();
        assert_eq!(ids, [id.clone(), id.clone()]);
        assert_eq!(actions_about(&server, &id).await, ["delivery.retried"]);
        let other = server.admin().post("/v1/webhooks", json!({ "url": receiver.url() })).await.at("/webhook/id");
        let elsewhere = format!("/v1/webhooks/{other}/deliveries/{id}/retry");
        server.admin().post(&elsewhere, Value::Null).await.expect_status(404);
    }
}

on_both_stores! {
    async fn a_redirect_is_a_failure_and_is_not_followed(server: TestServer) {
        let (receiver, elsewhere) = (Receiver::start().await, Receiver::start().await);
        let (webhook, _) = webhook_to(server.admin(), &receiver, json!({})).await;
        receiver.will([Reply::Redirect(elsewhere.url().to_owned())]);
        send_test(&server, &webhook).await;

        server.settle().await;

        let delivery = only_delivery(&server, &webhook).await;
        assert_eq!((&delivery["state"], &delivery["last_status"]), (&json!("pending"), &json!(307)));
        assert!(elsewhere.received().is_empty());
    }
}

on_both_stores! {
    async fn a_receiver_that_is_gone_is_told_nothing_more(server: TestServer) {
        let receiver = Receiver::start().await;
        let (webhook, _) = webhook_to(server.admin(), &receiver, json!({})).await;
        let path = format!("/v1/webhooks/{webhook}");
        receiver.will([Reply::Status(410)]);
        send_test(&server, &webhook).await;

        server.settle().await;

        let record = server.admin().get(&path).await.json();
        assert_eq!((&record["enabled"], &record["disabled_reason"]), (&json!(false), &json!("gone")));
        assert_eq!(only_delivery(&server, &webhook).await["state"], "failed");
        assert_eq!(
            actions_about(&server, &webhook).await,
            ["webhook.created", "webhook.tested", "webhook.disabled"]
        );
        let refused = server.admin().post(&format!("{path}/test"), Value::Null).await;
        assert_eq!((refused.status, refused.problem_code().as_deref()), (409, Some("webhook_disabled")));
        receiver.take();
        server.token().name("silent").expires_in_days(7).issue().await;
        server.clock().advance(DAY * 8);
        assert_eq!(told_now(&server, &receiver).await, [""; 0]);

        server.admin().patch(&path, json!({ "enabled": true })).await.expect_status(200);
        send_test(&server, &webhook).await;
        server.settle().await;
        assert_eq!(rows(&server.admin().get(&format!("{path}/deliveries?state=delivered")).await).len(), 1);
    }
}

on_both_stores! {
    async fn one_silent_receiver_does_not_hold_up_another(server: TestServer) {
        let (silent, quick) = (Receiver::start().await, Receiver::start().await);
        let (slow, _) = webhook_to(server.admin(), &silent, json!({})).await;
        let (fast, _) = webhook_to(server.admin(), &quick, json!({})).await;
        silent.will(vec![Reply::Silence; 50]);
        for _ in 0..40 {
            send_test(&server, &slow).await;
        }
        let service = server.service().clone();
        let sending = tokio::spawn(async move { service.settle_outbox().await });
        silent.arrival().await;

        send_test(&server, &fast).await;
        quick.arrival().await;

        sending.abort();
        assert!(silent.received().len() <= 8, "{} tries of one receiver at once", silent.received().len());
    }
}
