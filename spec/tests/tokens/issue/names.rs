//! The name and the description of a new token.

use std::time::Duration;

use claviger_testkit::{TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use super::a_token;
use crate::asking::refused_fields;

on_both_stores! {
    async fn a_name_has_3_to_128_visible_characters(server: TestServer) {
        let admin = server.admin();
        let cases = [
            ("ab".to_owned(), "name name_too_short"),
            ("  a b  ".to_owned(), ""),
            ("   ab   ".to_owned(), "name name_too_short"),
            ("äöü".to_owned(), ""),
            ("x".repeat(128), ""),
            ("x".repeat(129), "name name_too_long"),
            ("é".repeat(128), ""),
            ("ci\u{0}bot".to_owned(), "name text_control_character"),
            ("ci\nbot".to_owned(), "name text_control_character"),
            ("ci\u{7f}bot".to_owned(), "name text_control_character"),
            ("ci\u{200b}bot".to_owned(), "name text_control_character"),
            ("ci\u{feff}bot".to_owned(), "name text_control_character"),
            ("ci\u{202e}tob".to_owned(), "name text_bidirectional_character"),
            ("ci\u{2066}bot".to_owned(), "name text_bidirectional_character"),
            ("\u{200f}cibot".to_owned(), "name text_bidirectional_character"),
        ];

        for (name, refused) in cases {
            let answer = admin.post("/v1/tokens", a_token(&name)).await;

            if refused.is_empty() {
                answer.expect_status(201);
            } else {
                assert_eq!(refused_fields(&answer), [refused], "{name:?}");
            }
        }
    }
}

on_both_stores! {
    async fn a_refused_name_is_explained(server: TestServer) {
        let answer = server.admin().post("/v1/tokens", a_token("ci\u{202e}tob")).await;

        answer.expect(expect![[r#"
            400 {
              "type": "/docs/problems#input_invalid",
              "title": "Input invalid",
              "status": 400,
              "code": "input_invalid",
              "detail": "`name`: the bidirectional character U+202E is not allowed",
              "request_id": "req_n4wyp0w8rac7neymhn",
              "errors": [
                {
                  "field": "name",
                  "code": "text_bidirectional_character",
                  "detail": "the bidirectional character U+202E is not allowed"
                }
              ]
            }"#]]);
    }
}

on_both_stores! {
    async fn a_name_that_a_live_token_of_the_owner_bears_is_taken(server: TestServer) {
        let admin = server.admin();
        admin.post("/v1/tokens", a_token("Release Bot")).await.expect_status(201);

        let answer = admin.post("/v1/tokens", a_token("Release Bot")).await;

        answer.expect(expect![[r#"
            409 {
              "type": "/docs/problems#token_name_taken",
              "title": "Token name taken",
              "status": 409,
              "code": "token_name_taken",
              "detail": "another live token of this holder is called `Release Bot`; choose another name or revoke that one",
              "request_id": "req_n4wyp3bbxn91qc1qpd"
            }"#]]);
    }
}

on_both_stores! {
    async fn spellings_that_look_alike_are_one_name(server: TestServer) {
        let admin = server.admin();
        for name in ["Release Bot", "café run", "file mover", "ⅷ jobs", "straße 1"] {
            admin.post("/v1/tokens", a_token(name)).await.expect_status(201);
        }

        for twin in [
            "release bot", "RELEASE BOT", "cafe\u{301} run", "CAFÉ RUN", "\u{fb01}le mover", "viii jobs", "ＦＩＬＥ mover",
        ] {
            let answer = admin.post("/v1/tokens", a_token(twin)).await;
            assert_eq!(answer.problem_code().as_deref(), Some("token_name_taken"), "{twin}");
        }
        for other in ["release-bot", "release  bot", "cafe run"] {
            admin.post("/v1/tokens", a_token(other)).await.expect_status(201);
        }
    }
}

on_both_stores! {
    async fn the_name_of_a_dead_token_is_free_again(server: TestServer) {
        let admin = server.admin();
        let revoked = server.token().name("to be revoked").issue().await;
        server.token().name("to expire").expires_in(Duration::from_secs(60)).issue().await;

        admin.post(&format!("/v1/tokens/{}/revoke", revoked.id()), Value::Null).await.expect_status(200);
        server.clock().advance(Duration::from_secs(60));

        admin.post("/v1/tokens", a_token("to be revoked")).await.expect_status(201);
        admin.post("/v1/tokens", a_token("to expire")).await.expect_status(201);
    }
}

on_both_stores! {
    async fn another_owner_may_use_the_same_name(server: TestServer) {
        server.token().name("deployer").issue().await;

        let global = json!({ "type": "global", "name": "deployer", "scopes": ["deployments:write"] });

        server.admin().post("/v1/tokens", global).await.expect_status(201);
    }
}

on_both_stores! {
    async fn of_32_at_once_with_one_name_exactly_one_is_issued(server: TestServer) {
        let admin = server.admin();

        let calls = (0..32).map(|_| {
            let admin = admin.clone();
            tokio::spawn(async move { admin.post("/v1/tokens", a_token("the only one")).await })
        });
        let mut outcomes = Vec::new();
        for call in calls.collect::<Vec<_>>() {
            outcomes.push(call.await.unwrap().problem_code());
        }

        let won = outcomes.iter().filter(|code| code.is_none()).count();
        let lost = outcomes.iter().filter(|code| code.as_deref() == Some("token_name_taken")).count();
        assert_eq!((won, lost), (1, 31));
    }
}

on_both_stores! {
    async fn a_description_has_at_most_350_characters(server: TestServer) {
        let admin = server.admin();
        let described = |name: &str, description: String| {
            json!({ "name": name, "scopes": ["deployments:write"], "description": description })
        };

        admin.post("/v1/tokens", described("at the limit", "ß".repeat(350))).await.expect_status(201);
        admin.post("/v1/tokens", described("two lines", "one\ntwo".into())).await.expect_status(201);
        let above = admin.post("/v1/tokens", described("above", "x".repeat(351))).await;
        let control = admin.post("/v1/tokens", described("control", "a\u{1b}[31m".into())).await;

        assert_eq!(refused_fields(&above), ["description description_too_long"]);
        assert_eq!(refused_fields(&control), ["description text_control_character"]);
    }
}
