//! `POST /v1/audit/verify`: whoever may write to the database can change the trail, and not unseen.

use std::fmt::Write as _;

use claviger_domain::Timestamp;
use claviger_domain::audit::Event;
use claviger_testkit::{TestRandom, TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::asking::text;
use crate::scan::unhex;
use crate::tamper::Database;

/// `intact`, or the fault's place and code.
async fn verdict(server: &TestServer) -> String {
    let verdict = server.admin().post("/v1/audit/verify", Value::Null).await;
    assert_eq!(verdict.status, 200, "{}", verdict.text());
    let verdict = verdict.json();
    match verdict["intact"].as_bool() {
        Some(true) => "intact".to_owned(),
        _ => format!("{} at {}", text(&verdict, "/fault/code"), verdict["fault"]["seq"]),
    }
}

/// All that is hashed of an event, but its place.
const COLUMNS: &str = "at, org_id, actor, via, action, subject, detail, request_id, address";

/// One event.
async fn report(server: &TestServer, version: &str) {
    let body = json!({ "service": "search", "version": version });
    server
        .admin()
        .post("/v1/deployments", body)
        .await
        .expect_status(201);
}

/// A trail of twelve events, anchored outside the database as each minute does.
async fn a_trail(server: &TestServer) -> Database {
    for version in 1..=10 {
        report(server, &version.to_string()).await;
    }
    server.flush().await;
    let database = Database::of(server).await;
    database
        .execute("CREATE TABLE kept AS SELECT * FROM audit_event")
        .await;
    database
        .execute("CREATE TABLE kept_head AS SELECT * FROM head")
        .await;
    database
}

async fn restore(database: &Database) {
    database
        .execute("DELETE FROM audit_event; INSERT INTO audit_event SELECT * FROM kept")
        .await;
    database
        .execute("DELETE FROM head; INSERT INTO head SELECT * FROM kept_head")
        .await;
}

on_both_stores! {
    async fn an_untouched_trail_is_intact(server: TestServer) {
        a_trail(&server).await;

        server.admin().post("/v1/audit/verify", Value::Null).await.expect(expect![[r#"
            200 {
              "intact": true,
              "events": 12,
              "head_seq": 12,
              "head_hash": "3b16dff2b1ffbd812395bfe08540b62094dac0bbb79ce48ef37ce50869685cec",
              "fault": null
            }"#]]);
    }
}

on_both_stores! {
    async fn every_kind_of_change_is_found(server: TestServer) {
        let database = a_trail(&server).await;
        let hash = database.blob(&[7; 32]);
        let move_to = |(to, from): (u64, u64)| format!("UPDATE audit_event SET seq = {to} WHERE seq = {from};");
        let tampering = [
            ("another time", "UPDATE audit_event SET at = at + 1 WHERE seq = 5".to_owned()),
            ("another organization", "UPDATE audit_event SET org_id = org_id + 1 WHERE seq = 5".into()),
            ("another actor", "UPDATE audit_event SET actor = 'system' WHERE seq = 5".into()),
            ("another token", "UPDATE audit_event SET via = 'tok_0000000000001' WHERE seq = 5".into()),
            ("no token", "UPDATE audit_event SET via = NULL WHERE seq = 5".into()),
            ("another action", "UPDATE audit_event SET action = 'token.issued' WHERE seq = 5".into()),
            ("another subject", "UPDATE audit_event SET subject = 'x' WHERE seq = 5".into()),
            ("another detail", "UPDATE audit_event SET detail = '{}' WHERE seq = 5".into()),
            ("another request", "UPDATE audit_event SET request_id = 'x' WHERE seq = 5".into()),
            ("another address", "UPDATE audit_event SET address = '192.0.2.7' WHERE seq = 5".into()),
            ("another link", format!("UPDATE audit_event SET hash = {hash} WHERE seq = 5")),
            ("one event gone", "DELETE FROM audit_event WHERE seq = 5".into()),
            ("the first gone", "DELETE FROM audit_event WHERE seq = 1".into()),
            ("the tail gone", "DELETE FROM audit_event WHERE seq > 10".into()),
            ("all gone", "DELETE FROM audit_event".into()),
            ("two exchanged", [(1000, 5), (5, 6), (6, 1000)].map(move_to).concat()),
            ("one invented at the end", format!("INSERT INTO audit_event SELECT 13, {COLUMNS}, {hash} FROM audit_event WHERE seq = 12")),
            ("the head's place", "UPDATE head SET seq = seq - 1 WHERE name = 'audit'".into()),
            ("the head's link", format!("UPDATE head SET hash = {hash} WHERE name = 'audit'")),
            ("the head's seal", format!("UPDATE head SET mac = {hash} WHERE name = 'audit'")),
            ("the head gone", "DELETE FROM head WHERE name = 'audit'".into()),
            ("everything gone", "DELETE FROM audit_event; DELETE FROM head".into()),
        ];
        let mut said = String::new();

        for (what, sql) in tampering {
            database.execute(&sql).await;
            writeln!(said, "{what}: {}", verdict(&server).await).unwrap();
            restore(&database).await;
            assert_eq!(verdict(&server).await, "intact", "{what} was undone");
        }

        expect![[r#"
            another time: event_changed at 5
            another organization: event_changed at 5
            another actor: event_changed at 5
            another token: event_changed at 5
            no token: event_changed at 5
            another action: event_changed at 5
            another subject: event_changed at 5
            another detail: event_changed at 5
            another request: event_changed at 5
            another address: event_changed at 5
            another link: event_changed at 5
            one event gone: event_missing at 5
            the first gone: event_missing at 1
            the tail gone: tail_missing at 12
            all gone: tail_missing at 12
            two exchanged: event_changed at 5
            one invented at the end: head_changed at 13
            the head's place: head_changed at 12
            the head's link: head_changed at 12
            the head's seal: head_changed at 12
            the head gone: head_changed at 1
            everything gone: head_changed at 12
        "#]].assert_eq(&said);
    }
}

on_both_stores! {
    async fn an_older_head_with_its_shorter_trail_contradicts_the_anchor(server: TestServer) {
        let database = a_trail(&server).await;
        report(&server, "hidden").await;
        assert_eq!(verdict(&server).await, "intact");
        server.flush().await;

        // The whole state of an hour ago, seals and all.
        restore(&database).await;

        assert_eq!(verdict(&server).await, "tail_missing at 13");
    }
}

on_both_stores! {
    async fn a_chain_that_was_computed_anew_is_not_sealed(server: TestServer) {
        let database = a_trail(&server).await;

        // All that somebody can do who knows the format and has no key: a rewritten event, all links after it, the head.
        let rows = database.rows(&format!("SELECT seq, {COLUMNS} FROM audit_event ORDER BY seq")).await;
        let mut before = vec![0; 32];
        for row in rows {
            let optional = |cell: &str| (cell != "∅").then(|| cell.to_owned());
            let mut event = Event {
                seq: row[0].parse().unwrap(),
                at: Timestamp::from_micros(row[1].parse().unwrap()),
                org: claviger_domain::OrgId::from_i64(row[2].parse().unwrap()),
                actor: row[3].clone(),
                via: optional(&row[4]),
                action: row[5].clone(),
                subject: row[6].clone(),
                detail: row[7].clone(),
                request_id: row[8].clone(),
                address: optional(&row[9]),
            };
            if event.seq == 12 {
                event.actor = "system".to_owned();
                database.execute("UPDATE audit_event SET actor = 'system' WHERE seq = 12").await;
            }
            before = Sha256::new().chain_update(&before).chain_update(event.canonical_bytes()).finalize().to_vec();
            let link = database.blob(&before);
            database.execute(&format!("UPDATE audit_event SET hash = {link} WHERE seq = {}", event.seq)).await;
        }
        let head = database.blob(&before);
        assert!(verdict(&server).await != "intact");
        database.execute(&format!("UPDATE head SET hash = {head} WHERE name = 'audit'")).await;

        assert!(verdict(&server).await != "intact");
    }
}

on_both_stores! {
    async fn a_change_before_the_anchor_is_found_even_with_a_stolen_head_key(server: TestServer) {
        let database = a_trail(&server).await;
        let anchor = std::fs::read_to_string(server.data_dir().join("keys/audit-anchor")).unwrap();

        let head = database.rows("SELECT seq, hash FROM head WHERE name = 'audit'").await;

        assert!(anchor.contains(&head[0][1]), "the anchor vouches for the head outside the database");
        assert!(anchor.split_whitespace().next() == Some(head[0][0].as_str()));
    }
}

/// The SQL that flips one random bit of the stored trail; `None` when there was nothing to flip, or the store would not take it.
async fn flip(database: &Database, random: &TestRandom) -> Option<String> {
    const INTEGERS: [&str; 3] = ["seq", "at", "org_id"];
    const TEXTS: [&str; 7] = [
        "actor",
        "via",
        "action",
        "subject",
        "detail",
        "request_id",
        "address",
    ];
    let row = format!("seq = {}", 1 + random.below(12));
    let head = || "name = 'audit'".to_owned();
    match usize::try_from(random.below(14)).unwrap() {
        place @ 0..3 => {
            let column = INTEGERS[place];
            let bit = 1_i64 << random.below(62);
            let flipped = format!("({column} | {bit}) - ({column} & {bit})");
            Some(format!("UPDATE audit_event SET {column} = {flipped} WHERE {row}"))
        }
        place @ 3..10 => flip_text(database, random, TEXTS[place - 3], &row).await,
        10 | 11 => Some(flip_blob(database, random, "audit_event", "hash", row).await),
        12 => Some(flip_blob(database, random, "head", "hash", head()).await),
        _ => Some(flip_blob(database, random, "head", "mac", head()).await),
    }
}

async fn flip_text(database: &Database, random: &TestRandom, column: &str, row: &str) -> Option<String> {
    let query = format!("SELECT {column} FROM audit_event WHERE {row}");
    let mut bytes = database.rows(&query).await.remove(0).remove(0).into_bytes();
    // Absent or empty, or no character of its own any more: both stores take ASCII without NUL.
    let at = usize::try_from(random.below(bytes.len().max(1) as u64)).unwrap();
    let byte = bytes.get_mut(at).filter(|byte| byte.is_ascii())?;
    *byte ^= 1 << random.below(7);
    let text = String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'))?;
    let text = text.replace('\'', "''");
    Some(format!("UPDATE audit_event SET {column} = '{text}' WHERE {row}"))
}

async fn flip_blob(
    database: &Database,
    random: &TestRandom,
    table: &str,
    column: &str,
    row: String,
) -> String {
    let query = format!("SELECT {column} FROM {table} WHERE {row}");
    let mut bytes = unhex(&database.rows(&query).await[0][0]);
    let at = usize::try_from(random.below(bytes.len() as u64)).unwrap();
    bytes[at] ^= 1 << random.below(8);
    format!(
        "UPDATE {table} SET {column} = {} WHERE {row}",
        database.blob(&bytes)
    )
}

/// Flips `rounds` random bits of the stored trail, one at a time; gives those that nobody saw.
async fn unseen_flips(server: &TestServer, rounds: u32) -> Vec<String> {
    let database = a_trail(server).await;
    let random = TestRandom::new(28);
    let mut unseen = Vec::new();
    let mut flipped = 0;
    while flipped < rounds {
        let Some(sql) = flip(&database, &random).await else {
            continue;
        };
        // A flipped place may be taken; then the store itself refuses.
        if database.try_execute(&sql).await.is_err() {
            continue;
        }
        flipped += 1;
        if verdict(server).await == "intact" {
            unseen.push(sql);
        }
        restore(&database).await;
    }
    assert_eq!(verdict(server).await, "intact");
    unseen
}

#[tokio::test]
async fn of_1000_flipped_bits_all_are_found() {
    let server = TestServer::start().await;

    assert_eq!(unseen_flips(&server, 1_000).await, Vec::<String>::new());
}

#[tokio::test]
async fn of_200_flipped_bits_on_postgresql_all_are_found() {
    let server = TestServer::start_on(claviger_testkit::Backend::Postgres).await;

    assert_eq!(unseen_flips(&server, 200).await, Vec::<String>::new());
}

on_both_stores! {
    async fn text_that_is_no_text_is_a_fault_and_no_failure(server: TestServer) {
        let database = a_trail(&server).await;
        let sql = match &database {
            // PostgreSQL refuses such bytes itself.
            Database::Postgres(_) => "UPDATE audit_event SET detail = 'no JSON' WHERE seq = 5",
            Database::Sqlite(_) => "UPDATE audit_event SET detail = CAST(x'ff00fe' AS TEXT) WHERE seq = 5",
        };

        database.execute(sql).await;

        assert_eq!(verdict(&server).await, "event_changed at 5");
    }
}

on_both_stores! {
    async fn the_trail_goes_on_after_a_restart(mut server: TestServer) {
        a_trail(&server).await;

        server.restart().await;
        report(&server, "after").await;

        assert_eq!(verdict(&server).await, "intact");
    }
}
