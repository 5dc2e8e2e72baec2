//! D1–D10 and D17–D19: a token from its making to its end.

use std::time::Duration;

use claviger_service::Clock as _;
use claviger_testkit::receiver::Receiver;
use claviger_testkit::{TestServer, on_both_stores};
use serde_json::{Value, json};

use super::{ask, outcome, presented};
use crate::asking::{decision, refused_fields, rows, text};
use crate::scan::Scanner;
use crate::secrets_at_rest::dump;
use crate::tamper::Database;

const DAY: Duration = Duration::from_secs(86_400);

on_both_stores! {
    async fn d1_the_stored_end_is_the_chosen_instant_and_none_is_null(server: TestServer) {
        let admin = server.admin();
        let end = |days: u32| json!(server.clock().now().plus_days(days).to_string());
        let custom = "2027-03-04T05:06:07.089Z";

        for (place, (fields, expected)) in [
            (json!({ "expires_in_days": 7 }), end(7)),
            (json!({ "expires_in_days": 30 }), end(30)),
            (json!({ "expires_in_days": 60 }), end(60)),
            (json!({ "expires_in_days": 90 }), end(90)),
            (json!({ "expires_at": custom }), json!(custom)),
            (json!({ "never_expires": true, "reason": "a test" }), Value::Null),
        ].into_iter().enumerate() {
            let made = ask(admin, &format!("token {place}"), fields).await.expect_status(201).json();
            let id = text(&made, "/token/id");
            assert_eq!(made["token"]["expires_at"], expected);
            assert_eq!(admin.get(&format!("/v1/tokens/{id}")).await.json()["expires_at"], expected);
        }
        let unknown = ask(admin, "another", json!({ "expires_in_days": 31 })).await;
        assert_eq!(refused_fields(&unknown), ["expires_in_days expiry_preset_unknown"]);
    }
}

on_both_stores! {
    async fn d2_a_name_and_a_description_end_at_their_limits_with_the_field_named(server: TestServer) {
        let name = async |length: usize| ask(server.admin(), &"x".repeat(length), json!({})).await;
        let described = async |length: usize| {
            let fields = json!({ "description": "x".repeat(length) });
            ask(server.admin(), &format!("described {length}"), fields).await
        };

        for length in [3, 50, 51, 128] {
            name(length).await.expect_status(201);
        }
        for length in [0, 2, 129] {
            let refused = refused_fields(&name(length).await);
            assert!(refused.len() == 1 && refused[0].starts_with("name "), "{length}: {refused:?}");
        }
        described(350).await.expect_status(201);
        let refused = refused_fields(&described(351).await);
        assert!(refused.len() == 1 && refused[0].starts_with("description "), "{refused:?}");
    }
}

on_both_stores! {
    async fn d3_a_secret_is_shown_by_create_and_regenerate_once_and_is_nowhere_else(server: TestServer) {
        let admin = server.admin();
        let made = ask(admin, "shown once", json!({})).await;
        let (id, first) = (made.at("/token/id"), made.at("/secret"));
        let path = format!("/v1/tokens/{id}");
        let second = admin.post(&format!("{path}/regenerate"), Value::Null).await.at("/secret");
        presented(&server, &first).await;
        presented(&server, &second).await;
        server.flush().await;
        let scanner = Scanner::of([first.as_bytes(), second.as_bytes(), &first.as_bytes()[5..37], &second.as_bytes()[5..37]]);

        for shown in [&path, "/v1/tokens", "/v1/tokens?q=shown", "/v1/audit/events", "/v1/audit/export", "/metrics"] {
            let answer = admin.get(shown).await;
            assert_eq!(scanner.hits(answer.expect_status(200).body.as_bytes()), Vec::<&str>::new(), "{shown}");
        }
        assert_eq!(scanner.hits(server.log_lines().join("\n").as_bytes()), Vec::<&str>::new(), "the log");
        assert_eq!(scanner.hits(&dump(&Database::of(&server).await).await), Vec::<&str>::new(), "the database");
    }
}

/// Makes every insert into a table fail, behind the server's back.
async fn break_inserts(server: &TestServer, table: &str) {
    let database = Database::of(server).await;
    let sql = match &database {
        Database::Sqlite(_) => {
            format!("CREATE TRIGGER fault AFTER INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'injected'); END")
        }
        Database::Postgres(_) => format!(
            "CREATE OR REPLACE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'injected'; END $$; \
             CREATE TRIGGER fault AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION fault()"
        ),
    };
    database.execute(&sql).await;
}

async fn mend_inserts(server: &TestServer, table: &str) {
    let database = Database::of(server).await;
    let sql = match &database {
        Database::Sqlite(_) => "DROP TRIGGER fault".to_owned(),
        Database::Postgres(_) => format!("DROP TRIGGER fault ON {table}"),
    };
    database.execute(&sql).await;
}

on_both_stores! {
    /// A token, what it may do, its place in the feed and its event are one transaction: whichever of them fails, there is no token.
    async fn d4_create_with_permissions_is_one_transaction_an_injected_failure_leaves_no_token(mut server: TestServer) {
        let team = server.admin().post("/v1/teams", json!({ "name": "payments" })).await.at("/id");
        let permissions = json!({
            "roles": [{ "role": "application.trigger", "teams": [team], "environments": "*", "names": "*" }],
            "restrictions": { "teams": [team] },
        });
        let whole = async |server: &TestServer| {
            let database = Database::of(server).await;
            let mut rows = Vec::new();
            for table in ["token", "token_change", "audit_event", "head", "idempotency"] {
                rows.push(database.rows(&format!("SELECT * FROM {table} ORDER BY 1")).await);
            }
            rows
        };
        let admin = server.admin().header("idempotency-key", "one-and-the-same");
        server.flush().await;

        for table in ["token", "token_change", "audit_event", "idempotency"] {
            let before = whole(&server).await;
            break_inserts(&server, table).await;
            let failed = ask(&admin, "half made", permissions.clone()).await;
            assert_eq!(failed.status, 500, "{table}: {}", failed.text());
            assert!(!failed.body.contains("clv") && !failed.body.contains("injected"), "{}", failed.text());
            mend_inserts(&server, table).await;

            assert_eq!(whole(&server).await, before, "a failure at {table} leaves nothing");
            assert_eq!(rows(&server.admin().get("/v1/tokens?q=half").await), Vec::<Value>::new());
        }
        server.restart().await;
        assert_eq!(rows(&server.admin().get("/v1/tokens?q=half").await), Vec::<Value>::new(), "nor does a start find one");
        let made = ask(&admin, "half made", permissions).await;
        assert_eq!(decision(server.admin(), &made.expect_status(201).at("/secret")).await, "valid", "name and key were not used up");
    }
}

on_both_stores! {
    async fn d5_a_row_of_the_list_tells_all_and_the_last_use_moves_forward(server: TestServer) {
        let admin = server.admin();
        let made = ask(admin, "watched", json!({ "description": "of the list" })).await;
        let (id, secret) = (made.at("/token/id"), made.at("/secret"));
        let row = async || {
            let listed = rows(&admin.get("/v1/tokens?q=watched").await);
            listed.into_iter().next().unwrap()
        };

        let fresh = row().await;
        assert_eq!(
            json!([fresh["name"], fresh["description"], fresh["state"], fresh["last_used_at"], fresh["last_used_address"]]),
            json!(["watched", "of the list", "live", null, null])
        );
        assert_eq!(fresh["expires_at"], made.json()["token"]["expires_at"]);
        assert_eq!(fresh["created_by"], admin.record()["owner"]);
        presented(&server, &secret).await;
        let first = row().await;
        server.clock().advance(Duration::from_secs(60));
        presented(&server, &secret).await;
        let second = row().await;
        assert_eq!(text(&first, "/last_used_at"), "2026-11-22T10:00:00Z");
        assert_eq!(text(&second, "/last_used_at"), "2026-11-22T10:01:00Z");
        assert_eq!(text(&second, "/last_used_address"), "127.0.0.1");
        admin.post(&format!("/v1/tokens/{id}/revoke"), Value::Null).await.expect_status(200);
        assert_eq!(text(&row().await, "/state"), "revoked");
        ask(admin, "brief", json!({ "expires_at": "2026-11-22T10:02:00Z" })).await.expect_status(201);
        server.clock().advance(Duration::from_secs(60));
        assert_eq!(text(&rows(&admin.get("/v1/tokens?q=brief").await)[0], "/state"), "expired");
    }
}

on_both_stores! {
    async fn d6_a_change_keeps_the_secret_and_new_permissions_hold_at_the_next_request(server: TestServer) {
        let admin = server.admin();
        let made = ask(admin, "changing", json!({})).await;
        let (path, secret) = (format!("/v1/tokens/{}", made.at("/token/id")), made.at("/secret"));
        let asked = async |action: &str, kind: &str| {
            let body = json!({ "token": secret, "action": action, "resource": { "kind": kind, "name": "search" } });
            admin.post("/v1/verify", body).await.at("/code")
        };
        let change = async |body: Value| {
            admin.patch(&path, body).await.expect_status(200);
        };

        change(json!({ "description": "another" })).await;
        assert_eq!(decision(admin, &secret).await, "valid");
        assert_eq!(asked("write", "deployments").await, "valid");
        assert_eq!(asked("trigger", "applications").await, "not_permitted");
        change(json!({ "scopes": ["deployments:read"], "roles": [{ "role": "application.trigger", "teams": "*", "environments": "*", "names": ["search"] }] })).await;
        assert_eq!(asked("write", "deployments").await, "not_permitted");
        assert_eq!(asked("trigger", "applications").await, "valid");
        change(json!({ "roles": [] })).await;
        assert_eq!(asked("trigger", "applications").await, "not_permitted");
        assert_eq!(presented(&server, &secret).await, 200);
    }
}

on_both_stores! {
    async fn d7_regenerate_always_yields_a_new_secret_and_the_old_one_is_refused_at_once(server: TestServer) {
        for fields in [json!({}), json!({ "never_expires": true, "reason": "a test" })] {
            let made = ask(server.admin(), &format!("turning {}", fields.as_object().unwrap().len()), fields).await;
            let path = format!("/v1/tokens/{}/regenerate", made.at("/token/id"));
            let mut old = made.at("/secret");
            for _ in 0..3 {
                let again = server.admin().post(&path, Value::Null).await;
                let new = again.expect_status(200).at("/secret");
                assert_eq!(again.json()["token"]["expires_at"], made.json()["token"]["expires_at"], "the end stays");
                assert_ne!(new, old);
                assert_eq!((presented(&server, &old).await, presented(&server, &new).await), (401, 200));
                old = new;
            }
        }
    }
}

on_both_stores! {
    async fn d8_what_is_ended_and_deleted_is_gone_and_its_name_revives_no_secret(server: TestServer) {
        let admin = server.admin();
        let made = ask(admin, "phoenix", json!({})).await;
        let (path, old) = (format!("/v1/tokens/{}", made.at("/token/id")), made.at("/secret"));

        admin.post(&format!("{path}/revoke"), Value::Null).await.expect_status(200);
        assert_eq!(presented(&server, &old).await, 401);
        admin.delete(&path).await.expect_status(204);
        assert_eq!(presented(&server, &old).await, 401);
        assert_eq!(outcome(&admin.delete(&path).await), (404, "token_not_found".to_owned()));
        let again = ask(admin, "phoenix", json!({})).await;
        again.expect_status(201);

        assert_ne!(again.at("/secret"), old);
        assert_eq!((presented(&server, &old).await, presented(&server, &again.at("/secret")).await), (401, 200));
    }
}

on_both_stores! {
    async fn d9_an_expired_token_is_refused_without_a_reason_and_stays_listed_as_expired(server: TestServer) {
        let admin = server.admin();
        let made = ask(admin, "past its time", json!({ "expires_in_days": 7 })).await;
        server.clock().advance(DAY * 7);

        let refused = server.bearer(&made.at("/secret")).get("/v1/tokens/self").await;

        let never = server.bearer(&crate::asking::unknown_token()).get("/v1/tokens/self").await;
        assert_eq!(outcome(&refused), (401, "token_invalid".to_owned()));
        assert_eq!(refused.at("/detail"), never.at("/detail"), "outside it looks like one that never was");
        assert_eq!(decision(admin, &made.at("/secret")).await, "expired", "its own organization knows");
        let listed = rows(&admin.get("/v1/tokens?state=expired").await);
        assert_eq!((listed.len(), text(&listed[0], "/name").as_str()), (1, "past its time"));
    }
}

on_both_stores! {
    async fn d10_a_name_in_use_is_a_conflict_and_of_two_at_once_one_wins(server: TestServer) {
        let admin = server.admin();
        ask(admin, "taken", json!({})).await.expect_status(201);
        assert_eq!(outcome(&ask(admin, "Taken", json!({})).await), (409, "token_name_taken".to_owned()));

        for round in 0..10 {
            let name = format!("wanted {round}");
            let (one, other) = tokio::join!(ask(admin, &name, json!({})), ask(admin, &name, json!({})));
            let mut statuses = [one.status, other.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [201, 409]);
        }
    }
}

on_both_stores! {
    async fn d17_an_update_without_an_end_keeps_it_and_a_new_token_without_one_gets_the_policy_s(server: TestServer) {
        let admin = server.admin();
        crate::policy::changed(&server, json!({ "personal": { "default_days": 45 } })).await.expect_status(200);
        let by_default = ask(admin, "by default", json!({})).await;
        let chosen = ask(admin, "chosen", json!({ "expires_in_days": 7 })).await;

        assert_eq!(by_default.at("/token/expires_at"), server.clock().now().plus_days(45).to_string());
        for made in [by_default, chosen] {
            let path = format!("/v1/tokens/{}", made.at("/token/id"));
            let changed = admin.patch(&path, json!({ "description": "later" })).await;
            assert_eq!(changed.expect_status(200).at("/token/expires_at"), made.at("/token/expires_at"));
        }
    }
}

on_both_stores! {
    async fn d18_an_end_in_the_past_or_above_the_maximum_is_refused_with_the_field(server: TestServer) {
        let admin = server.admin();
        crate::policy::changed(&server, json!({ "personal": { "max_days": 120, "never_allowed": false } })).await.expect_status(200);
        let end = |days: u32| server.clock().now().plus_days(days).to_string();
        let ask_for = async |end: &str| ask(admin, &format!("until {end}"), json!({ "expires_at": end })).await;

        assert_eq!(refused_fields(&ask_for("2026-11-22T09:59:59Z").await), ["expires_at expiry_in_past"]);
        assert_eq!(refused_fields(&ask_for("2026-11-22T10:00:00Z").await), ["expires_at expiry_in_past"]);
        ask_for(&end(120)).await.expect_status(201);
        assert_eq!(refused_fields(&ask_for(&end(121)).await), ["expires_at expiry_exceeds_policy"]);
        assert_eq!(refused_fields(&ask_for("2226-11-22T10:00:00Z").await).len(), 1);
    }
}

on_both_stores! {
    async fn d19_the_end_is_told_seven_days_and_one_day_before_and_at_it_once_each(server: TestServer) {
        let receiver = Receiver::start().await;
        server.admin().post("/v1/webhooks", json!({ "url": receiver.url() })).await.expect_status(201);
        ask(server.admin(), "ending", json!({ "expires_in_days": 30 })).await.expect_status(201);
        let mut told = Vec::new();

        // Twice a day: each is told once, however often somebody looks.
        for half in 1..=80 {
            server.clock().advance(DAY / 2);
            server.settle().await;
            for message in receiver.take() {
                let body = message.json();
                told.push((half, text(&body, "/type"), body["data"]["threshold_days"].clone()));
            }
        }

        let ours: Vec<_> = told.into_iter().filter(|(_, _, days)| *days != json!(14)).collect();
        assert_eq!(ours, [
            (46, "token.expiring".to_owned(), json!(7)),
            (58, "token.expiring".to_owned(), json!(1)),
            (60, "token.expired".to_owned(), Value::Null),
        ]);
    }
}
