//! The schema: applied once, and never guessed at.

use claviger_domain::Timestamp;
use claviger_store::{Options, StoreError, Tx};

use crate::home::{Home, NOW, put};
use crate::on_both_stores;

on_both_stores!(
    migrations_run_once,
    a_schema_from_the_future_is_refused,
    a_schema_made_by_another_text_is_refused,
);

async fn migrations_run_once(home: Home) {
    let store = home.open().await;
    put(&store, "kept", "").await.unwrap();
    store.close().await;

    let later = Timestamp::from_micros(NOW.micros() + 1);
    let store = home.open_with(Options::new(later)).await;

    let applied = store.read(async |tx: &mut Tx| {
        let rows = tx
            .query(
                "SELECT version, applied_at FROM schema_migration ORDER BY version",
                &[],
            )
            .await?;
        rows.iter()
            .map(|row| Ok((row.get(0)?, row.get(1)?)))
            .collect::<Result<Vec<(i64, Timestamp)>, StoreError>>()
    });
    assert_eq!(
        applied.await.unwrap(),
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map(|version| (version, NOW))
    );
    assert_eq!(crate::home::keys(&store).await, ["kept"]);
}

async fn reopened_after(home: &Home, sql: &'static str) -> Result<(), StoreError> {
    let store = home.open().await;
    store
        .write(async move |tx: &mut Tx| tx.execute(sql, &[]).await)
        .await
        .unwrap();
    store.close().await;
    home.try_open(Options::new(NOW)).await.map(|_| ())
}

async fn a_schema_from_the_future_is_refused(home: Home) {
    let sql =
        "INSERT INTO schema_migration (version, name, checksum, applied_at) VALUES (1000, 'future', 'x', 0)";

    let refused = reopened_after(&home, sql).await;

    let Err(StoreError::Schema(sentence)) = refused else {
        panic!("{refused:?}")
    };
    assert!(
        sentence.contains("newer version of Claviger (schema 1000, this binary knows 11)"),
        "{sentence}"
    );
}

async fn a_schema_made_by_another_text_is_refused(home: Home) {
    let refused = reopened_after(&home, "UPDATE schema_migration SET checksum = 'x'").await;

    let Err(StoreError::Schema(sentence)) = refused else {
        panic!("{refused:?}")
    };
    assert!(sentence.contains("step 1"), "{sentence}");
    // A refused start gives the store up again.
    let again = home.try_open(Options::new(NOW)).await;
    assert!(matches!(again, Err(StoreError::Schema(_))), "{again:?}");
}
