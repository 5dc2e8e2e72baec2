//! What only a file can suffer.

use std::os::unix::fs::PermissionsExt;

use claviger_store::{Location, StoreError, Tx, settings};

use crate::home::{Home, keys, put};

#[tokio::test]
async fn after_a_failed_commit_nothing_more_is_acknowledged_until_a_restart() {
    let home = Home::sqlite();
    let store = home.open().await;
    put(&store, "before", "").await.unwrap();

    // A deferred foreign key fails at the commit and not before, as a failed flush would.
    let failed: Result<(), StoreError> = store
        .write(async |tx: &mut Tx| {
            tx.execute("PRAGMA defer_foreign_keys = ON", &[]).await?;
            tx.execute(
                "INSERT INTO user_account (id, org_id, email, email_key, role, created_at) VALUES (1, 404, '', '', '', 0)",
                &[],
            )
            .await?;
            tx.after_commit(Box::new(|| panic!("the hook of a failed commit ran")));
            Ok(())
        })
        .await;

    assert_eq!(failed, Err(StoreError::WriterStopped));
    assert_eq!(put(&store, "after", "").await, Err(StoreError::WriterStopped));
    assert!(store.stats().writer_stopped);
    assert_eq!(keys(&store).await, ["before"], "reads go on");
    store.close().await;
    let store = home.open().await;
    put(&store, "restarted", "").await.unwrap();
    assert_eq!(keys(&store).await, ["before", "restarted"]);
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_heals_without_a_restart() {
    let home = Home::sqlite();
    let store = home.open().await;
    let limit = async |pages: u32| {
        store
            .write(async move |tx: &mut Tx| {
                tx.query(format!("PRAGMA max_page_count = {pages}"), &[])
                    .await
                    .map(|_| ())
            })
            .await
            .unwrap();
    };
    limit(100).await;

    let refused = put(&store, "large", &"x".repeat(1 << 20)).await;
    let small = put(&store, "small", "fits").await;
    limit(1_000_000).await;
    let healed = put(&store, "large", &"x".repeat(1 << 20)).await;

    assert_eq!(refused, Err(StoreError::StorageFull));
    assert_eq!(small, Ok(()));
    assert_eq!(healed, Ok(()));
    assert!(!store.stats().writer_stopped);
}

#[tokio::test]
async fn nobody_else_can_read_the_data_directory() {
    let home = Home::sqlite();
    let store = home.open().await;
    put(&store, "key", "").await.unwrap();
    let Location::Sqlite { directory } = &home.location else {
        panic!("another backend")
    };
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;

    assert_eq!(mode(directory), 0o700);
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn the_log_is_empty_after_closing() {
    let home = Home::sqlite();
    let store = home.open().await;
    for number in 0..50 {
        put(&store, &format!("key {number}"), &"x".repeat(10_000))
            .await
            .unwrap();
    }
    store.close().await;
    let Location::Sqlite { directory } = &home.location else {
        panic!("another backend")
    };

    let log = std::fs::metadata(directory.join("claviger.db-wal"));

    assert!(log.map_or(0, |log| log.len()) == 0);
    assert_eq!(keys(&home.open().await).await.len(), 50);
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_copy_of_the_files_without_closing() {
    let home = Home::sqlite();
    let store = home.open().await;
    for number in 0..20 {
        put(&store, &format!("key {number}"), "").await.unwrap();
    }
    let Location::Sqlite { directory } = &home.location else {
        panic!("another backend")
    };

    // What a crash leaves: the files as they are, and no goodbye. No checkpoint runs meanwhile: nothing is written.
    let crashed = Home::sqlite();
    let Location::Sqlite { directory: copy } = &crashed.location else {
        panic!("another backend")
    };
    std::fs::create_dir_all(copy).unwrap();
    for file in ["claviger.db-wal", "claviger.db"] {
        std::fs::copy(directory.join(file), copy.join(file)).unwrap();
    }

    assert_eq!(keys(&crashed.open().await).await.len(), 20);
    drop(store);
}

#[tokio::test]
async fn an_operation_that_only_reads_sees_what_its_batch_wrote() {
    let store = Home::sqlite().open().await;

    let seen = store
        .write(async |tx: &mut Tx| {
            settings::put(tx, "key", "own").await?;
            settings::get(tx, "key").await
        })
        .await;

    assert_eq!(seen, Ok(Some("own".to_owned())));
}

#[tokio::test]
async fn the_log_stays_bounded_under_writes_without_a_pause() {
    let home = Home::sqlite();
    let store = home.open().await;
    let Location::Sqlite { directory } = &home.location else {
        panic!("another backend")
    };
    let log = directory.join("claviger.db-wal");

    let large = "x".repeat(2 << 20);
    let mut longest = 0;
    for number in 0..150 {
        put(&store, &format!("key {}", number % 10), &large)
            .await
            .unwrap();
        longest = longest.max(std::fs::metadata(&log).unwrap().len());
    }

    // 300 MiB were written; the writer helps from 128 MiB on, and the last of them may add some.
    assert!(longest < 144 << 20, "{longest}");
}
