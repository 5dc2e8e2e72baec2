//! When a new token ends, and that it never outlives its maker.

use std::time::Duration;

use claviger_testkit::{TestServer, on_both_stores};
use expect_test::expect;
use serde_json::json;

use super::a_token;
use crate::asking::{ALL_SCOPES, refused_fields, text};

on_both_stores! {
    async fn a_token_ends_when_it_was_asked_to(server: TestServer) {
        let admin = server.token().scopes(ALL_SCOPES).never_expires().issue().await;
        let cases = [
            (json!({}), "2027-02-20T10:00:00Z"),
            (json!({ "expires_in_days": 7 }), "2026-11-29T10:00:00Z"),
            (json!({ "expires_in_days": 30 }), "2026-12-22T10:00:00Z"),
            (json!({ "expires_in_days": 60 }), "2027-01-21T10:00:00Z"),
            (json!({ "expires_in_days": 90 }), "2027-02-20T10:00:00Z"),
            (json!({ "expires_at": "2026-11-22T10:00:00.001Z" }), "2026-11-22T10:00:00.001Z"),
            (json!({ "expires_at": "2030-01-01T00:00:00+01:00" }), "2029-12-31T23:00:00Z"),
            (json!({ "expires_at": "2030-01-01T00:00:00.123456Z" }), "2030-01-01T00:00:00.123Z"),
            (json!({ "never_expires": true, "reason": "a test" }), "null"),
        ];

        for (place, (expiry, ends)) in cases.into_iter().enumerate() {
            let mut body = a_token(&format!("ending {place}"));
            body.as_object_mut().unwrap().extend(expiry.as_object().unwrap().clone());

            let answer = admin.post("/v1/tokens", body).await;

            answer.expect_status(201);
            assert_eq!(text(&answer.json(), "/token/expires_at"), ends, "{expiry}");
        }
    }
}

on_both_stores! {
    async fn an_end_that_makes_no_sense_is_refused(server: TestServer) {
        let admin = server.token().scopes(ALL_SCOPES).never_expires().issue().await;
        let cases = [
            json!({ "expires_in_days": 31 }),
            json!({ "expires_in_days": 0 }),
            json!({ "expires_at": "2026-11-22T10:00:00Z" }),
            json!({ "expires_at": "2026-11-22T10:00:00.000999Z" }),
            json!({ "expires_at": "2020-01-01T00:00:00Z" }),
            json!({ "expires_at": "tomorrow" }),
            json!({ "expires_at": "2027-01-01T00:00:00" }),
            json!({ "expires_at": "9999-01-01T00:00:00Z" }),
            json!({ "expires_in_days": 30, "never_expires": true }),
            json!({ "expires_in_days": 30, "expires_at": "2027-01-01T00:00:00Z" }),
        ];
        let mut said = String::new();

        for expiry in cases {
            let mut body = a_token("ends oddly");
            body.as_object_mut().unwrap().extend(expiry.as_object().unwrap().clone());
            let refused = refused_fields(&admin.post("/v1/tokens", body).await);
            said.push_str(&format!("{expiry} → {}\n", refused.join(", ")));
        }

        expect![[r#"
            {"expires_in_days":31} → expires_in_days expiry_preset_unknown
            {"expires_in_days":0} → expires_in_days expiry_preset_unknown
            {"expires_at":"2026-11-22T10:00:00Z"} → expires_at expiry_in_past
            {"expires_at":"2026-11-22T10:00:00.000999Z"} → expires_at expiry_in_past
            {"expires_at":"2020-01-01T00:00:00Z"} → expires_at expiry_in_past
            {"expires_at":"tomorrow"} → expires_at instant_malformed
            {"expires_at":"2027-01-01T00:00:00"} → expires_at instant_malformed
            {"expires_at":"9999-01-01T00:00:00Z"} → expires_at expiry_too_far
            {"expires_in_days":30,"never_expires":true} → expires_at expiry_ambiguous
            {"expires_at":"2027-01-01T00:00:00Z","expires_in_days":30} → expires_at expiry_ambiguous
        "#]].assert_eq(&said);
    }
}

on_both_stores! {
    async fn a_token_makes_none_that_outlives_it(server: TestServer) {
        let hour = Duration::from_secs(3_600);
        let brief = server.token().scopes(["tokens:write", "deployments:write"]).expires_in(hour).issue().await;
        let ends = text(brief.record(), "/expires_at");
        let with_end = |name: &str, end: &str| {
            let mut body = a_token(name);
            body["expires_at"] = json!(end);
            body
        };

        let longer = brief.post("/v1/tokens", with_end("longer", "2026-11-22T11:00:00.001Z")).await;
        let days = brief
            .post("/v1/tokens", json!({ "name": "days", "scopes": ["deployments:write"], "expires_in_days": 7 }))
            .await;
        let forever = brief
            .post("/v1/tokens", json!({ "name": "forever", "scopes": ["deployments:write"], "never_expires": true, "reason": "a test" }))
            .await;
        let equal = brief.post("/v1/tokens", with_end("equal", &ends)).await;
        let unsaid = brief.post("/v1/tokens", a_token("unsaid")).await;

        longer.expect(expect![[r#"
            400 {
              "type": "/docs/problems#input_invalid",
              "title": "Input invalid",
              "status": 400,
              "code": "input_invalid",
              "detail": "`expires_at`: the calling token ends at `2026-11-22T11:00:00Z`, and nothing that it makes may outlive it",
              "request_id": "req_n4wyp3bbxn91qc1qpd",
              "errors": [
                {
                  "field": "expires_at",
                  "code": "expiry_exceeds_caller",
                  "detail": "the calling token ends at `2026-11-22T11:00:00Z`, and nothing that it makes may outlive it"
                }
              ]
            }"#]]);
        assert_eq!(refused_fields(&days), ["expires_at expiry_exceeds_caller"]);
        assert_eq!(refused_fields(&forever), ["expires_at expiry_exceeds_caller"]);
        equal.expect_status(201);
        assert_eq!(unsaid.at("/token/expires_at"), ends, "the default ends with the caller");
    }
}
