//! `/v1/peppers`: the keys under which digests are made, rotated without a failed verify.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use claviger_testkit::{Answer, Backend, TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use crate::asking::{
    accepted_everywhere, at_every_door, decision, number, refused_everywhere, text, verified,
};

async fn rotate(server: &TestServer) -> Answer {
    server.admin().post("/v1/peppers/rotate", Value::Null).await
}

/// `tokens live_tokens` of each pepper, the current one first.
fn counts(answer: &Answer) -> Vec<(u64, u64)> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let peppers = answer.json()["data"].as_array().unwrap().clone();
    peppers
        .iter()
        .map(|pepper| (number(pepper, "/tokens"), number(pepper, "/live_tokens")))
        .collect()
}

on_both_stores! {
    async fn the_list_counts_tokens_and_shows_no_key(server: TestServer) {
        server.lift_shadow().await;
        let dead = server.token().issue().await;
        server.admin().post(&format!("/v1/tokens/{}/revoke", dead.id()), Value::Null).await.expect_status(200);

        let peppers = server.admin().get("/v1/peppers").await;
        peppers.expect(expect![[r#"200 {"data": [{"id": "cb579a82", "current": true, "tokens": 2, "live_tokens": 1}]}"#]]);
    }
}

on_both_stores! {
    async fn old_tokens_stay_valid_and_move_when_they_are_used(server: TestServer) {
        server.lift_shadow().await;
        let used = server.token().name("used").issue().await;
        let idle = server.token().name("idle").issue().await;

        let rotated = rotate(&server).await;
        let new = server.token().name("new").issue().await;
        for token in [&used, &new] {
            assert_eq!(at_every_door(&server, token.secret()).await, accepted_everywhere());
        }
        server.flush().await;

        rotated.expect(expect![[r#"
            200 {
              "data": [
                {"id": "946448ef", "current": true, "tokens": 0, "live_tokens": 0},
                {"id": "cb579a82", "current": false, "tokens": 3, "live_tokens": 3}
              ]
            }"#]]);
        // The administrator's own token moved too: it asked.
        assert_eq!(counts(&server.admin().get("/v1/peppers").await), [(3, 3), (1, 1)]);
        for token in [&used, &idle, &new] {
            assert_eq!(decision(server.admin(), token.secret()).await, "valid");
        }
    }
}

on_both_stores! {
    async fn there_are_two_at_most(server: TestServer) {
        server.lift_shadow().await;
        let idle = server.token().issue().await;
        let first = rotate(&server).await;

        rotate(&server).await.expect(expect![[r#"
            409 {
              "type": "/docs/problems#pepper_previous_live",
              "title": "Pepper previous live",
              "status": 409,
              "code": "pepper_previous_live",
              "detail": "1 live tokens still depend on the previous pepper; retire it first",
              "request_id": "req_n4wyp071pawyd70xs5"
            }"#]]);

        assert_eq!(decision(server.admin(), idle.secret()).await, "valid");
        let second = rotate(&server).await;
        assert_eq!(counts(&second).len(), 2, "the one that nobody needs was given up");
        assert_eq!(text(&second.json(), "/data/1/id"), text(&first.json(), "/data/0/id"));
    }
}

on_both_stores! {
    async fn a_pepper_with_stragglers_is_retired_only_on_their_revocation(server: TestServer) {
        server.lift_shadow().await;
        let straggler = server.token().name("straggler").issue().await;
        rotate(&server).await;

        let refused = server.admin().post("/v1/peppers/retire", json!({})).await;
        assert_eq!(at_every_door(&server, straggler.secret()).await, accepted_everywhere());
        refused.expect(expect![[r#"
            409 {
              "type": "/docs/problems#pepper_has_stragglers",
              "title": "Pepper has stragglers",
              "status": 409,
              "code": "pepper_has_stragglers",
              "detail": "1 live tokens were not used since the rotation and would die; say `revoke_stragglers` to revoke them",
              "request_id": "req_n4wyp071pawyd70xs5"
            }"#]]);
    }
}

on_both_stores! {
    async fn stragglers_are_dead_when_their_pepper_is_retired(server: TestServer) {
        server.lift_shadow().await;
        let straggler = server.token().name("straggler").issue().await;
        rotate(&server).await;

        let retired = server.admin().post("/v1/peppers/retire", json!({ "revoke_stragglers": true })).await;

        retired.expect(expect![[r#"
            200 {
              "data": [{"id": "fb7b5d8f", "current": true, "tokens": 1, "live_tokens": 1}],
              "receipt": {"epoch": 5, "verifiers": {"confirmed": 1, "fenced": 0}, "slowest_ms": 0}
            }"#]]);
        server.admin().get("/v1/tokens/self").await.expect_status(200);
        let doors = at_every_door(&server, straggler.secret()).await;
        assert_eq!(doors[1..], refused_everywhere("unknown")[1..], "nobody can tell it from a token that never was");
        let record = server.admin().get(&format!("/v1/tokens/{}", straggler.id())).await.json();
        assert_eq!(text(&record, "/state"), "revoked");
        let events = server.admin().get("/v1/audit/events?action=pepper.retired").await;
        events.expect(expect![[r#"
            200 {
              "data": [
                {
                  "seq": 6,
                  "at": "2026-11-22T10:00:00Z",
                  "actor": "usr_1m81b5h800001",
                  "via": "tok_1m81b5h800002",
                  "action": "pepper.retired",
                  "subject": "cb579a82",
                  "detail": {"passwords_forgotten": 0, "pepper": "cb579a82", "revoked": 1},
                  "request_id": "req_n4wyp071pawyd70xs5",
                  "address": "127.0.0.1",
                  "hash": "0597ee6feafd81e610f96a5cddbd7899062ea579da00a713a31747b70d0a936d"
                }
              ],
              "next_cursor": null
            }"#]]);
    }
}

on_both_stores! {
    async fn without_stragglers_a_pepper_is_retired_and_everyone_goes_on(mut server: TestServer) {
        server.lift_shadow().await;
        let used = server.token().issue().await;
        rotate(&server).await;
        assert_eq!(decision(server.admin(), used.secret()).await, "valid");

        let retired = server.admin().post("/v1/peppers/retire", Value::Null).await;
        let again = server.admin().post("/v1/peppers/retire", json!({})).await;

        assert_eq!(counts(&retired).len(), 1);
        assert_eq!((again.status, again.problem_code().as_deref()), (409, Some("pepper_none_previous")));
        server.restart().await;
        assert_eq!(at_every_door(&server, used.secret()).await, accepted_everywhere());
    }
}

on_both_stores! {
    async fn both_peppers_survive_a_restart(mut server: TestServer) {
        server.lift_shadow().await;
        let old = server.token().name("old").issue().await;
        let rotated = rotate(&server).await;
        let new = server.token().name("new").issue().await;

        server.restart().await;

        for token in [&old, &new] {
            assert_eq!(at_every_door(&server, token.secret()).await, accepted_everywhere());
        }
        let ids = |answer: &Answer| [text(&answer.json(), "/data/0/id"), text(&answer.json(), "/data/1/id")];
        assert_eq!(ids(&server.admin().get("/v1/peppers").await), ids(&rotated));
    }
}

on_both_stores! {
    async fn a_rotation_under_load_fails_no_verify(server: TestServer) {
        server.lift_shadow().await;
        let mut tokens = Vec::new();
        for place in 0..64 {
            tokens.push(server.token().name(&format!("load {place}")).issue().await.secret().to_owned());
        }
        let tokens = Arc::new(tokens);

        for _ in 0..5 {
            let rotated = Arc::new(AtomicBool::new(false));
            let verifiers: Vec<_> = (0..8)
                .map(|first| {
                    let (admin, tokens, rotated) = (server.admin().clone(), Arc::clone(&tokens), Arc::clone(&rotated));
                    tokio::spawn(async move {
                        let mut said = Vec::new();
                        // Until the rotation was answered and a while longer, and not for ever: it needs the processor too.
                        while said.len() < 40 || said.len() < 200 && !rotated.load(Ordering::Relaxed) {
                            said.push(decision(&admin, &tokens[(first + said.len()) % tokens.len()]).await);
                        }
                        said
                    })
                })
                .collect();
            rotate(&server).await.expect_status(200);
            rotated.store(true, Ordering::Relaxed);
            for verifier in verifiers {
                let said = verifier.await.unwrap();
                assert!(said.iter().all(|said| said == "valid"), "{said:?}");
            }
            // A use moves a digest; in a new second it is surely told, however many uses there are.
            server.clock().advance(Duration::from_secs(1));
            for token in tokens.iter() {
                assert_eq!(decision(server.admin(), token).await, "valid");
            }
        }
    }
}

on_both_stores! {
    async fn an_update_or_regeneration_during_a_rotation_loses_nothing(server: TestServer) {
        server.lift_shadow().await;
        let ci = server.token().name("ci bot").scopes(["deployments:write"]).issue().await;
        rotate(&server).await;
        let path = format!("/v1/tokens/{}", ci.id());

        server.admin().patch(&path, json!({ "scopes": ["deployments:read"] })).await.expect_status(200);
        assert_eq!(verified(server.admin(), ci.secret()).await["token"]["scopes"], json!(["deployments:read"]));
        server.flush().await;
        assert_eq!(verified(server.admin(), ci.secret()).await["token"]["scopes"], json!(["deployments:read"]));
        let regenerated = server.admin().post(&format!("{path}/regenerate"), Value::Null).await;
        server.flush().await;

        assert_eq!(at_every_door(&server, ci.secret()).await, refused_everywhere("unknown"));
        assert_eq!(at_every_door(&server, &regenerated.at("/secret")).await, accepted_everywhere());
    }
}

on_both_stores! {
    async fn a_revocation_during_a_rotation_holds_under_both_peppers(mut server: TestServer) {
        server.lift_shadow().await;
        let ci = server.token().issue().await;
        rotate(&server).await;
        assert_eq!(decision(server.admin(), ci.secret()).await, "valid", "its new digest is on the way");

        server.admin().post(&format!("/v1/tokens/{}/revoke", ci.id()), Value::Null).await.expect_status(200);
        assert_eq!(at_every_door(&server, ci.secret()).await, refused_everywhere("revoked"));
        server.flush().await;
        assert_eq!(at_every_door(&server, ci.secret()).await, refused_everywhere("revoked"));
        server.restart().await;
        assert_eq!(at_every_door(&server, ci.secret()).await, refused_everywhere("revoked"));
    }
}

/// Why a second start on the data of `server` is refused.
async fn refusal(server: &TestServer, backend: Backend) -> String {
    let mut builder = TestServer::builder()
        .backend(backend)
        .seed(2)
        .without_administrator();
    builder = builder.setting("data_dir", server.data_dir().to_str().unwrap());
    if let Some(url) = server.database_url() {
        builder = builder.setting("database", url);
    }
    let Err(error) = builder.try_start().await else {
        panic!("the server started")
    };
    format!("{error:#}")
}

#[tokio::test]
async fn a_database_without_its_key_file_refuses_to_start() {
    for backend in Backend::all() {
        let mut server = TestServer::start_on(backend).await;
        let pepper = text(&server.admin().get("/v1/peppers").await.json(), "/data/0/id");
        server.stop().await;
        let keys = server.data_dir().join("keys/peppers");
        let kept = std::fs::read(&keys).unwrap();

        std::fs::remove_file(&keys).unwrap();
        let without = refusal(&server, backend).await;
        assert!(
            !keys.exists(),
            "a lost key file is not replaced by a new key in silence"
        );

        assert!(
            without.contains(&pepper),
            "it says which pepper is missing: {without}"
        );
        std::fs::write(&keys, kept).unwrap();
        std::fs::set_permissions(&keys, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        server.restart().await;
        server.admin().get("/v1/tokens/self").await.expect_status(200);
    }
}

#[tokio::test]
async fn keys_that_others_can_read_stop_the_start() {
    let mut server = TestServer::start().await;
    server.stop().await;
    let keys = server.data_dir().join("keys/peppers");

    for mode in [0o640, 0o604, 0o666] {
        std::fs::set_permissions(&keys, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        let refused = refusal(&server, Backend::Sqlite).await;
        assert!(refused.contains("peppers"), "{refused}");
    }
}

#[tokio::test]
async fn weak_keys_stop_the_start() {
    let mut server = TestServer::start().await;
    server.stop().await;
    let path = server.data_dir().join("keys/peppers");
    let keys = std::fs::read_to_string(&path).unwrap();
    let key = keys
        .split_whitespace()
        .find(|word| word.len() == 64)
        .expect("256 bits in hex")
        .to_owned();

    for weak in [
        keys.replace(&key, &key[..62]),
        keys.replace(&key, ""),
        keys.replace(&key, &key.replace(&key[..1], "g")),
        String::new(),
    ] {
        std::fs::write(&path, weak).unwrap();
        let refused = refusal(&server, Backend::Sqlite).await;
        assert!(!refused.contains(&key[8..56]), "the key itself is not shown");
    }
}
