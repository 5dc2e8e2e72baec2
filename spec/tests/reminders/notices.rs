//! What is noticed of a token's end: each threshold once, the nearest one only, across restarts.

use claviger_testkit::receiver::{Receiver, Reply};
use claviger_testkit::{TestServer, on_both_stores};
use serde_json::{Value, json};

use super::{DAY, told, told_now, webhook_to};
use crate::asking::decision;
use crate::tamper::Database;

on_both_stores! {
    async fn every_threshold_is_told_once_on_its_day(mut server: TestServer) {
        let receiver = Receiver::start().await;
        webhook_to(server.admin(), &receiver, json!({})).await;
        server.token().name("release pipeline").expires_in_days(90).issue().await;
        let mut heard = Vec::new();

        for day in 1..=120 {
            server.clock().advance(DAY);
            if day % 15 == 0 {
                server.restart().await;
            }
            for said in told_now(&server, &receiver).await {
                heard.push(format!("day {day}: {said}"));
            }
        }

        assert_eq!(heard, [
            "day 30: token.expiring 60 release pipeline",
            "day 60: token.expiring 30 release pipeline",
            "day 76: token.expiring 14 release pipeline",
            "day 83: token.expiring 7 release pipeline",
            "day 89: token.expiring 1 release pipeline",
            "day 90: token.expired release pipeline",
        ]);
    }
}

on_both_stores! {
    async fn after_a_long_absence_only_the_nearest_threshold_is_told(server: TestServer) {
        let receiver = Receiver::start().await;
        webhook_to(server.admin(), &receiver, json!({})).await;
        server.token().name("away").expires_in_days(90).issue().await;

        server.clock().advance(DAY * 80);
        assert_eq!(told_now(&server, &receiver).await, ["token.expiring 14 away"]);

        server.clock().advance(DAY * 30);
        assert_eq!(told_now(&server, &receiver).await, ["token.expired away"]);
        assert!(told_now(&server, &receiver).await.is_empty());
    }
}

on_both_stores! {
    async fn a_threshold_that_a_token_did_not_live_to_see_is_none(server: TestServer) {
        let receiver = Receiver::start().await;
        webhook_to(server.admin(), &receiver, json!({})).await;
        server.token().name("a month").expires_in_days(30).issue().await;
        server.token().name("an hour").expires_in(DAY / 24).issue().await;

        assert!(told_now(&server, &receiver).await.is_empty());
        server.clock().advance(DAY / 24);
        assert_eq!(told_now(&server, &receiver).await, ["token.expired an hour"]);
        server.clock().advance(DAY * 16);
        assert_eq!(told_now(&server, &receiver).await, ["token.expiring 14 a month"]);
    }
}

on_both_stores! {
    async fn a_changed_end_starts_anew_and_a_revoked_token_is_silent(server: TestServer) {
        let receiver = Receiver::start().await;
        webhook_to(server.admin(), &receiver, json!({})).await;
        let moved = server.token().name("moved").expires_in_days(90).issue().await;
        let revoked = server.token().name("revoked").expires_in_days(90).issue().await;
        let path = format!("/v1/tokens/{}", moved.id());

        server.clock().advance(DAY * 30);
        assert_eq!(told_now(&server, &receiver).await.len(), 2);
        server.admin().post(&format!("/v1/tokens/{}/revoke", revoked.id()), Value::Null).await.expect_status(200);
        server.admin().patch(&path, json!({ "expires_at": "2027-03-22T10:00:00Z" })).await.expect_status(200);
        server.clock().advance(DAY * 29);
        assert!(told_now(&server, &receiver).await.is_empty());

        server.clock().advance(DAY);
        assert_eq!(told_now(&server, &receiver).await, ["token.expiring 60 moved"]);
        server.clock().advance(DAY * 60);
        assert_eq!(told_now(&server, &receiver).await, ["token.expired moved"]);
    }
}

on_both_stores! {
    async fn an_end_that_is_moved_past_thresholds_is_told_by_the_nearest_at_once_and_once(mut server: TestServer) {
        let receiver = Receiver::start().await;
        webhook_to(server.admin(), &receiver, json!({})).await;
        let token = server.token().name("moved").expires_in_days(90).issue().await;
        let path = format!("/v1/tokens/{}", token.id());
        let move_to = async |server: &TestServer, end: &str| {
            server.admin().patch(&path, json!({ "expires_at": end })).await.expect_status(200);
        };

        move_to(&server, "2027-01-30T10:00:00Z").await;
        assert!(told_now(&server, &receiver).await.is_empty(), "further than every threshold");
        move_to(&server, "2026-12-02T10:00:00Z").await;
        assert_eq!(told_now(&server, &receiver).await, ["token.expiring 14 moved"]);
        server.restart().await;
        assert!(told_now(&server, &receiver).await.is_empty());
        move_to(&server, "2026-12-04T10:00:00Z").await;
        assert!(told_now(&server, &receiver).await.is_empty(), "later is no news");

        server.clock().advance(DAY * 5);
        assert_eq!(told_now(&server, &receiver).await, ["token.expiring 7 moved"]);
        move_to(&server, "2026-11-27T22:00:00Z").await;
        assert_eq!(told_now(&server, &receiver).await, ["token.expiring 1 moved"]);
        server.clock().advance(DAY);
        assert_eq!(told_now(&server, &receiver).await, ["token.expired moved"]);
    }
}

on_both_stores! {
    async fn a_regeneration_that_moves_the_end_nearer_is_told_of_as_any_other_move(server: TestServer) {
        let receiver = Receiver::start().await;
        webhook_to(server.admin(), &receiver, json!({})).await;
        let token = server.token().name("moved").expires_in_days(90).issue().await;
        let path = format!("/v1/tokens/{}/regenerate", token.id());

        server.admin().post(&path, json!({ "expires_at": "2027-01-30T10:00:00Z" })).await.expect_status(200);
        assert!(told_now(&server, &receiver).await.is_empty(), "further than every threshold");
        server.admin().post(&path, json!({ "expires_at": "2026-12-02T10:00:00Z" })).await.expect_status(200);
        assert_eq!(told_now(&server, &receiver).await, ["token.expiring 14 moved"]);
        server.admin().post(&path, Value::Null).await.expect_status(200);
        assert!(told_now(&server, &receiver).await.is_empty(), "the end stays");
    }
}

on_both_stores! {
    async fn a_refused_token_is_told_of_before_all_ends_are_noticed(server: TestServer) {
        let receivers = [Receiver::start().await, Receiver::start().await, Receiver::start().await];
        for receiver in &receivers {
            webhook_to(server.admin(), receiver, json!({})).await;
        }
        let refused = server.token().name("refused").expires_in(DAY).issue().await;
        server.clock().advance(DAY);
        server.settle().await;
        for number in 0..120 {
            server.token().name(&format!("token {number}")).expires_in_days(30).issue().await;
        }
        server.clock().advance(DAY * 16);
        refused.get("/v1/tokens/self").await.expect_status(401);
        let database = Database::of(&server).await;
        database.execute("DELETE FROM delivery").await;

        server.settle().await;

        let made = database.rows("SELECT event FROM delivery ORDER BY id").await;
        assert_eq!(made.len(), 3 * 121);
        let place = made.iter().position(|row| row[0] == "token.refused_after_expiry").unwrap();
        assert!(place <= 210, "behind one transaction of bounded size, and not behind all: {place}");
    }
}

on_both_stores! {
    async fn a_clock_that_jumped_and_came_back_costs_no_reminder_and_repeats_none(server: TestServer) {
        let receiver = Receiver::start().await;
        webhook_to(server.admin(), &receiver, json!({})).await;
        server.token().name("before").expires_in_days(90).issue().await;
        let now: claviger_domain::Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();

        server.clock().set(now.plus_days(31));
        assert_eq!(told_now(&server, &receiver).await, ["token.expiring 60 before"]);
        server.clock().set(now);
        assert!(told_now(&server, &receiver).await.is_empty());
        server.token().name("after").expires_in_days(90).issue().await;

        server.clock().set(now.plus_days(30));
        assert_eq!(told_now(&server, &receiver).await, ["token.expiring 60 after"]);
        server.clock().set(now.plus_days(60));
        let mut both = told_now(&server, &receiver).await;
        both.sort_unstable();
        assert_eq!(both, ["token.expiring 30 after", "token.expiring 30 before"]);
    }
}

on_both_stores! {
    async fn the_first_refused_use_after_the_end_is_told_once(mut server: TestServer) {
        let receiver = Receiver::start().await;
        let events = json!({ "events": ["token.refused_after_expiry"] });
        webhook_to(server.admin(), &receiver, events).await;
        let token = server.token().name("forgotten").expires_in_days(7).issue().await;
        let revoked = server.token().name("revoked").expires_in_days(7).issue().await;
        server.admin().post(&format!("/v1/tokens/{}/revoke", revoked.id()), Value::Null).await.expect_status(200);
        server.clock().advance(DAY * 8);
        assert!(told_now(&server, &receiver).await.is_empty());

        for _ in 0..3 {
            token.get("/v1/tokens/self").await.expect_status(401);
            revoked.get("/v1/tokens/self").await.expect_status(401);
            assert_eq!(decision(server.admin(), token.secret()).await, "expired");
        }
        assert_eq!(told_now(&server, &receiver).await, ["token.refused_after_expiry forgotten"]);

        server.restart().await;
        token.get("/v1/tokens/self").await.expect_status(401);
        assert!(told_now(&server, &receiver).await.is_empty(), "told before the restart");
    }
}

on_both_stores! {
    async fn more_tokens_than_one_page_are_all_told_though_they_end_together(server: TestServer) {
        let receiver = Receiver::start().await;
        webhook_to(server.admin(), &receiver, json!({})).await;
        let many = 250;
        for number in 0..many {
            server.token().name(&format!("token {number}")).expires_in_days(30).issue().await;
        }

        server.clock().advance(DAY * 16);
        let mut heard = told_now(&server, &receiver).await;

        heard.sort_unstable();
        heard.dedup();
        assert_eq!(heard.len(), many);
    }
}

on_both_stores! {
    async fn a_server_that_dies_between_sending_and_noting_repeats_under_the_same_id(mut server: TestServer) {
        let receiver = Receiver::start().await;
        webhook_to(server.admin(), &receiver, json!({})).await;
        server.token().name("release pipeline").expires_in_days(90).issue().await;
        server.clock().advance(DAY * 30);
        receiver.will([Reply::Silence]);

        let service = server.service().clone();
        let sending = tokio::spawn(async move { service.settle_outbox().await });
        receiver.arrival().await;
        sending.abort();
        server.restart().await;
        assert!(told_now(&server, &receiver).await.len() == 1, "received, and nobody knows");
        server.clock().advance(DAY / 1_440);
        server.settle().await;
        let again = receiver.take();

        assert_eq!(again.iter().map(told).collect::<Vec<_>>(), ["token.expiring 60 release pipeline"]);
        let listed = crate::reminders::only_delivery(&server, &webhook_of(&server).await).await;
        assert_eq!((listed["state"].as_str(), listed["attempts"].as_u64()), (Some("delivered"), Some(2)));
        assert_eq!(again[0].header("webhook-id"), listed["id"]);
        assert!(told_now(&server, &receiver).await.is_empty());
    }
}

async fn webhook_of(server: &TestServer) -> String {
    server.admin().get("/v1/webhooks").await.at("/data/0/id")
}
