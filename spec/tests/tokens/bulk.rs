//! `POST /v1/tokens/revoke`: many at once, by ids or by what they have in common, first as a rehearsal.

use std::time::{Duration, Instant};

use claviger_domain::{Timestamp, TokenId};
use claviger_store::tokens::TokenRow;
use claviger_testkit::{TestRandom, TestServer, on_both_stores};
use claviger_token::{Digest, RandomSource as _};
use expect_test::expect;
use serde_json::{Value, json};

use crate::asking::{
    accepted_everywhere, actions_about, at_every_door, decision, number, refused_everywhere, refused_fields,
    rows, text, trimmed, whole_list,
};

const HOUR: Duration = Duration::from_secs(3_600);

on_both_stores! {
    async fn the_named_tokens_are_dead_when_it_answers(server: TestServer) {
        let admin = server.admin();
        let first = server.token().name("first").issue().await;
        let second = server.token().name("second").issue().await;
        let ended = server.token().name("ended").issue().await;
        admin.post(&format!("/v1/tokens/{}/revoke", ended.id()), Value::Null).await.expect_status(200);

        let ids = json!([first.id(), second.id(), ended.id(), "tok_0000000000001"]);
        let answer = admin.post("/v1/tokens/revoke", json!({ "ids": ids, "note": "clean-up" })).await;

        for token in [&first, &second] {
            assert_eq!(at_every_door(&server, token.secret()).await, refused_everywhere("revoked"));
            assert_eq!(actions_about(&server, token.id()).await, ["token.issued", "token.revoked"]);
        }
        answer.expect(expect![[r#"
            200 {
              "dry_run": false,
              "revoked": 2,
              "already_ended": 1,
              "not_found": ["tok_0000000000001"],
              "used_last_hour": 0,
              "tokens": [
                {
                  "id": "tok_1m81b5h800003",
                  "name": "first",
                  "owner": "usr_1m81b5h800001",
                  "last_used_at": null,
                  "last_used_address": null
                },
                {
                  "id": "tok_1m81b5h800004",
                  "name": "second",
                  "owner": "usr_1m81b5h800001",
                  "last_used_at": null,
                  "last_used_address": null
                }
              ],
              "receipt": {"epoch": 7, "verifiers": {"confirmed": 1, "fenced": 0}, "slowest_ms": 0}
            }"#]]);
    }
}

on_both_stores! {
    async fn a_rehearsal_shows_who_used_them_lately_and_ends_nothing(server: TestServer) {
        let admin = server.admin();
        let busy = server.token().name("ci busy").issue().await;
        let idle = server.token().name("ci idle").issue().await;
        server.token().name("ci unused").issue().await;
        let asked = |secret: &str| json!({ "token": secret, "address": "192.0.2.7" });
        admin.post("/v1/verify", asked(idle.secret())).await.expect_status(200);
        server.clock().advance(HOUR + Duration::from_secs(1));
        admin.post("/v1/verify", asked(busy.secret())).await.expect_status(200);

        let body = json!({ "filter": { "name_prefix": "CI " }, "dry_run": true });
        let answer = admin.post("/v1/tokens/revoke", body).await;

        answer.expect(expect![[r#"
            200 {
              "dry_run": true,
              "revoked": 3,
              "already_ended": 0,
              "not_found": [],
              "used_last_hour": 1,
              "tokens": [
                {
                  "id": "tok_1m81b5h800003",
                  "name": "ci busy",
                  "owner": "usr_1m81b5h800001",
                  "last_used_at": "2026-11-22T11:00:01Z",
                  "last_used_address": "192.0.2.7"
                },
                {
                  "id": "tok_1m81b5h800004",
                  "name": "ci idle",
                  "owner": "usr_1m81b5h800001",
                  "last_used_at": "2026-11-22T10:00:00Z",
                  "last_used_address": "192.0.2.7"
                },
                {
                  "id": "tok_1m81b5h800005",
                  "name": "ci unused",
                  "owner": "usr_1m81b5h800001",
                  "last_used_at": null,
                  "last_used_address": null
                }
              ],
              "receipt": null
            }"#]]);
        assert_eq!(at_every_door(&server, busy.secret()).await, accepted_everywhere());
        assert_eq!(actions_about(&server, busy.id()).await, ["token.issued"]);
    }
}

on_both_stores! {
    async fn the_calling_token_is_never_matched(server: TestServer) {
        let admin = server.admin();
        server.token().name("other").issue().await;

        let answer = admin.post("/v1/tokens/revoke", json!({ "filter": {} })).await;

        assert_eq!(number(&answer.json(), "/revoked"), 1);
        assert_eq!(rows(&admin.get("/v1/tokens?state=live").await).len(), 1, "the caller is still there to tell");
    }
}

on_both_stores! {
    async fn every_condition_of_a_filter_counts(server: TestServer) {
        let admin = server.admin();
        let old = server.token().name("ci old").issue().await;
        server.token().name("ci global").global().issue().await;
        server.clock().advance(HOUR);
        let used = server.token().name("ci used").issue().await;
        server.token().name("nightly").issue().await;
        assert_eq!(decision(admin, used.secret()).await, "valid");
        let owner = text(old.record(), "/owner");
        let mut said = String::new();

        for filter in [
            json!({}),
            json!({ "type": "global" }),
            json!({ "type": "personal" }),
            json!({ "owner": owner }),
            json!({ "name_prefix": "ci" }),
            json!({ "created_before": "2026-11-22T10:30:00Z" }),
            json!({ "unused_since": "2026-11-22T10:30:00Z" }),
            json!({ "name_prefix": "ci", "type": "personal", "unused_since": "2026-11-22T10:30:00Z" }),
        ] {
            let answer = admin.post("/v1/tokens/revoke", json!({ "filter": filter, "dry_run": true })).await.json();
            let shown = answer["tokens"].as_array().unwrap();
            let mut found: Vec<String> = shown.iter().map(|token| text(token, "/name")).collect();
            found.sort();
            let asked = filter.to_string().replace(&owner, "OWNER");
            said.push_str(&format!("{asked} → {} {}\n", answer["revoked"], found.join(", ")));
        }

        expect![[r#"
            {} → 4 ci global, ci old, ci used, nightly
            {"type":"global"} → 1 ci global
            {"type":"personal"} → 3 ci old, ci used, nightly
            {"owner":"OWNER"} → 3 ci old, ci used, nightly
            {"name_prefix":"ci"} → 3 ci global, ci old, ci used
            {"created_before":"2026-11-22T10:30:00Z"} → 2 ci global, ci old
            {"unused_since":"2026-11-22T10:30:00Z"} → 3 ci global, ci old, nightly
            {"name_prefix":"ci","type":"personal","unused_since":"2026-11-22T10:30:00Z"} → 1 ci old
        "#]].assert_eq(&said);
    }
}

on_both_stores! {
    async fn it_must_be_said_which(server: TestServer) {
        let admin = server.admin();
        let mut said = String::new();

        for body in [
            json!({}),
            json!({ "ids": [], "filter": {} }),
            json!({ "ids": ["tok_nonsense"] }),
            json!({ "ids": vec!["tok_0000000000001"; 1_001] }),
            json!({ "filter": { "nam_prefix": "ci" } }),
            json!({ "filter": [] }),
            json!({ "filter": ["global"] }),
            json!({ "filter": null }),
            json!([["tok_0000000000001"]]),
            json!({ "filter": { "owner": "nobody" } }),
        ] {
            let answer = admin.post("/v1/tokens/revoke", body.clone()).await;
            let shown: String = body.to_string().chars().take(60).collect();
            let outcome = match answer.status {
                200 => answer.json()["not_found"].to_string(),
                _ => refused_fields(&answer).join(", "),
            };
            said.push_str(&format!("{shown} → {} {outcome}\n", answer.status));
        }

        expect![[r#"
            {} → 400 ids selection_ambiguous
            {"filter":{},"ids":[]} → 400 ids selection_ambiguous
            {"ids":["tok_nonsense"]} → 200 ["tok_nonsense"]
            {"ids":["tok_0000000000001","tok_0000000000001","tok_0000000 → 400
            {"filter":{"nam_prefix":"ci"}} → 400 filter.nam_prefix field_unknown
            {"filter":[]} → 400 filter field_invalid
            {"filter":["global"]} → 400 filter field_invalid
            {"filter":null} → 400 ids selection_ambiguous
            [["tok_0000000000001"]] → 400  field_invalid
            {"filter":{"owner":"nobody"}} → 400 filter.owner owner_malformed
        "#]].assert_eq(&trimmed(&said));
        assert_eq!(rows(&admin.get("/v1/tokens?state=live").await).len(), 1);
    }
}

on_both_stores! {
    async fn a_thousand_ids_are_the_most(server: TestServer) {
        let ids: Vec<String> = (1..=1_000).map(|number| TokenId::from_i64(number).to_string()).collect();

        let answer = server.admin().post("/v1/tokens/revoke", json!({ "ids": ids })).await;

        answer.expect_status(200);
        assert_eq!(answer.json()["not_found"].as_array().unwrap().len(), 1_000);
    }
}

/// Tokens that were there before the server, written to the store as its own operation would.
async fn seed(server: &TestServer, count: i64) {
    let admin = server.admin();
    let owner = admin.record()["owner"]
        .as_str()
        .unwrap()
        .parse::<claviger_domain::UserId>()
        .unwrap();
    let mut model = model_row(server).await;
    model.owner = owner.into();
    model.created_by = owner.into();
    let random = TestRandom::new(7);
    for chunk in 0..count / 1_000 {
        let rows: Vec<TokenRow> = (0..1_000)
            .map(|place| {
                let mut bytes = [0; 32];
                random.fill(&mut bytes).unwrap();
                let mut row = model.clone();
                row.id = TokenId::from_i64(1 + chunk * 1_000 + place);
                row.name = format!("fleet {chunk} {place}");
                row.name_key = row.name.clone();
                row.digest = Digest::from_bytes(bytes);
                row
            })
            .collect();
        let write = server.service().store().write(async move |tx| {
            for row in &rows {
                claviger_store::tokens::insert(tx, row).await?;
            }
            Ok::<_, claviger_store::StoreError>(())
        });
        write.await.unwrap();
    }
}

async fn model_row(server: &TestServer) -> TokenRow {
    let id = server.admin().id().parse().unwrap();
    let read = server
        .service()
        .store()
        .read(async move |tx| claviger_store::tokens::by_id(tx, id).await);
    let mut row = read.await.unwrap().expect("the administrator's own token");
    row.created_at = Timestamp::from_seconds(1_700_000_000);
    row.last_used_at = None;
    row.last_used_address = None;
    row
}

on_both_stores! {
    async fn a_hundred_thousand_end_in_one_call_with_an_event_each(mut server: TestServer) {
        const FLEET: i64 = 100_000;
        seed(&server, FLEET).await;
        let known = server.token().name("fleet leader").issue().await;
        server.restart().await;
        let admin = server.admin();

        let began = Instant::now();
        let answer = admin.post("/v1/tokens/revoke", json!({ "filter": { "name_prefix": "fleet" } })).await;
        let took = began.elapsed();

        assert_eq!(at_every_door(&server, known.secret()).await, refused_everywhere("revoked"));
        answer.expect_status(200);
        assert_eq!(number(&answer.json(), "/revoked"), 100_001);
        assert_eq!(answer.json()["tokens"].as_array().unwrap().len(), 100, "the answer itself is bounded");
        assert!(rows(&admin.get("/v1/tokens?state=live&q=fleet").await).is_empty());
        let export = admin.get("/v1/audit/export").await;
        let ended = export.body.lines().filter(|line| line.contains(r#""action":"token.revoked""#)).count();
        assert_eq!(ended, 100_001, "one event each");
        let verdict = admin.post("/v1/audit/verify", Value::Null).await.json();
        assert_eq!(verdict["intact"], json!(true), "{verdict}");
        // The goal is 2 s of a release build (bench); here only a loop that grows with the square would show.
        assert!(took < Duration::from_secs(60), "{took:?}");
        assert!(whole_list(admin, "/v1/tokens?state=live").await.len() == 1);
    }
}
