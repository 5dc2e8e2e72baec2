//! `GET /v1/audit/events`: an event for every change, the newest first.

use std::fmt::Write as _;
use std::time::Duration;

use claviger_domain::audit::Action;
use claviger_testkit::{TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use crate::asking::{refusal, rows, text, trimmed, whole_list};

/// One of each change, a minute apart. What is done to peppers counts the tokens of the whole installation.
async fn every_change(server: &TestServer) {
    server.lift_shadow().await;
    let admin = server.admin();
    let minute = || server.clock().advance(Duration::from_secs(60));
    let ci = server
        .token()
        .name("ci bot")
        .scopes(["deployments:write"])
        .issue()
        .await;
    let path = format!("/v1/tokens/{}", ci.id());
    minute();
    admin
        .patch(&path, json!({ "name": "pipeline" }))
        .await
        .expect_status(200);
    minute();
    let ci = server.bearer(
        &admin
            .post(&format!("{path}/regenerate"), Value::Null)
            .await
            .at("/secret"),
    );
    minute();
    ci.post(
        "/v1/deployments",
        json!({ "service": "search", "version": "1.4.2" }),
    )
    .await
    .expect_status(201);
    minute();
    ci.post("/v1/tokens/self/revoke", Value::Null)
        .await
        .expect_status(200);
    minute();
    admin.delete(&path).await.expect_status(204);
    minute();
    admin
        .post("/v1/peppers/rotate", Value::Null)
        .await
        .expect_status(200);
    minute();
    admin
        .post("/v1/peppers/retire", json!({ "revoke_stragglers": true }))
        .await
        .expect_status(200);
}

on_both_stores! {
    async fn every_change_has_its_event(server: TestServer) {
        every_change(&server).await;

        let events = server.admin().get("/v1/audit/events").await;

        events.expect(expect![[r#"
            200 {
              "data": [
                {
                  "seq": 10,
                  "at": "2026-11-22T10:07:00Z",
                  "actor": "usr_1m81b5h800001",
                  "via": "tok_1m81b5h800002",
                  "action": "pepper.retired",
                  "subject": "cb579a82",
                  "detail": {"passwords_forgotten": 0, "pepper": "cb579a82", "revoked": 0},
                  "request_id": "req_n4wyp6w37gmzax8hxw",
                  "address": "127.0.0.1",
                  "hash": "2f2d5047299c1c25fc4f9cce855d1f079e52114c423604052830baf26553d769"
                },
                {
                  "seq": 9,
                  "at": "2026-11-22T10:06:00Z",
                  "actor": "usr_1m81b5h800001",
                  "via": "tok_1m81b5h800002",
                  "action": "pepper.rotated",
                  "subject": "946448ef",
                  "detail": {"pepper": "946448ef", "previous": "cb579a82"},
                  "request_id": "req_n4wyp6eqg4ndhhy6ez",
                  "address": "127.0.0.1",
                  "hash": "3649333e202537a0fdf68f0930d4f0a94cda5c8adc90a8ab2a8c92ef9fbab1fd"
                },
                {
                  "seq": 8,
                  "at": "2026-11-22T10:05:00Z",
                  "actor": "usr_1m81b5h800001",
                  "via": "tok_1m81b5h800002",
                  "action": "token.deleted",
                  "subject": "tok_1m81b5h800003",
                  "detail": {"name": "pipeline", "state": "revoked"},
                  "request_id": "req_n4wypedv79mhjbagy7",
                  "address": "127.0.0.1",
                  "hash": "e3c19844735efcfe4188358c7ebf1d0359b15b95c9e16f0ae92f343b450487cd"
                },
                {
                  "seq": 7,
                  "at": "2026-11-22T10:04:00Z",
                  "actor": "holder:tok_1m81b5h800003",
                  "via": "tok_1m81b5h800003",
                  "action": "token.revoked",
                  "subject": "tok_1m81b5h800003",
                  "detail": {"note": null, "reason": "by_holder"},
                  "request_id": "req_n4wyp7x3dyn8yqv8s5",
                  "address": "127.0.0.1",
                  "hash": "6f9f4e1a214f822391b032339e549020b16f0e5c603f6d47eb6839cfe4d11f90"
                },
                {
                  "seq": 6,
                  "at": "2026-11-22T10:03:00Z",
                  "actor": "usr_1m81b5h800001",
                  "via": "tok_1m81b5h800003",
                  "action": "deployment.reported",
                  "subject": "dep_1m81bb1100000",
                  "detail": {"environment": "production", "result": "succeeded", "service": "search", "version": "1.4.2"},
                  "request_id": "req_n4wyp5t3rk8ckeb8h2",
                  "address": "127.0.0.1",
                  "hash": "bf91bf1025f208694295db98957295c845f66ee76ae3c26d2ae769ec022dc805"
                },
                {
                  "seq": 5,
                  "at": "2026-11-22T10:02:00Z",
                  "actor": "usr_1m81b5h800001",
                  "via": "tok_1m81b5h800002",
                  "action": "token.regenerated",
                  "subject": "tok_1m81b5h800003",
                  "detail": {"hint": "65A6"},
                  "request_id": "req_n4wyp071pawyd70xs5",
                  "address": "127.0.0.1",
                  "hash": "479887ed02cceed3124a045977932aa9e10df95639b9a0535dfb088da026b6b8"
                },
                {
                  "seq": 4,
                  "at": "2026-11-22T10:01:00Z",
                  "actor": "usr_1m81b5h800001",
                  "via": "tok_1m81b5h800002",
                  "action": "token.updated",
                  "subject": "tok_1m81b5h800003",
                  "detail": {"name": {"from": "ci bot", "to": "pipeline"}},
                  "request_id": "req_n4wyp3bbxn91qc1qpd",
                  "address": "127.0.0.1",
                  "hash": "b705b685b1747e8c5ffc1dd9ce57f98045480bfc746ea30472b0ebfab131965c"
                },
                {
                  "seq": 3,
                  "at": "2026-11-22T10:00:00Z",
                  "actor": "usr_1m81b5h800001",
                  "via": "tok_1m81b5h800002",
                  "action": "token.issued",
                  "subject": "tok_1m81b5h800003",
                  "detail": {
                    "expires_at": "2027-02-20T10:00:00Z",
                    "hint": "UqCf",
                    "holder": "usr_1m81b5h800001",
                    "name": "ci bot",
                    "reason": null,
                    "restrictions": null,
                    "roles": [],
                    "scopes": ["deployments:write"],
                    "terms": null,
                    "type": "personal"
                  },
                  "request_id": "req_n4wyp0w8rac7neymhn",
                  "address": "127.0.0.1",
                  "hash": "31955cc2d3ef00cb4a41bdbf792f93f472494bb216b0578efcdc199e9d3b8b66"
                },
                {
                  "seq": 2,
                  "at": "2026-11-22T10:00:00Z",
                  "actor": "operator",
                  "via": null,
                  "action": "token.issued",
                  "subject": "tok_1m81b5h800002",
                  "detail": {
                    "expires_at": null,
                    "hint": "fpde",
                    "holder": "usr_1m81b5h800001",
                    "name": "first administrator",
                    "reason": "made by the operator at the machine",
                    "restrictions": null,
                    "roles": [{"environments": "*", "names": "*", "role": "super-admin", "teams": "*"}],
                    "scopes": [
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
                      "webhooks:write"
                    ],
                    "terms": null,
                    "type": "personal"
                  },
                  "request_id": "setup",
                  "address": null,
                  "hash": "83967fed6fb4f1044d2fe384308e18e393a8515ab71a231b8b776741b6b064b3"
                },
                {
                  "seq": 1,
                  "at": "2026-11-22T10:00:00Z",
                  "actor": "operator",
                  "via": null,
                  "action": "setup.completed",
                  "subject": "usr_1m81b5h800001",
                  "detail": {"organization": "Example", "role": "super_admin"},
                  "request_id": "setup",
                  "address": null,
                  "hash": "f9f25edc7a3662f36bd08ef405faa57069a748a7ce0bb658f63c4b7bbc836fcd"
                }
              ],
              "next_cursor": null
            }"#]]);
        crate::people::every_change(&server).await;
        crate::sessions::every_change(&server).await;
        crate::reminders::every_change(&server).await;
        crate::teams::every_change(&server).await;
        crate::roles::every_change(&server).await;
        crate::policy::changed(&server, json!({ "query_tokens": true })).await.expect_status(200);
        let rotated = server.token().name("rotated").issue().await;
        let path = format!("/v1/tokens/{}/regenerate", rotated.id());
        server.admin().post(&path, json!({ "overlap_seconds": 60 })).await.expect_status(200);
        server.admin().post(&format!("{path}/finish"), Value::Null).await.expect_status(200);
        let events = whole_list(server.admin(), "/v1/audit/events").await;
        let actions: Vec<String> = events.iter().map(|event| text(event, "/action")).collect();
        // `backup` shows the event of a restored store.
        let here = Action::ALL.into_iter().filter(|action| *action != Action::StoreRestored);
        for action in here {
            assert!(actions.iter().any(|found| found == action.as_str()), "{}", action.as_str());
        }
    }
}

on_both_stores! {
    async fn reading_and_refusals_leave_no_event(server: TestServer) {
        let admin = server.admin();
        let before = whole_list(admin, "/v1/audit/events").await;

        for path in ["tokens", "tokens/self", "deployments", "audit/events", "audit/export", "peppers"] {
            admin.get(&format!("/v1/{path}")).await.expect_status(200);
        }
        admin.post("/v1/audit/verify", Value::Null).await.expect_status(200);
        admin.post("/v1/verify", json!({ "token": admin.secret() })).await.expect_status(200);
        admin.post("/v1/tokens", json!({ "name": "x", "scopes": [] })).await.expect_status(400);
        admin.post("/v1/tokens/revoke", json!({ "filter": {}, "dry_run": true })).await.expect_status(200);

        assert_eq!(whole_list(admin, "/v1/audit/events").await, before);
    }
}

on_both_stores! {
    async fn filters_give_their_events(server: TestServer) {
        every_change(&server).await;
        let admin = server.admin();
        let (user, admins_token) = (text(admin.record(), "/owner"), admin.id());
        let mut said = String::new();

        for query in [
            "action=token.issued".to_owned(),
            "action=token.revoked".to_owned(),
            "action=nothing".to_owned(),
            format!("subject={admins_token}"),
            format!("actor={user}"),
            "actor=operator".to_owned(),
            "since=2026-11-22T10:05:00Z".to_owned(),
            "until=2026-11-22T10:01:00Z".to_owned(),
            "since=2026-11-22T10:01:00Z&until=2026-11-22T10:02:00Z".to_owned(),
            format!("actor={user}&action=token.updated"),
        ] {
            let page = admin.get(&format!("/v1/audit/events?{query}")).await;
            let whole: Vec<String> = rows(&page).iter().map(label).collect();
            let shown = query.replace(&user, "USER").replace(admins_token, "TOKEN");
            writeln!(said, "{shown} → {}", whole.join(", ")).unwrap();
            let mut paged = Vec::new();
            let mut cursor = String::new();
            for _ in 0..=whole.len() {
                let page = admin.get(&format!("/v1/audit/events?{query}&limit=1{cursor}")).await;
                paged.extend(rows(&page).iter().map(label));
                match page.json()["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            assert_eq!(paged, whole, "{query} in pages of one");
        }

        expect![[r#"
            action=token.issued → 3 token.issued, 2 token.issued
            action=token.revoked → 7 token.revoked
            action=nothing →
            subject=TOKEN → 2 token.issued
            actor=USER → 10 pepper.retired, 9 pepper.rotated, 8 token.deleted, 6 deployment.reported, 5 token.regenerated, 4 token.updated, 3 token.issued
            actor=operator → 2 token.issued, 1 setup.completed
            since=2026-11-22T10:05:00Z → 10 pepper.retired, 9 pepper.rotated, 8 token.deleted
            until=2026-11-22T10:01:00Z → 3 token.issued, 2 token.issued, 1 setup.completed
            since=2026-11-22T10:01:00Z&until=2026-11-22T10:02:00Z → 4 token.updated
            actor=USER&action=token.updated → 4 token.updated
        "#]].assert_eq(&trimmed(&said));
    }
}

fn label(event: &Value) -> String {
    format!("{} {}", event["seq"], text(event, "/action"))
}

on_both_stores! {
    async fn an_event_names_the_request_and_the_address(server: TestServer) {
        let admin = server.admin().header("x-request-id", "release-42");

        admin.post("/v1/deployments", json!({ "service": "search", "version": "1" })).await.expect_status(201);

        let newest = admin.get("/v1/audit/events?limit=1").await.json();
        assert_eq!(text(&newest, "/data/0/request_id"), "release-42");
        assert_eq!(text(&newest, "/data/0/address"), "127.0.0.1");
        assert_eq!(text(&newest, "/data/0/via"), admin.id());
    }
}

on_both_stores! {
    async fn a_query_is_taken_strictly(server: TestServer) {
        let mut said = String::new();

        for query in ["limit=0", "limit=201", "since=soon", "until=2026-11-22", "actions=x", "cursor=x"] {
            let answer = server.admin().get(&format!("/v1/audit/events?{query}")).await;
            writeln!(said, "{query} → {}", refusal(&answer)).unwrap();
        }

        expect![[r#"
            limit=0 → input_invalid limit limit_out_of_range
            limit=201 → input_invalid limit limit_out_of_range
            since=soon → input_invalid since instant_malformed
            until=2026-11-22 → input_invalid until instant_malformed
            actions=x → field_unknown actions field_unknown
            cursor=x → input_invalid cursor cursor_invalid
        "#]].assert_eq(&said);
    }
}
