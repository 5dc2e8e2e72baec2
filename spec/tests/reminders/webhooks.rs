//! `/v1/webhooks`: create, list, show, update, delete; whose they are, and which addresses they may have.

use std::fmt::Write as _;

use claviger_testkit::receiver::{Receiver, Reply};
use claviger_testkit::{Backend, TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use super::{DAY, send_test, told_now, webhook_to};
use crate::asking::{actions_about, refused_fields, rows, text, trimmed, whole_list};
use crate::crowd::newcomers;
use crate::scan::hex;
use crate::tamper::Database;

on_both_stores! {
    async fn a_webhook_is_made_changed_and_dropped(server: TestServer) {
        let admin = server.admin();

        let made = admin.post("/v1/webhooks", json!({ "url": "https://EXAMPLE.org:443/hooks?key=7" })).await;

        made.expect(expect![[r#"
            201 {
              "webhook": {
                "id": "whk_1m81b5h800003",
                "url": "https://example.org/hooks?key=7",
                "description": "",
                "events": ["token.expiring", "token.expired", "token.refused_after_expiry"],
                "team": null,
                "enabled": true,
                "disabled_at": null,
                "disabled_reason": null,
                "created_at": "2026-11-22T10:00:00Z",
                "created_by": "usr_1m81b5h800001",
                "updated_at": "2026-11-22T10:00:00Z"
              },
              "secret": "whsec_fsIezpzmXk2wwt2JjHFoI4t76r97N3Uhv2ApSW/kLMw="
            }"#]]);
        let id = made.at("/webhook/id");
        let path = format!("/v1/webhooks/{id}");
        assert_eq!(admin.get(&path).await.json(), made.json()["webhook"]);
        let change = json!({ "description": "the pager", "events": ["token.expired"], "enabled": false });
        let changed = admin.patch(&path, change).await.expect_status(200).json();
        assert_eq!(
            json!([changed["events"], changed["enabled"], changed["disabled_reason"], changed["url"]]),
            json!([["token.expired"], false, "requested", "https://example.org/hooks?key=7"])
        );
        admin.delete(&path).await.expect_status(204);
        admin.get(&path).await.expect_status(404);
        assert_eq!(
            actions_about(&server, &id).await,
            ["webhook.created", "webhook.updated", "webhook.deleted"]
        );
        let trail = server.admin().get("/v1/audit/export").await.body;
        assert!(trail.contains("example.org") && !trail.contains("key=7"), "an address may hold a secret");
    }
}

on_both_stores! {
    async fn an_address_that_may_not_be_called_is_refused_with_its_reason(server: TestServer) {
        let mut said = String::new();

        for url in [
            "https://example.org/",
            "http://127.0.0.1:9/",
            "http://example.org/",
            "https://example.org:8443/",
            "https://ada:secret@example.org/",
            "https://10.0.0.1/",
            "https://0x0a000001/",
            "https://[::ffff:169.254.169.254]/",
            "https://[fd00::1]/",
            "https://127.0.0.2/",
            "ftp://example.org/",
            "example.org",
            "",
        ] {
            let answer = server.admin().post("/v1/webhooks", json!({ "url": url })).await;
            let reason = if answer.status == 201 { "taken".to_owned() } else { refused_fields(&answer).join(", ") };
            writeln!(said, "{url} → {reason}").unwrap();
        }

        expect![[r#"
            https://example.org/ → taken
            http://127.0.0.1:9/ → taken
            http://example.org/ → url url_not_https
            https://example.org:8443/ → url url_port_refused
            https://ada:secret@example.org/ → url url_has_credentials
            https://10.0.0.1/ → url url_address_refused
            https://0x0a000001/ → url url_address_refused
            https://[::ffff:169.254.169.254]/ → url url_address_refused
            https://[fd00::1]/ → url url_address_refused
            https://127.0.0.2/ → url url_address_refused
            ftp://example.org/ → url url_malformed
            example.org → url url_malformed
             → url url_malformed
        "#]].assert_eq(&trimmed(&said));
    }
}

on_both_stores! {
    async fn input_that_makes_no_sense_is_refused(server: TestServer) {
        let url = "https://example.org/";
        let mut said = String::new();

        for body in [
            json!({}),
            json!({ "url": url, "events": [] }),
            json!({ "url": url, "events": ["token.expired", "token.born", "webhook.test"] }),
            json!({ "url": url, "team": "payments" }),
            json!({ "url": url, "secret": "whsec_x" }),
            json!({ "url": format!("{url}{}", "x".repeat(2_048)) }),
            json!({ "url": url, "description": "x".repeat(351) }),
        ] {
            let answer = server.admin().post("/v1/webhooks", body).await;
            writeln!(said, "{}", refused_fields(&answer).join(", ")).unwrap();
        }

        expect![[r#"
            url field_missing
            events events_empty
            events[1] event_unknown, events[2] event_unknown
            team id_malformed
            secret field_unknown
            url url_too_long
            description description_too_long
        "#]].assert_eq(&said);
        let unknown = json!({ "url": url, "team": "team_0000000000001" });
        let answer = server.admin().post("/v1/webhooks", unknown).await;
        assert_eq!(answer.problem_code().as_deref(), Some("team_not_found"));
    }
}

on_both_stores! {
    async fn a_teams_webhook_is_its_managers_and_hears_of_its_tokens_alone(mut server: TestServer) {
        let receiver = Receiver::start().await;
        let [ada, eve] = newcomers(&mut server, ["ada@example.org", "eve@example.org"]).await;
        let admin = server.admin();
        let own = admin.post("/v1/teams", json!({ "name": "payments" })).await.at("/id");
        let other = admin.post("/v1/teams", json!({ "name": "search" })).await.at("/id");
        let member = format!("/v1/teams/{own}/members/{}", ada.id);
        admin.put(&member, json!({ "role": "manager" })).await.expect_status(200);
        let service = admin.post("/v1/services", json!({ "name": "checkout", "team": own })).await.at("/id");

        let (id, _) = webhook_to(&ada.caller, &receiver, json!({ "team": own })).await;
        let path = format!("/v1/webhooks/{id}");
        for (caller, read, change) in [(&ada.caller, 200, 200), (&eve.caller, 403, 403), (admin, 200, 200)] {
            assert_eq!(caller.get(&path).await.status, read);
            assert_eq!(caller.patch(&path, json!({ "description": "x" })).await.status, change);
        }
        let url = json!({ "url": receiver.url() });
        assert_eq!(ada.caller.post("/v1/webhooks", url.clone()).await.problem_code().as_deref(), Some("out_of_reach"));
        let elsewhere = json!({ "url": receiver.url(), "team": other });
        assert_eq!(ada.caller.post("/v1/webhooks", elsewhere).await.problem_code().as_deref(), Some("out_of_reach"));
        admin.post("/v1/webhooks", url).await.expect_status(201);
        assert_eq!(rows(&ada.caller.get("/v1/webhooks").await).len(), 1);
        assert_eq!(rows(&admin.get(&format!("/v1/webhooks?team={own}")).await).len(), 1);
        assert_eq!(whole_list(admin, "/v1/webhooks").await.len(), 2);

        admin.delete(&format!("/v1/webhooks/{}", admin.get("/v1/webhooks").await.at("/data/0/id"))).await.expect_status(204);
        let issue = |name: &str, holder: Value| {
            let mut body = json!({ "name": name, "scopes": ["deployments:write"], "expires_in_days": 7 });
            body.as_object_mut().unwrap().extend(holder.as_object().unwrap().clone());
            async move { admin.post("/v1/tokens", body).await.expect_status(201).at("/token/id") }
        };
        issue("of the team", json!({ "type": "team", "team": own })).await;
        issue("of its service", json!({ "type": "service", "service": service })).await;
        issue("of another", json!({ "type": "team", "team": other })).await;
        issue("of nobody", json!({ "type": "global", "reason": "a test" })).await;
        issue("of a person", json!({})).await;
        server.clock().advance(DAY * 7);
        let mut heard = told_now(&server, &receiver).await;
        heard.sort_unstable();
        assert_eq!(heard, ["token.expired of its service", "token.expired of the team"]);
    }
}

on_both_stores! {
    async fn a_dissolved_team_takes_its_webhooks_along(server: TestServer) {
        let receiver = Receiver::start().await;
        let team = server.admin().post("/v1/teams", json!({ "name": "payments" })).await.at("/id");
        let (id, _) = webhook_to(server.admin(), &receiver, json!({ "team": team })).await;
        send_test(&server, &id).await;

        server.admin().delete(&format!("/v1/teams/{team}")).await.expect_status(200);

        server.admin().get(&format!("/v1/webhooks/{id}")).await.expect_status(404);
        assert_eq!(actions_about(&server, &id).await, ["webhook.created", "webhook.tested", "webhook.deleted"]);
    }
}

on_both_stores! {
    async fn there_are_at_most_250_webhooks_and_50_tests_of_one_on_their_way(server: TestServer) {
        let receiver = Receiver::start().await;
        receiver.will(vec![Reply::Silence; 100]);
        let (id, _) = webhook_to(server.admin(), &receiver, json!({})).await;
        let test = format!("/v1/webhooks/{id}/test");
        let mut taken = 0;
        let refused = loop {
            let answer = server.admin().post(&test, Value::Null).await;
            if answer.status != 202 {
                break answer;
            }
            taken += 1;
        };
        assert_eq!((taken, refused.problem_code().as_deref()), (50, Some("webhook_tests_pending")));

        for _ in 1..250 {
            webhook_to(server.admin(), &receiver, json!({})).await;
        }
        let one_more = server.admin().post("/v1/webhooks", json!({ "url": receiver.url() })).await;
        assert_eq!(one_more.problem_code().as_deref(), Some("webhook_limit_reached"));
    }
}

on_both_stores! {
    async fn a_signing_secret_is_sealed_in_the_database_and_shown_once(server: TestServer) {
        server.lift_shadow().await;
        let made = server.admin().post("/v1/webhooks", json!({ "url": "https://example.org/" })).await;
        let secret = made.at("/secret");
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &secret[6..]).unwrap();
        assert_eq!((bytes.len(), &secret[..6]), (32, "whsec_"));

        let stored = Database::of(&server).await.rows("SELECT secret FROM webhook").await[0][0].clone();

        assert!(!stored.contains(&hex(&bytes)) && stored.len() == 2 * (12 + 32 + 16));
        let path = format!("/v1/webhooks/{}", made.at("/webhook/id"));
        for answer in [server.admin().get(&path).await, server.admin().get("/v1/webhooks").await] {
            assert!(!answer.body.contains("whsec_"));
        }
        let trail = server.admin().get("/v1/audit/export").await.body;
        assert!(!trail.contains(&secret));
        assert!(!server.log_lines().iter().any(|line| line.contains(&secret)));
    }
}

#[tokio::test]
async fn an_address_that_is_no_longer_allowed_is_not_called() {
    let receiver = Receiver::start().await;
    for backend in Backend::all() {
        let server = TestServer::builder().backend(backend).start().await;
        let (id, _) = webhook_to(server.admin(), &receiver, json!({})).await;
        // As if it had been taken before the operator changed the configuration.
        let elsewhere = receiver.url().replace("127.0.0.1", "127.0.0.2");
        let sql = format!("UPDATE webhook SET url = '{elsewhere}'");
        Database::of(&server).await.execute(&sql).await;

        send_test(&server, &id).await;
        server.settle().await;

        let delivery = super::only_delivery(&server, &id).await;
        assert_eq!(text(&delivery, "/last_error"), "the address is not allowed");
        assert!(receiver.received().is_empty());
    }
}
