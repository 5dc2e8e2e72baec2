//! `GET /v1/tokens`: filters, orders, pages.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use claviger_testkit::{Caller, TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use crate::asking::{decision, names, refusal, refused_fields, rows, text, trimmed};

const HOUR: Duration = Duration::from_secs(3_600);

/// A token called "first administrator" besides these, an hour apart: one of each kind, state and end.
async fn a_mixed_set(server: &TestServer) -> BTreeMap<&'static str, Caller> {
    let mut set = BTreeMap::new();
    let clock = server.clock();
    set.insert(
        "alpha",
        server.token().name("alpha").expires_in(100 * HOUR).issue().await,
    );
    clock.advance(HOUR);
    set.insert(
        "Bravo",
        server.token().name("Bravo").never_expires().issue().await,
    );
    clock.advance(HOUR);
    set.insert(
        "charlie",
        server.token().name("charlie").expires_in(3 * HOUR).issue().await,
    );
    clock.advance(HOUR);
    set.insert(
        "delta",
        server
            .token()
            .name("delta")
            .global()
            .expires_in(200 * HOUR)
            .issue()
            .await,
    );
    clock.advance(HOUR);
    set.insert(
        "echo",
        server.token().name("echo").expires_in(50 * HOUR).issue().await,
    );
    clock.advance(HOUR);
    let admin = server.admin();
    admin
        .post(&format!("/v1/tokens/{}/revoke", set["echo"].id()), Value::Null)
        .await
        .expect_status(200);
    for (used, at) in [("Bravo", 1), ("alpha", 2), ("delta", 3)] {
        clock.advance(HOUR);
        assert_eq!(
            decision(admin, set[used].secret()).await,
            "valid",
            "{used} at {at}"
        );
    }
    // Now it is 18:00: charlie ended at 15:00; Bravo was used at 16:00, alpha at 17:00, delta at 18:00, the others never.
    set
}

on_both_stores! {
    async fn a_row_is_the_record_without_its_secret(server: TestServer) {
        server.token().name("ci bot").issue().await;

        let page = server.admin().get("/v1/tokens?q=ci").await;

        page.expect(expect![[r#"
            200 {
              "data": [
                {
                  "id": "tok_1m81b5h800003",
                  "type": "personal",
                  "name": "ci bot",
                  "description": "",
                  "reason": null,
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
                  "hint": "UqCf",
                  "state": "live",
                  "owner": "usr_1m81b5h800001",
                  "team": null,
                  "service": null,
                  "restrictions": null,
                  "networks": null,
                  "rate_limit": null,
                  "quota": null,
                  "allow_query": false,
                  "created_at": "2026-11-22T10:00:00Z",
                  "created_by": "usr_1m81b5h800001",
                  "updated_at": "2026-11-22T10:00:00Z",
                  "expires_at": "2027-02-20T10:00:00Z",
                  "regenerated_at": null,
                  "previous": null,
                  "last_used_at": null,
                  "last_used_address": null,
                  "last_used_in": null,
                  "revoked_at": null,
                  "revoked_by": null,
                  "revoke_reason": null,
                  "revoke_note": null
                }
              ],
              "next_cursor": null
            }"#]]);
    }
}

on_both_stores! {
    async fn every_filter_and_order_gives_its_rows(server: TestServer) {
        let set = a_mixed_set(&server).await;
        let admin = server.admin();
        let owner = text(admin.record(), "/owner");
        let hint = text(set["delta"].record(), "/hint");
        let queries = [
            String::new(),
            "state=live".into(),
            "state=expired".into(),
            "state=revoked".into(),
            "type=personal&sort=name".into(),
            "type=global".into(),
            format!("owner={owner}&sort=name"),
            format!("owner={}", set["delta"].id()),
            "q=bra".into(),
            "q=BRA".into(),
            "q=lpha".into(),
            format!("q={hint}"),
            "expires_before=2026-11-25T00:00:00Z&sort=name".into(),
            "expires_after=2026-11-26T00:00:00Z&sort=name".into(),
            "expires_before=2026-11-26T14:00:00Z&expires_after=2026-11-22T15:00:00Z&sort=name".into(),
            "last_used_before=2026-11-22T17:00:00Z&sort=name".into(),
            "last_used_after=2026-11-22T16:59:59Z&type=global".into(),
            "last_used_after=2026-11-22T16:00:00Z&last_used_before=2026-11-22T18:00:00Z".into(),
            "state=live&type=personal&q=a".into(),
            "sort=created_at".into(),
            "sort=-created_at".into(),
            "sort=name".into(),
            "sort=-name".into(),
            "sort=expires_at".into(),
            "sort=-expires_at".into(),
            "sort=last_used_at".into(),
            "sort=-last_used_at".into(),
        ];
        let mut table = String::new();

        for query in &queries {
            let page = admin.get(&format!("/v1/tokens?{query}")).await;
            let shown = query.replace(&owner, "OWNER").replace(set["delta"].id(), "DELTA").replace(&hint, "HINT");
            writeln!(table, "{shown} → {}", names(&page).join(", ")).unwrap();
        }

        expect![[r#"
             → echo, delta, charlie, Bravo, alpha, first administrator
            state=live → delta, Bravo, alpha, first administrator
            state=expired → charlie
            state=revoked → echo
            type=personal&sort=name → alpha, Bravo, charlie, echo, first administrator
            type=global → delta
            owner=OWNER&sort=name → alpha, Bravo, charlie, echo, first administrator
            owner=DELTA → delta
            q=bra → Bravo
            q=BRA → Bravo
            q=lpha →
            q=HINT → delta
            expires_before=2026-11-25T00:00:00Z&sort=name → charlie, echo
            expires_after=2026-11-26T00:00:00Z&sort=name → alpha, Bravo, delta, first administrator
            expires_before=2026-11-26T14:00:00Z&expires_after=2026-11-22T15:00:00Z&sort=name → echo
            last_used_before=2026-11-22T17:00:00Z&sort=name → Bravo, charlie, echo
            last_used_after=2026-11-22T16:59:59Z&type=global → delta
            last_used_after=2026-11-22T16:00:00Z&last_used_before=2026-11-22T18:00:00Z → alpha
            state=live&type=personal&q=a → alpha
            sort=created_at → first administrator, alpha, Bravo, charlie, delta, echo
            sort=-created_at → echo, delta, charlie, Bravo, alpha, first administrator
            sort=name → alpha, Bravo, charlie, delta, echo, first administrator
            sort=-name → first administrator, echo, delta, charlie, Bravo, alpha
            sort=expires_at → charlie, echo, alpha, delta, first administrator, Bravo
            sort=-expires_at → Bravo, first administrator, delta, alpha, echo, charlie
            sort=last_used_at → charlie, echo, Bravo, alpha, first administrator, delta
            sort=-last_used_at → delta, first administrator, alpha, Bravo, echo, charlie
        "#]].assert_eq(&trimmed(&table));
    }
}

on_both_stores! {
    async fn ended_tokens_stay_listed_with_their_reason_and_time(server: TestServer) {
        let set = a_mixed_set(&server).await;

        let mut table = String::new();
        for name in ["charlie", "echo"] {
            let row = server.admin().get(&format!("/v1/tokens/{}", set[name].id())).await.json();
            let shown = ["state", "expires_at", "revoked_at", "revoked_by", "revoke_reason", "revoke_note"];
            let fields: Vec<String> = shown.iter().map(|field| format!("{field} {}", row[*field])).collect();
            writeln!(table, "{name}: {}", fields.join(", ")).unwrap();
        }

        expect![[r#"
            charlie: state "expired", expires_at "2026-11-22T15:00:00Z", revoked_at null, revoked_by null, revoke_reason null, revoke_note null
            echo: state "revoked", expires_at "2026-11-24T16:00:00Z", revoked_at "2026-11-22T15:00:00Z", revoked_by "usr_1m81b5h800001", revoke_reason "requested", revoke_note null
        "#]].assert_eq(&table);
    }
}

on_both_stores! {
    async fn rows_without_the_value_stand_at_one_end_on_every_page(server: TestServer) {
        a_mixed_set(&server).await;
        let admin = server.admin();

        for sort in ["created_at", "name", "expires_at", "last_used_at"] {
            for order in [sort.to_owned(), format!("-{sort}")] {
                let whole = names(&admin.get(&format!("/v1/tokens?sort={order}")).await);
                for limit in 1..=whole.len() {
                    let paged = paged(admin, &format!("/v1/tokens?sort={order}&limit={limit}")).await;
                    assert_eq!(paged, whole, "{order} in pages of {limit}");
                }
            }
        }
    }
}

/// The names of a list, page by page.
async fn paged(caller: &Caller, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    for _ in 0..100 {
        let page = caller.get(&format!("{path}{cursor}")).await;
        found.extend(names(&page));
        match page.json()["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
    panic!("the list does not end");
}

on_both_stores! {
    async fn pages_visit_each_row_once_while_others_are_issued(server: TestServer) {
        let admin = server.admin();
        for place in 0..40 {
            server.token().name(&format!("before {place:02}")).issue().await;
        }

        let orders = ["created_at", "-created_at", "name", "-name", "expires_at", "-expires_at"];
        for (round, sort) in orders.into_iter().enumerate() {
            let mut seen: BTreeMap<String, u32> = BTreeMap::new();
            let mut cursor = String::new();
            for step in 0..100 {
                let page = admin.get(&format!("/v1/tokens?q=before&sort={sort}&limit=7{cursor}")).await;
                for name in names(&page) {
                    *seen.entry(name).or_default() += 1;
                }
                // One in front of, one behind, one in the midst of what was read.
                for name in ["aaa", "before 20b", "zzz"] {
                    let body = json!({ "name": format!("{name} {round} {step}"), "scopes": ["tokens:read"] });
                    admin.post("/v1/tokens", body).await.expect_status(201);
                }
                match page.json()["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }

            let old = (0..40).map(|place| format!("before {place:02}"));
            for name in old {
                assert_eq!(seen.get(&name), Some(&1), "{name} by {sort}");
            }
            assert!(seen.values().all(|times| *times == 1), "no row twice by {sort}: {seen:?}");
        }
    }
}

on_both_stores! {
    async fn a_page_has_1_to_200_rows_and_50_unless_said(server: TestServer) {
        let admin = server.admin();
        for place in 0..60 {
            server.token().name(&format!("row {place}")).issue().await;
        }

        for (limit, found) in [("limit=1", 1), ("limit=200", 61), ("", 50)] {
            assert_eq!(rows(&admin.get(&format!("/v1/tokens?{limit}")).await).len(), found, "{limit}");
        }
        for limit in ["limit=0", "limit=201"] {
            assert_eq!(refused_fields(&admin.get(&format!("/v1/tokens?{limit}")).await).len(), 1, "{limit}");
        }
        admin.get("/v1/tokens?limit=201").await.expect(expect![[r#"
            400 {
              "type": "/docs/problems#input_invalid",
              "title": "Input invalid",
              "status": 400,
              "code": "input_invalid",
              "detail": "`limit`: between 1 and 200",
              "request_id": "req_n4wypcx4r4ghbdx9a1",
              "errors": [{"field": "limit", "code": "limit_out_of_range", "detail": "between 1 and 200"}]
            }"#]]);
    }
}

on_both_stores! {
    async fn a_cursor_belongs_to_its_own_list(server: TestServer) {
        let admin = server.admin();
        for place in 0..3 {
            server.token().name(&format!("row {place}")).issue().await;
        }
        let cursor = admin.get("/v1/tokens?limit=1&state=live").await.at("/next_cursor");

        admin.get(&format!("/v1/tokens?limit=2&state=live&cursor={cursor}")).await.expect_status(200);
        let elsewhere = [
            format!("/v1/tokens?limit=1&cursor={cursor}"),
            format!("/v1/tokens?limit=1&state=live&sort=name&cursor={cursor}"),
            format!("/v1/tokens?limit=1&state=live&q=row&cursor={cursor}"),
            format!("/v1/deployments?limit=1&cursor={cursor}"),
            format!("/v1/audit/events?limit=1&cursor={cursor}"),
            format!("/v1/tokens?limit=1&state=live&cursor={}", &cursor[1..]),
            format!("/v1/tokens?limit=1&state=live&cursor={cursor}A"),
            "/v1/tokens?limit=1&state=live&cursor=".to_owned(),
            "/v1/tokens?limit=1&state=live&cursor=AAAA".to_owned(),
            "/v1/tokens?limit=1&state=live&cursor=%F0%9F%97%9D".to_owned(),
        ];
        for path in &elsewhere {
            assert_eq!(refused_fields(&admin.get(path).await), ["cursor cursor_invalid"], "{path}");
        }
        admin.get(&elsewhere[0]).await.expect(expect![[r#"
            400 {
              "type": "/docs/problems#input_invalid",
              "title": "Input invalid",
              "status": 400,
              "code": "input_invalid",
              "detail": "`cursor`: the cursor does not belong to this list; begin without one",
              "request_id": "req_n4wyp1a46vn93bw5e8",
              "errors": [
                {
                  "field": "cursor",
                  "code": "cursor_invalid",
                  "detail": "the cursor does not belong to this list; begin without one"
                }
              ]
            }"#]]);
    }
}

on_both_stores! {
    async fn a_query_is_taken_strictly(server: TestServer) {
        let mut said = String::new();

        for query in [
            "statte=live", "state=alive", "type=robot", "owner=nobody", "sort=secret", "sort=--name", "limit=many",
            "limit=1&limit=2", "expires_before=soon", "last_used_after=", "q=a%00b",
        ] {
            let answer = server.admin().get(&format!("/v1/tokens?{query}")).await;
            writeln!(said, "{query} → {}", refusal(&answer)).unwrap();
        }

        expect![[r#"
            statte=live → field_unknown statte field_unknown
            state=alive → field_invalid state field_invalid
            type=robot → field_invalid type field_invalid
            owner=nobody → input_invalid owner owner_malformed
            sort=secret → input_invalid sort sort_unknown
            sort=--name → input_invalid sort sort_unknown
            limit=many → field_invalid limit field_invalid
            limit=1&limit=2 → field_invalid limit field_invalid
            expires_before=soon → input_invalid expires_before instant_malformed
            last_used_after= → input_invalid last_used_after instant_malformed
            q=a%00b → input_invalid q text_control_character
        "#]].assert_eq(&said);
    }
}

on_both_stores! {
    async fn a_wild_card_of_the_store_is_an_ordinary_character(server: TestServer) {
        for name in ["100% done", "100 done", "a_b", "axb", "back\\slash"] {
            server.token().name(name).issue().await;
        }
        let admin = server.admin();

        let searches = [("100%25", "100% done"), ("a_", "a_b"), ("back%5C", "back\\slash"), ("%25", ""), ("_", "")];
        for (q, found) in searches {
            assert_eq!(names(&admin.get(&format!("/v1/tokens?q={q}")).await).join(", "), found, "{q}");
        }
    }
}
