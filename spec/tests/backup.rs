//! Backup and restore: nothing that was acknowledged as ended is accepted after a restore (T26).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use claviger_testkit::{Answer, Backend, Caller, TestServer, binary::claviger_binary, postgres};
use serde_json::{Value, json};

use crate::asking::{at_every_door, decision, refused_everywhere, text, verified, whole_list};

/// `claviger backup` or `restore` on the data of this server.
fn claviger(server: &TestServer, arguments: &[&str]) -> Output {
    Command::new(claviger_binary())
        .args(arguments)
        .env_clear()
        .env("CLAVIGER_DATA_DIR", server.data_dir())
        .current_dir(server.data_dir())
        .output()
        .unwrap()
}

fn backup(server: &TestServer) -> PathBuf {
    let file = server.data_dir().join("backup.db");
    let output = claviger(server, &["backup", "--to", file.to_str().unwrap()]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    file
}

/// Puts the backup back and starts; the server must have been stopped.
async fn restored(server: &mut TestServer, backup: &Path) {
    let database = server.data_dir().join("claviger.db");
    for log in ["claviger.db-wal", "claviger.db-shm"] {
        let _ = fs::remove_file(server.data_dir().join(log));
    }
    fs::copy(backup, database).unwrap();
    server.restart().await;
}

fn journal(server: &TestServer) -> PathBuf {
    server.data_dir().join("revocations.journal")
}

async fn revoke(server: &TestServer, token: &Caller) -> Answer {
    let path = format!("/v1/tokens/{}/revoke", token.id());
    server.admin().post(&path, Value::Null).await
}

async fn post(server: &TestServer, path: &str) -> Answer {
    let answer = server.admin().post(path, Value::Null).await;
    assert!(answer.status < 300, "{path}: {}", answer.text());
    answer
}

#[tokio::test]
async fn t26_of_a_thousand_tokens_revoked_after_the_backup_none_is_valid_after_the_restore() {
    let mut server = TestServer::start().await;
    let mut tokens = Vec::new();
    for number in 0..1_000 {
        tokens.push(server.token().name(&format!("doomed {number}")).issue().await);
    }
    let kept = server.token().name("kept").issue().await;
    let backup = backup(&server);
    for chunk in tokens.chunks(250) {
        let ids: Vec<_> = chunk.iter().map(Caller::id).collect();
        let answer = server
            .admin()
            .post("/v1/tokens/revoke", json!({ "ids": ids }))
            .await;
        answer.expect_status(200);
    }
    server.stop().await;

    restored(&mut server, &backup).await;

    let mut valid = 0;
    for token in &tokens {
        valid += u32::from(decision(server.admin(), token.secret()).await != "revoked");
    }
    assert_eq!(valid, 0);
    assert_eq!(decision(server.admin(), kept.secret()).await, "valid");
    let record = server
        .admin()
        .get(&format!("/v1/tokens/{}", tokens[0].id()))
        .await;
    assert_eq!(record.at("/revoke_reason"), "restored");
    assert_eq!(record.at("/revoked_by"), "system");
    let events = whole_list(server.admin(), "/v1/audit/events?action=store.restored").await;
    assert_eq!(events.len(), 1, "and the trail says so");
    server.restart().await;
    assert_eq!(decision(server.admin(), tokens[999].secret()).await, "revoked");
    let events = whole_list(server.admin(), "/v1/audit/events?action=store.restored").await;
    assert_eq!(events.len(), 1, "once");
}

#[tokio::test]
async fn t26_whatever_ended_or_narrowed_after_the_backup_has_after_the_restore() {
    let mut server = TestServer::start().await;
    let named = async |name: &str| server.token().name(name).issue().await;
    let (regenerated, deleted, narrowed) = (
        named("regenerated").await,
        named("deleted").await,
        named("narrowed").await,
    );
    let (overlapping, finished, shortened) = (
        named("overlapping").await,
        named("finished").await,
        named("shortened").await,
    );
    let path = |token: &Caller, rest: &str| format!("/v1/tokens/{}{rest}", token.id());
    let overlap = json!({ "overlap_seconds": 3600 });
    let both = server
        .admin()
        .post(&path(&finished, "/regenerate"), overlap.clone())
        .await;
    let finished_new = both.expect_status(200).at("/secret");
    let invited = server
        .admin()
        .post("/v1/invitations", json!({ "email": "grace@example.org" }))
        .await;
    let accept = json!({ "invitation": invited.at("/secret"), "name": "Grace Hopper", "password": "velvet hammer 7 clouds" });
    let open = server
        .admin()
        .post("/v1/invitations", json!({ "email": "eve@example.org" }))
        .await;
    let joined = server
        .anonymous()
        .post("/v1/invitations/accept", accept)
        .await
        .expect_status(201)
        .json();
    let backup = backup(&server);

    post(&server, &path(&regenerated, "/regenerate")).await;
    revoke(&server, &deleted).await.expect_status(200);
    server
        .admin()
        .delete(&path(&deleted, ""))
        .await
        .expect_status(204);
    let body = json!({ "scopes": ["deployments:read"] });
    server
        .admin()
        .patch(&path(&narrowed, ""), body)
        .await
        .expect_status(200);
    let body = json!({ "expires_at": "2026-11-22T10:05:00Z" });
    server
        .admin()
        .patch(&path(&shortened, ""), body)
        .await
        .expect_status(200);
    let second = server
        .admin()
        .post(&path(&overlapping, "/regenerate"), overlap)
        .await;
    post(&server, &path(&overlapping, "/regenerate/finish")).await;
    post(&server, &path(&finished, "/regenerate/finish")).await;
    post(
        &server,
        &format!("/v1/users/{}/deactivate", text(&joined, "/token/owner")),
    )
    .await;
    server.clock().advance(Duration::from_secs(301));
    server.stop().await;
    restored(&mut server, &backup).await;

    for gone in [&regenerated, &deleted, &overlapping] {
        assert_eq!(
            at_every_door(&server, gone.secret()).await,
            refused_everywhere("revoked")
        );
    }
    assert_eq!(
        decision(server.admin(), &second.at("/secret")).await,
        "unknown",
        "it is younger than the backup"
    );
    assert_eq!(decision(server.admin(), finished.secret()).await, "unknown");
    assert_eq!(
        decision(server.admin(), &finished_new).await,
        "valid",
        "its old secret alone had ended"
    );
    assert_eq!(decision(server.admin(), shortened.secret()).await, "expired");
    assert_eq!(
        decision(server.admin(), &text(&joined, "/secret")).await,
        "revoked"
    );
    let accept =
        json!({ "invitation": open.at("/secret"), "name": "Eve", "password": "velvet hammer 7 clouds" });
    let accepted = server.anonymous().post("/v1/invitations/accept", accept).await;
    assert_eq!(accepted.status, 410, "what has no line in the journal ends too");
    let seen = verified(server.admin(), narrowed.secret()).await;
    assert_eq!(seen["token"]["scopes"], json!(["deployments:read"]));
}

#[tokio::test]
async fn t26_conditions_and_the_policy_are_after_the_restore_what_they_were_last() {
    let mut server = TestServer::start().await;
    let in_addresses = async |allowed: bool| {
        let changed = crate::policy::changed(&server, json!({ "query_tokens": allowed })).await;
        changed.expect_status(200);
    };
    in_addresses(true).await;
    let sender = server.token().name("sender").scopes(["deployments:write"]);
    let sender = sender.field("allow_query", true).issue().await;
    let (roaming, busy) = (
        server.token().name("roaming").issue().await,
        server.token().name("busy").issue().await,
    );
    let report = async |server: &TestServer| {
        let path = format!("/v1/deployments?token={}", sender.secret());
        let body = json!({ "service": "search", "version": "1" });
        server.anonymous().post(&path, body).await.status
    };
    assert_eq!(report(&server).await, 201);
    let backup = backup(&server);

    in_addresses(false).await;
    let bind = async |token: &Caller, terms: Value| {
        let path = format!("/v1/tokens/{}", token.id());
        server.admin().patch(&path, terms).await.expect_status(200);
    };
    bind(&roaming, json!({ "networks": ["192.0.2.0/24"] })).await;
    bind(
        &busy,
        json!({ "rate_limit": { "requests": 1, "per_seconds": 60 } }),
    )
    .await;
    assert_eq!(report(&server).await, 401);
    server.stop().await;
    restored(&mut server, &backup).await;

    assert_eq!(report(&server).await, 401);
    assert_eq!(decision(server.admin(), roaming.secret()).await, "restricted");
    let twice = [
        decision(server.admin(), busy.secret()).await,
        decision(server.admin(), busy.secret()).await,
    ];
    assert_eq!(twice, ["valid", "rate_limited"]);
}

#[tokio::test]
async fn t26_what_has_no_lines_ends_though_nothing_else_had_ended() {
    let mut server = TestServer::start().await;
    let mail = json!({ "email": "eve@example.org" });
    let open = server.admin().post("/v1/invitations", mail).await;
    let feed = server
        .admin()
        .post("/v1/calendar-feeds", json!({ "name": "ends" }))
        .await;
    let backup = backup(&server);
    let of = |made: &Answer, noun: &str| text(&made.json(), &format!("/{noun}/id"));
    for path in [
        format!("/v1/invitations/{}", of(&open, "invitation")),
        format!("/v1/calendar-feeds/{}", of(&feed, "feed")),
    ] {
        server.admin().delete(&path).await.expect_status(204);
    }
    server.stop().await;
    restored(&mut server, &backup).await;

    let accept =
        json!({ "invitation": open.at("/secret"), "name": "Eve", "password": "velvet hammer 7 clouds" });
    let accepted = server.anonymous().post("/v1/invitations/accept", accept).await;
    assert_eq!(accepted.status, 410);
    let feeds = server
        .admin()
        .get("/v1/calendar-feeds")
        .await
        .expect_status(200)
        .text();
    assert!(!feeds.contains("ends"), "{feeds}");
}

#[tokio::test]
async fn t26_a_database_that_a_backup_had_replaced_and_that_is_put_back_revives_nothing() {
    let mut server = TestServer::start().await;
    let (first, second) = (
        server.token().name("first").issue().await,
        server.token().name("second").issue().await,
    );
    let backup = backup(&server);
    // The one that is to be replaced goes on: further than its successor will ever come.
    revoke(&server, &first).await.expect_status(200);
    for number in 0..9 {
        server.token().name(&format!("later {number}")).issue().await;
    }
    server.stop().await;
    let database = server.data_dir().join("claviger.db");
    let replaced = server.data_dir().join("replaced.db");
    fs::copy(&database, &replaced).unwrap();
    server.clock().advance(Duration::from_secs(1));
    restored(&mut server, &backup).await;
    assert_eq!(decision(server.admin(), second.secret()).await, "valid");
    revoke(&server, &second).await.expect_status(200);
    server.stop().await;

    restored(&mut server, &replaced).await;

    for ended in [&first, &second] {
        assert_eq!(decision(server.admin(), ended.secret()).await, "revoked");
    }
}

#[tokio::test]
async fn places_in_the_feed_go_on_beyond_those_that_were_lost() {
    let mut server = TestServer::start().await;
    let (first, second) = (
        server.token().name("first").issue().await,
        server.token().name("second").issue().await,
    );
    let backup = backup(&server);
    let before = revoke(&server, &first).await.json()["receipt"]["epoch"].as_u64();
    server.stop().await;
    restored(&mut server, &backup).await;

    let after = revoke(&server, &second).await.json()["receipt"]["epoch"].as_u64();

    assert!(after > before, "{after:?} after {before:?}");
    server.stop().await;
    restored(&mut server, &backup).await;
    for token in [&first, &second] {
        assert_eq!(
            decision(server.admin(), token.secret()).await,
            "revoked",
            "a second restore"
        );
    }
}

#[tokio::test]
async fn without_its_journal_a_store_does_not_start_and_with_another_neither() {
    let mut server = TestServer::start().await;
    let token = server.token().issue().await;
    let backup = backup(&server);
    revoke(&server, &token).await.expect_status(200);
    server.stop().await;
    let other = TestServer::builder().seed(2).start().await;
    let kept = fs::read(journal(&server)).unwrap();
    fs::copy(&backup, server.data_dir().join("claviger.db")).unwrap();

    fs::remove_file(journal(&server)).unwrap();
    let missing = server.try_restart().await.unwrap_err();
    fs::copy(journal(&other), journal(&server)).unwrap();
    let foreign = server.try_restart().await.unwrap_err();
    let mut damaged = kept.clone();
    let place = damaged.len() - 5;
    damaged[place] ^= 1;
    fs::write(journal(&server), damaged).unwrap();
    let damaged = server.try_restart().await.unwrap_err();

    for (error, says) in [
        (missing, "is missing"),
        (foreign, "another store's"),
        (damaged, "is damaged"),
    ] {
        let sentence = format!("{error:#}");
        assert!(
            sentence.contains(says) && sentence.contains("--accept-without-journal"),
            "{sentence}"
        );
    }
    fs::write(journal(&server), kept).unwrap();
    server.restart().await;
    assert_eq!(decision(server.admin(), token.secret()).await, "revoked");
}

#[tokio::test]
async fn who_has_lost_the_journal_gives_up_every_token() {
    let mut server = TestServer::start().await;
    let token = server.token().issue().await;
    let backup = backup(&server);
    server.stop().await;
    fs::remove_file(journal(&server)).unwrap();

    let refused = claviger(&server, &["restore", "--from", backup.to_str().unwrap()]);
    let accepted = claviger(&server, &["restore", "--accept-without-journal"]);

    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is missing"));
    assert!(
        accepted.status.success(),
        "{}",
        String::from_utf8_lossy(&accepted.stderr)
    );
    server.restart().await;
    for dead in [server.admin(), &token] {
        server
            .bearer(dead.secret())
            .get("/v1/tokens/self")
            .await
            .expect_status(401);
    }
    server.stop().await;
    let reissued = claviger(&server, &["init", "--admin", "admin@example.org", "--reissue"]);
    let secret = String::from_utf8(reissued.stdout).unwrap();
    server.restart().await;
    let admin = server.bearer(secret.trim());
    assert_eq!(decision(&admin, token.secret()).await, "revoked");
}

#[tokio::test]
async fn who_knows_that_the_database_is_the_newest_begins_another_journal() {
    let mut server = TestServer::start().await;
    let (live, dead) = (
        server.token().name("live").issue().await,
        server.token().name("dead").issue().await,
    );
    let backup = backup(&server);
    revoke(&server, &dead).await.expect_status(200);
    server.stop().await;
    fs::remove_file(journal(&server)).unwrap();

    let begun = claviger(&server, &["restore", "--database-is-newest"]);

    assert!(
        begun.status.success(),
        "{}",
        String::from_utf8_lossy(&begun.stderr)
    );
    server.restart().await;
    assert_eq!(decision(server.admin(), live.secret()).await, "valid");
    server.stop().await;
    // The new journal knows what the database knew, but an old copy names the lost one.
    fs::copy(&backup, server.data_dir().join("claviger.db")).unwrap();
    let old = server.try_restart().await.unwrap_err();
    assert!(format!("{old:#}").contains("another store's"), "{old:#}");
}

#[tokio::test]
async fn what_a_crash_kept_from_the_journal_is_written_at_the_next_start() {
    let mut server = TestServer::start().await;
    let token = server.token().issue().await;
    let backup = backup(&server);
    let before = fs::read(journal(&server)).unwrap();
    revoke(&server, &token).await.expect_status(200);
    server.stop().await;

    // The change is committed and the journal does not know: killed in between. And torn in the middle of the line.
    let after = fs::read(journal(&server)).unwrap();
    assert!(after.len() > before.len());
    for left in [before.len(), before.len() + 20] {
        fs::write(journal(&server), &after[..left]).unwrap();
        server.restart().await;
        server.stop().await;
        assert_eq!(fs::read(journal(&server)).unwrap(), after);
    }
    restored(&mut server, &backup).await;

    assert_eq!(decision(server.admin(), token.secret()).await, "revoked");
}

#[tokio::test]
async fn a_backup_is_taken_under_load_and_restored_by_the_command() {
    let mut server = TestServer::start().await;
    let doomed = server.token().name("doomed").issue().await;
    let issuing = tokio::spawn({
        let admin = server.admin().clone();
        async move {
            for number in 0..200 {
                let body = json!({ "name": format!("during {number}"), "scopes": ["tokens:read"] });
                admin.post("/v1/tokens", body).await.expect_status(201);
            }
        }
    });
    let data = server.data_dir().to_owned();
    let file = data.join("under-load.db");
    let output = tokio::task::spawn_blocking({
        let file = file.clone();
        move || {
            Command::new(claviger_binary())
                .args(["backup", "--json", "--to", file.to_str().unwrap()])
                .env_clear()
                .env("CLAVIGER_DATA_DIR", &data)
                .current_dir(&data)
                .output()
                .unwrap()
        }
    });
    let output = output.await.unwrap();
    issuing.await.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let again = claviger(&server, &["backup", "--to", file.to_str().unwrap()]);
    assert!(!again.status.success(), "a backup overwrites nothing");
    revoke(&server, &doomed).await.expect_status(200);
    let beside = claviger(&server, &["restore", "--from", file.to_str().unwrap()]);
    assert!(
        String::from_utf8_lossy(&beside.stderr).contains("is in use"),
        "a server runs"
    );
    server.stop().await;
    let nonsense = claviger(
        &server,
        &["restore", "--from", journal(&server).to_str().unwrap()],
    );
    assert!(String::from_utf8_lossy(&nonsense.stderr).contains("no backup of Claviger"));

    let restored = claviger(&server, &["restore", "--from", file.to_str().unwrap()]);

    assert!(
        restored.status.success(),
        "{}",
        String::from_utf8_lossy(&restored.stderr)
    );
    server.restart().await;
    assert_eq!(decision(server.admin(), doomed.secret()).await, "revoked");
    let report = server.admin().post("/v1/audit/verify", Value::Null).await;
    report.expect_status(200);
    assert!(server.data_dir().join("claviger.db.replaced").exists());
}

fn run_postgres(name: &str, arguments: &[&str]) {
    let output = Command::new(postgres::program(name))
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
async fn on_postgresql_the_journal_does_the_same() {
    let mut server = TestServer::start_on(Backend::Postgres).await;
    let tokens = [
        server.token().name("first").issue().await,
        server.token().name("second").issue().await,
    ];
    let dump = server.data_dir().join("database.dump");
    let url = server.database_url().unwrap().to_owned();
    run_postgres(
        "pg_dump",
        &[
            "--format=custom",
            "--file",
            dump.to_str().unwrap(),
            "--dbname",
            &url,
        ],
    );
    for token in &tokens {
        revoke(&server, token).await.expect_status(200);
    }
    server.stop().await;

    let load = [
        "--clean",
        "--if-exists",
        "--exit-on-error",
        "--dbname",
        &url,
        dump.to_str().unwrap(),
    ];
    run_postgres("pg_restore", &load);
    server.restart().await;

    for token in &tokens {
        assert_eq!(
            at_every_door(&server, token.secret()).await,
            refused_everywhere("revoked")
        );
    }
}
