//! Every answer to every caller, well-asked or not: no key, no digest, no secret that was not the caller's to see (security.md I2, I6).

use std::time::Duration;

use claviger_testkit::{Caller, TestServer, on_both_stores};
use serde_json::{Value, json};

use crate::asking::{ALL_SCOPES, unknown_token};
use crate::matrix::OPERATIONS;
use crate::scan::Scanner;
use crate::tamper::Database;

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// The peppers, the audit key, and every stored digest.
async fn guarded_bytes(server: &TestServer) -> Scanner {
    let file = std::fs::read_to_string(server.data_dir().join("keys/peppers")).unwrap();
    let mut needles: Vec<Vec<u8>> = file
        .split_whitespace()
        .filter(|word| word.len() == 64)
        .map(unhex)
        .collect();
    assert_eq!(needles.len(), 3, "two peppers and the audit key");
    let database = Database::of(server).await;
    for query in [
        "SELECT digest FROM token",
        "SELECT mac FROM head WHERE name = 'audit'",
        "SELECT key_hash FROM idempotency",
    ] {
        needles.extend(database.rows(query).await.iter().map(|row| unhex(&row[0])));
    }
    // The first half is what the index holds: it is as bad as the whole.
    let halves: Vec<Vec<u8>> = needles.iter().map(|needle| needle[..16].to_vec()).collect();
    Scanner::of(needles.iter().chain(&halves).map(Vec::as_slice))
}

async fn callers(server: &TestServer) -> Vec<(String, Caller)> {
    let mut callers = vec![
        ("nobody".to_owned(), server.anonymous().clone()),
        ("malformed".to_owned(), server.bearer("nonsense")),
        ("unknown".to_owned(), server.bearer(&unknown_token())),
        ("administrator".to_owned(), server.admin().clone()),
    ];
    for scope in ALL_SCOPES {
        callers.push((
            scope.to_owned(),
            server
                .token()
                .name(&format!("only {scope}"))
                .scopes([scope])
                .issue()
                .await,
        ));
    }
    let revoked = server.token().name("revoked caller").issue().await;
    server
        .admin()
        .post(&format!("/v1/tokens/{}/revoke", revoked.id()), Value::Null)
        .await
        .expect_status(200);
    let expired = server
        .token()
        .name("expired caller")
        .expires_in(Duration::from_secs(1))
        .issue()
        .await;
    server.clock().advance(Duration::from_secs(1));
    callers.extend([("revoked".to_owned(), revoked), ("expired".to_owned(), expired)]);
    callers
}

on_both_stores! {
    async fn no_answer_shows_a_key_a_digest_or_another_callers_secret(server: TestServer) {
        let callers = callers(&server).await;
        server.admin().post("/v1/peppers/rotate", Value::Null).await.expect_status(200);
        server.admin().header("idempotency-key", "k").post("/v1/deployments", json!({ "service": "s", "version": "1" })).await.expect_status(201);
        let keys = guarded_bytes(&server).await;
        let secrets: Vec<&str> = callers.iter().filter(|(kind, _)| kind != "nobody").map(|(_, caller)| caller.secret()).collect();
        let secrets = Scanner::of(secrets.iter().filter(|secret| secret.len() > 20).map(|secret| secret.as_bytes()));
        let mut asked = 0;

        for (kind, caller) in &callers {
            for operation in OPERATIONS.iter().filter(|operation| operation.method == "GET") {
                for id in [server.admin().id(), callers[4].1.id(), "tok_0000000000001", "'", "%00"] {
                    for query in ["", "?limit=200", "?limit=x", "?q=%25", "?sort=digest", "?sort=pepper_id", "?cursor=AAAA", "?fields=digest"] {
                        let answer = caller.get(&format!("{}{query}", operation.path.replace("{id}", id))).await;
                        assert_eq!(keys.hits(answer.body.as_bytes()), Vec::<&str>::new(), "{} as {kind}", operation.path);
                        assert_eq!(secrets.hits(answer.body.as_bytes()), Vec::<&str>::new(), "{} as {kind}", operation.path);
                        assert!(answer.status < 500, "{} as {kind}: {}", operation.path, answer.text());
                        asked += 1;
                        if !operation.path.contains("{id}") && id != server.admin().id() {
                            break;
                        }
                    }
                }
            }
        }
        assert!(asked > 1_000, "{asked}");
    }
}

/// Bodies of every operation with one value replaced by something else.
fn spoiled(body: &Value, planted: &str) -> Vec<Value> {
    let mut found = vec![json!(planted), json!([planted]), json!({ planted: planted })];
    for (field, _) in body.as_object().into_iter().flatten() {
        for value in [
            json!(planted),
            json!([planted]),
            json!([[planted]]),
            json!({ planted: planted }),
            json!(-1),
            json!(null),
            json!(true),
        ] {
            let mut spoiled = body.clone();
            spoiled[field] = value;
            found.push(spoiled);
        }
        let mut more = body.clone();
        more[planted] = json!(planted);
        found.push(more);
    }
    found
}

on_both_stores! {
    async fn a_refused_body_is_not_repeated_with_the_secret_in_it(server: TestServer) {
        let planted = unknown_token();
        let scanner = Scanner::of([planted.as_bytes(), &planted.as_bytes()[5..37]]);
        let guarded = guarded_after_rotation(&server).await;
        let mut refused = 0;

        for operation in OPERATIONS.iter().filter(|operation| operation.method != "GET") {
            for body in spoiled(&operation.body(), &planted) {
                let path = operation.path.replace("{id}", server.admin().id());
                // What would end the caller itself is not asked.
                if path.ends_with("/revoke") || path.ends_with("/regenerate") || operation.method == "PATCH" || path.ends_with("rotate") {
                    continue;
                }
                let answer = server.admin().request(operation.method(), &path, body.clone()).await;
                assert!(answer.status < 500, "{path} {body}: {}", answer.text());
                if answer.status < 400 {
                    continue;
                }
                refused += 1;
                assert_eq!(guarded.hits(answer.body.as_bytes()), Vec::<&str>::new(), "{path}");
                let whole = scanner.hits(answer.body.as_bytes());
                assert_eq!(whole, Vec::<&str>::new(), "{path} {body}: {}", answer.text());
            }
        }

        assert!(refused > 50, "{refused}");
        let log = server.log_lines().concat();
        assert_eq!(scanner.hits(log.as_bytes()), Vec::<&str>::new(), "nor is it logged");
    }
}

async fn guarded_after_rotation(server: &TestServer) -> Scanner {
    server
        .admin()
        .post("/v1/peppers/rotate", Value::Null)
        .await
        .expect_status(200);
    guarded_bytes(server).await
}
