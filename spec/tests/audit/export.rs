//! `GET /v1/audit/export`: the whole trail as lines of JSON, oldest first.

use claviger_testkit::{Caller, TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use crate::asking::{text, verified, whole_list};
use crate::scan::hex;

/// One event.
async fn report(caller: &Caller, version: &str) {
    let body = json!({ "service": "search", "version": version });
    caller.post("/v1/deployments", body).await.expect_status(201);
}

on_both_stores! {
    async fn the_export_holds_every_event_once_oldest_first(server: TestServer) {
        // More than one step of the stream.
        let admin = server.admin();
        for version in 0..1_050 {
            report(admin, &version.to_string()).await;
        }

        let export = admin.get("/v1/audit/export").await;

        assert_eq!(export.header("content-type"), Some("application/x-ndjson"));
        assert!(export.body.ends_with('\n'));
        let lines: Vec<Value> = export.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let places: Vec<u64> = lines.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
        assert_eq!(places, (1..=1_052).collect::<Vec<_>>());
        let mut listed = whole_list(admin, "/v1/audit/events").await;
        listed.reverse();
        assert_eq!(lines, listed, "the same events in the same form");
    }
}

on_both_stores! {
    async fn the_export_is_bounded_by_time(server: TestServer) {
        let admin = server.admin();
        for version in 0..3 {
            server.clock().advance(std::time::Duration::from_secs(60));
            report(admin, &version.to_string()).await;
        }

        let window = admin.get("/v1/audit/export?since=2026-11-22T10:01:00Z&until=2026-11-22T10:03:00Z").await;
        let empty = admin.get("/v1/audit/export?since=2030-01-01T00:00:00Z").await;

        assert_eq!(window.body.lines().count(), 2);
        assert_eq!((empty.status, empty.body.as_str()), (200, ""));
        admin.get("/v1/audit/export?since=soon").await.expect(expect![[r#"
            400 {
              "type": "/docs/problems#input_invalid",
              "title": "Input invalid",
              "status": 400,
              "code": "input_invalid",
              "detail": "`since`: not an RFC 3339 instant such as `2026-11-30T12:00:00Z`",
              "request_id": "req_n4wypedv79mhjbagy7",
              "errors": [
                {
                  "field": "since",
                  "code": "instant_malformed",
                  "detail": "not an RFC 3339 instant such as `2026-11-30T12:00:00Z`"
                }
              ]
            }"#]]);
    }
}

on_both_stores! {
    async fn anyone_can_compute_the_chain_from_an_export(server: TestServer) {
        use claviger_domain::audit::Event;
        use sha2::{Digest as _, Sha256};

        let admin = server.admin();
        report(admin, "1").await;
        let organization = text(&verified(admin, admin.secret()).await, "/token/organization");

        let mut before = vec![0; 32];
        for line in admin.get("/v1/audit/export").await.body.lines() {
            let shown: claviger_api::audit::AuditEvent = serde_json::from_str(line).unwrap();
            let event = Event {
                seq: shown.seq,
                at: shown.at.parse().unwrap(),
                org: organization.parse().unwrap(),
                actor: shown.actor,
                via: shown.via,
                action: shown.action,
                subject: shown.subject,
                detail: shown.detail.to_string(),
                request_id: shown.request_id,
                address: shown.address,
            };
            let link = Sha256::new().chain_update(&before).chain_update(event.canonical_bytes()).finalize();
            before = link.to_vec();
            assert_eq!(hex(&before), shown.hash, "event {}", event.seq);
        }
        let verdict = admin.post("/v1/audit/verify", Value::Null).await.json();
        assert_eq!(verdict["head_hash"], json!(hex(&before)));
    }
}
