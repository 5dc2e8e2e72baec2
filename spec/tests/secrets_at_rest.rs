//! A thief of the database, of a backup or of the logs holds nothing that verifies (security.md T1).

use std::collections::HashSet;
use std::path::PathBuf;
use std::str::FromStr as _;

use claviger_domain::TokenId;
use claviger_testkit::{TestRandom, TestServer, on_both_stores};
use claviger_token::{Prefix, TokenType, generate};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::asking::{decision, unknown_token};
use crate::scan::{Scanner, unhex};
use crate::tamper::{Database, TABLES};

const TOKENS: usize = 1_000;

/// Issues, verifies and regenerates, so that every path a secret takes has been taken; gives all the secrets.
async fn busy_life(server: &mut TestServer) -> Vec<String> {
    let admin = server.admin();
    let mut secrets = vec![admin.secret().to_owned()];
    for place in 0..TOKENS {
        let body = json!({ "name": format!("token {place}"), "scopes": ["deployments:write"] });
        let keyed = admin.header("idempotency-key", &format!("key-{place}"));
        let issued = keyed.post("/v1/tokens", body).await;
        secrets.push(issued.at("/secret"));
        assert_eq!(decision(admin, &issued.at("/secret")).await, "valid");
        if place % 10 == 0 {
            let path = format!("/v1/tokens/{}/regenerate", issued.at("/token/id"));
            let secret = admin.post(&path, Value::Null).await.at("/secret");
            misplace(server, &secret).await;
            secrets.push(secret);
        }
    }
    server.restart().await;
    secrets
}

/// Puts a secret where a person might put it by mistake, and reports it as found.
async fn misplace(server: &TestServer, secret: &str) {
    let (admin, bearer) = (server.admin(), server.bearer(secret));
    let (token, name) = (json!({ "token": secret }), json!({ "name": 7, secret: secret }));
    let scope = json!({ "name": "ok name", "scopes": [secret] });
    let address = json!({ "token": "x", "address": secret });
    for (answer, status) in [
        (bearer.get(&format!("/v1/tokens?token={secret}")).await, 400),
        (
            bearer.header("x-request-id", secret).get("/v1/tokens/self").await,
            200,
        ),
        (admin.get(&format!("/v1/tokens/{secret}")).await, 404),
        (admin.get(&format!("/v1/tokens?q={secret}")).await, 200),
        (admin.post(&format!("/v1/{secret}"), token.clone()).await, 404),
        (admin.post("/v1/verify", address).await, 400),
        (admin.post("/v1/tokens", scope).await, 400),
        (admin.post("/v1/tokens", name).await, 400),
        (
            admin
                .header("idempotency-key", secret)
                .post("/v1/tokens", json!({}))
                .await,
            400,
        ),
        (
            server.anonymous().post("/v1/tokens/report-leak", token).await,
            200,
        ),
    ] {
        answer.expect_status(status);
    }
}

/// Every cell of every table, one a line, as the store would dump it.
pub(crate) async fn dump(database: &Database) -> Vec<u8> {
    let mut text = String::new();
    for table in TABLES {
        for row in database.rows(&format!("SELECT * FROM {table}")).await {
            text.push_str(&row.join("\t"));
            text.push('\n');
        }
    }
    text.into_bytes()
}

/// Where this server's data is on disk, and how much there is at least.
async fn directories(server: &TestServer, database: &Database) -> Vec<(PathBuf, usize)> {
    let own = server.data_dir().to_owned();
    if server.database_url().is_none() {
        return vec![(own, 1_000_000)];
    }
    // What waits in memory is written first. The log of all databases of the cluster is one.
    database.execute("CHECKPOINT").await;
    let place =
        "SELECT current_setting('data_directory'), oid FROM pg_database WHERE datname = current_database()";
    let row = database.rows(place).await.remove(0);
    let cluster = PathBuf::from(&row[0]);
    vec![
        (own, 100),
        (cluster.join("base").join(&row[1]), 1_000_000),
        (cluster.join("pg_wal"), 1_000_000),
    ]
}

/// The whole token, and its random part alone.
fn needles(secrets: &[String]) -> Scanner {
    Scanner::of(
        secrets
            .iter()
            .flat_map(|secret| [secret.as_bytes(), &secret.as_bytes()[5..37]]),
    )
}

on_both_stores! {
    async fn no_secret_is_written_anywhere_in_any_form(mut server: TestServer) {
        let secrets = busy_life(&mut server).await;
        assert!(secrets.len() >= TOKENS);
        assert_eq!(secrets.iter().collect::<HashSet<_>>().len(), secrets.len());
        let scanner = needles(&secrets);
        let database = Database::of(&server).await;
        let backup = server.data_dir().join("backup.db");
        if server.database_url().is_none() {
            database.execute(&format!("VACUUM INTO '{}'", backup.display())).await;
        }

        let cells = dump(&database).await;
        let log = server.log_lines().join("\n");
        let metrics = server.anonymous().get("/metrics").await.body;

        assert!(cells.len() > TOKENS * 100, "the dump is no empty page");
        assert!(log.len() > TOKENS * 100, "the log is no empty page");
        assert_eq!(scanner.hits(&cells), Vec::<&str>::new(), "the tables");
        assert_eq!(scanner.hits(log.as_bytes()), Vec::<&str>::new(), "the log");
        assert_eq!(scanner.hits(metrics.as_bytes()), Vec::<&str>::new(), "the metrics");
        // Database, write-ahead log, shared memory, backup, and the keys too.
        for (directory, at_least) in directories(&server, &database).await {
            assert_eq!(scanner.files(&directory, &[], at_least), vec![]);
        }
        server.stop().await;
        for (directory, at_least) in directories(&server, &database).await {
            assert_eq!(scanner.files(&directory, &[], at_least), vec![]);
        }
    }
}

on_both_stores! {
    async fn one_planted_secret_is_found(server: TestServer) {
        let planted = generate(&Prefix::default(), TokenType::Personal, &TestRandom::new(0x5eed)).unwrap();
        let planted = planted.expose().to_owned();
        let scanner = needles(std::slice::from_ref(&planted));
        let database = Database::of(&server).await;

        database.execute(&format!("INSERT INTO setting (key, value) VALUES ('planted', '{planted}')")).await;

        assert_eq!(scanner.hits(&dump(&database).await), ["raw", "raw"], "the whole and its random part");
        if server.database_url().is_none() {
            assert!(!scanner.files(server.data_dir(), &[], 1_000).is_empty());
        }
    }
}

on_both_stores! {
    async fn the_keys_are_not_in_the_database_nor_in_any_answer_or_log(mut server: TestServer) {
        server.admin().post("/v1/peppers/rotate", Value::Null).await.expect_status(200);
        server.restart().await;
        let file = std::fs::read_to_string(server.data_dir().join("keys/peppers")).unwrap();
        let hex: Vec<&str> = file.split_whitespace().filter(|word| word.len() == 64).collect();
        assert_eq!(hex.len(), 3, "two peppers and the audit key");
        let keys: Vec<Vec<u8>> = hex.iter().map(|key| unhex(key)).collect();
        let scanner = Scanner::of(keys.iter().map(Vec::as_slice));

        assert_eq!(scanner.hits(&dump(&Database::of(&server).await).await), Vec::<&str>::new());
        assert_eq!(scanner.hits(server.log_lines().join("\n").as_bytes()), Vec::<&str>::new());
        assert_eq!(scanner.files(server.data_dir(), &["keys/peppers"], 0), vec![]);
    }
}

on_both_stores! {
    async fn whoever_may_write_to_the_database_lets_no_token_in(mut server: TestServer) {
        // Tokens that the attacker knows: one of another installation, whose dump they have, and one of their own making.
        let elsewhere = TestServer::builder().seed(2).start().await;
        elsewhere.lift_shadow().await;
        let stolen = elsewhere.token().issue().await.secret().to_owned();
        let dump = Database::of(&elsewhere).await.rows("SELECT digest FROM token ORDER BY id").await;
        let made = unknown_token();
        let plain = |token: &str| Sha256::digest(token.as_bytes()).to_vec();
        let keyless = |token: &str| Sha256::digest(plain(token)).to_vec();
        let (first, second) = (server.token().issue().await, server.token().issue().await);
        let database = Database::of(&server).await;

        for (token, digests) in [
            (&stolen, vec![unhex(&dump[1][0]), plain(&stolen), keyless(&stolen)]),
            (&made, vec![plain(&made), keyless(&made)]),
        ] {
            for digest in digests {
                let planted = database.blob(&digest);
                let id = TokenId::from_str(first.id()).unwrap().get();
                database.execute(&format!("UPDATE token SET digest = {planted} WHERE id = {id}")).await;
                server.restart().await;
                assert_eq!(decision(server.admin(), token).await, "unknown");
            }
        }
        assert_eq!(decision(server.admin(), second.secret()).await, "valid");
    }
}
