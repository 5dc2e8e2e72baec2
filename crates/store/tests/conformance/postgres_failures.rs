//! What only a server can suffer: connections that break, at the worst moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use claviger_store::{Location, Options, Store, StoreError, Tx, settings};
use tokio::sync::mpsc;

use crate::home::{Home, NOW, eventually, get, keys, put};
use crate::postgres::{DatabaseUrl, Durability, Postgres};
use crate::proxy::{Cut, Proxy};

/// Ends every session of the store on this database.
fn end_sessions(url: &DatabaseUrl) {
    Postgres::shared().admin(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = '{}' AND application_name = 'claviger'",
        url.name()
    ));
}

#[tokio::test]
async fn a_connection_that_was_ended_is_replaced_before_the_next_write() {
    let home = Home::postgres();
    let (resynced, mut resyncs) = mpsc::unbounded_channel();
    let options = Options::new(NOW).resync(async move |tx: &mut Tx| {
        let seen = settings::get(tx, "before").await?;
        resynced.send(seen).map_err(|_| StoreError::Closed)
    });
    let store = home.open_with(options).await;
    put(&store, "before", "kept").await.unwrap();
    assert_eq!(get(&store, "before").await.as_deref(), Some("kept"));

    end_sessions(home.url.as_ref().unwrap());

    // The writer notices by itself; nobody has to write first.
    assert_eq!(resyncs.recv().await, Some(Some("kept".to_owned())));
    eventually(async || put(&store, "after", "").await).await;
    eventually(async || {
        store
            .read(async |tx: &mut Tx| settings::get(tx, "after").await)
            .await
    })
    .await;
    assert_eq!(keys(&store).await, ["after", "before"]);
    assert_eq!(store.stats().reconnects, 1);
    assert!(!store.stats().disconnected);
}

#[tokio::test]
async fn a_connection_that_breaks_within_an_operation_changes_nothing() {
    let home = Home::postgres();
    let store = home.open().await;
    let url = home.url.clone().unwrap();

    let outcome: Result<(), StoreError> = store
        .write(async move |tx: &mut Tx| {
            settings::put(tx, "within", "").await?;
            end_sessions(&url);
            settings::put(tx, "after", "").await
        })
        .await;

    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    eventually(async || put(&store, "healed", "").await).await;
    assert_eq!(keys(&store).await, ["healed"]);
}

/// Opens a store through a proxy, with a count of its resyncs.
async fn behind_proxy() -> (Home, Proxy, Store, Arc<AtomicU64>) {
    let direct = Postgres::shared().database();
    let proxy = Proxy::to(direct.port()).await;
    let home = Home::at(&direct.through_port(proxy.port));
    let resyncs = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&resyncs);
    let options = Options::new(NOW).resync(async move |tx: &mut Tx| {
        settings::get(tx, "in doubt").await?;
        count.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    let store = home.open_with(options).await;
    (home, proxy, store, resyncs)
}

async fn in_doubt(cut: Cut) -> Option<String> {
    let (_home, proxy, store, resyncs) = behind_proxy().await;
    proxy.cut_next_commit(cut);

    let outcome: Result<(), StoreError> = store
        .write(async |tx: &mut Tx| {
            settings::put(tx, "in doubt", "there").await?;
            tx.after_commit(Box::new(|| panic!("the hook of a commit in doubt ran")));
            Ok(())
        })
        .await;

    assert_eq!(outcome, Err(StoreError::OutcomeUnknown));
    eventually(async || put(&store, "next", "").await).await;
    assert_eq!(
        resyncs.load(Ordering::SeqCst),
        1,
        "before the next write was taken"
    );
    let first = get(&store, "in doubt").await;
    assert_eq!(
        get(&store, "in doubt").await,
        first,
        "it does not change its mind"
    );
    first
}

#[tokio::test]
async fn a_commit_that_never_arrived_is_in_doubt_and_not_there() {
    assert_eq!(in_doubt(Cut::Before).await, None);
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_in_doubt_and_there() {
    assert_eq!(in_doubt(Cut::After).await.as_deref(), Some("there"));
}

#[tokio::test]
async fn a_server_that_lost_the_database_to_another_one_writes_nothing() {
    let home = Home::postgres();
    let store = home.open().await;
    let url = home.url.clone().unwrap();
    let (rival, connection) = tokio_postgres::connect(&url.to_string(), tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);

    // The rival stands in line for the lock, so that it has it the moment the session ends.
    let key = i64::from_be_bytes(*b"claviger");
    let take = format!("SELECT pg_advisory_lock({key})");
    let taking = rival.batch_execute(&take);
    let ending = async {
        let (watch, connection) = tokio_postgres::connect(&url.to_string(), tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        let waiting = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                       WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()";
        while watch.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            tokio::task::yield_now().await;
        }
        end_sessions(&url);
    };
    let (taken, ()) = tokio::join!(taking, ending);
    taken.unwrap();

    let mut refused = put(&store, "stolen", "").await;
    for _ in 0..5 {
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        refused = put(&store, "stolen", "").await;
    }
    rival
        .batch_execute(&format!("SELECT pg_advisory_unlock({key})"))
        .await
        .unwrap();
    eventually(async || put(&store, "ours again", "").await).await;
    assert_eq!(keys(&store).await, ["ours again"]);
}

#[tokio::test]
async fn a_server_that_crashes_and_recovers_has_everything_acknowledged() {
    let cluster = Postgres::start(Durability::On);
    let home = Home::at(&cluster.database());
    let store = home.open().await;
    let mut acknowledged = Vec::new();
    for turn in 0..3 {
        for number in 0..20 {
            let key = format!("{turn} {number:02}");
            eventually(async || put(&store, &key, "").await).await;
            acknowledged.push(key);
        }
        cluster.stop_at_once();
        let refused = put(&store, "lost", "").await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        let unread = store
            .read(async |tx: &mut Tx| settings::get(tx, "lost").await)
            .await;
        assert!(matches!(unread, Err(StoreError::Unavailable(_))), "{unread:?}");
        cluster.start_again();
    }

    eventually(async || {
        store
            .read(async |tx: &mut Tx| settings::get(tx, "lost").await)
            .await
    })
    .await;
    assert_eq!(keys(&store).await, acknowledged);
}

#[tokio::test]
async fn what_cannot_be_opened_says_why_and_keeps_the_password() {
    let url = Postgres::shared().database().to_string();
    let refusal = async |url: String| {
        let location = Location::Postgres { url };
        Store::open(location, Options::new(NOW))
            .await
            .unwrap_err()
            .to_string()
    };

    let unknown = refusal(url.replace("claviger_test_", "no_such_")).await;
    assert!(unknown.contains("does not exist"), "{unknown}");
    let malformed = refusal("postgres://claviger:hunter2@host:port/x".to_owned()).await;
    assert!(
        malformed.contains("the database URL is malformed") && !malformed.contains("hunter2"),
        "{malformed}"
    );
    let encrypted = refusal(format!("{url}?sslmode=require")).await;
    assert!(encrypted.contains("TLS"), "{encrypted}");
    let location = Location::Postgres {
        url: "postgres://claviger:hunter2@host/x".to_owned(),
    };
    assert!(!format!("{location:?}").contains("hunter2"));
}
