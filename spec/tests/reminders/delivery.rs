//! Deliveries: signed as the standard says, tried on its schedule, given up in the end; no redirect, and an end at 410.

use std::time::Duration;

use claviger_domain::Timestamp;
use claviger_testkit::receiver::{Receiver, Reply};
use claviger_testkit::{TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{DAY, is_signed, only_delivery, send_test, told_now, webhook_to};
use crate::asking::{actions_about, rows, text};
use crate::tamper::Database;

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

on_both_stores! {
    async fn whoever_is_told_much_takes_turns_with_all_others(server: TestServer) {
        let receiver = Receiver::start().await;
        let (busy, _) = webhook_to(server.admin(), &receiver, json!({})).await;
        let (other, _) = webhook_to(server.admin(), &receiver, json!({})).await;
        let database = Database::of(&server).await;
        let its = format!("SELECT id, org_id FROM webhook WHERE url = '{}' ORDER BY id LIMIT 1", receiver.url());
        let number = database.rows(&its).await;
        let (webhook, org) = (&number[0][0], &number[0][1]);
        let backlog = (1..=400).map(|id| {
            format!("({id}, {org}, {webhook}, 'webhook.test', 'pending', 0, 0, 0, '{{\"backlog\":{id}}}')")
        });
        let rows: Vec<String> = backlog.collect();
        let insert = "INSERT INTO delivery (id, org_id, webhook_id, event, state, attempts, created_at, next_attempt_at, message) VALUES";
        send_test(&server, &other).await;
        database.execute("UPDATE delivery SET next_attempt_at = 1000 WHERE state = 'pending'").await;
        database.execute(&format!("{insert} {}", rows.join(", "))).await;

        server.settle().await;

        let order = receiver.received();
        assert_eq!(order.len(), 401, "of {busy} and {other}");
        let place = order.iter().position(|received| !received.body.contains("backlog")).unwrap();
        assert!(place < 32, "in the first turn, though 400 are due for longer: {place}");
    }
}

on_both_stores! {
    async fn an_address_that_was_replaced_meanwhile_is_not_the_one_that_is_gone(server: TestServer) {
        let new = Receiver::start().await;
        let old = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", old.local_addr().unwrap());
        let made = server.admin().post("/v1/webhooks", json!({ "url": url })).await;
        let path = format!("/v1/webhooks/{}", made.expect_status(201).at("/webhook/id"));
        server.admin().post(&format!("{path}/test"), Value::Null).await.expect_status(202);
        let answering = async {
            let (mut connection, _) = old.accept().await.unwrap();
            let mut head = [0; 4_096];
            assert!(connection.read(&mut head).await.unwrap() > 0);
            server.admin().patch(&path, json!({ "url": new.url() })).await.expect_status(200);
            connection.write_all(b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await.unwrap();
        };

        tokio::join!(server.settle(), answering);

        let record = server.admin().get(&path).await.json();
        assert_eq!((&record["enabled"], &record["disabled_reason"]), (&json!(true), &Value::Null));
        server.clock().advance(Duration::from_secs(6));
        server.settle().await;
        assert_eq!(new.received().len(), 1, "it is tried again, at the new one");
    }
}
