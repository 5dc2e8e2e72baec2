//! The journal beside the store: on disk before the answer, and only what was committed.

use claviger_store::journal::{Journal, JournalId, JournalLine};
use claviger_store::{StoreError, Tx, settings};

use crate::home::Home;
use crate::on_both_stores;

on_both_stores!(
    a_line_is_on_disk_before_the_operation_is_answered,
    an_operation_that_fails_leaves_no_line,
);

fn line(epoch: u64) -> JournalLine {
    JournalLine {
        epoch,
        text: format!("change {epoch}"),
    }
}

fn read(directory: &tempfile::TempDir) -> Vec<JournalLine> {
    let mut lines = Vec::new();
    Journal::open(&directory.path().join("journal"), |line| lines.push(line))
        .unwrap()
        .unwrap();
    lines
}

fn create(directory: &tempfile::TempDir) -> Journal {
    Journal::create(&directory.path().join("journal"), JournalId::from_bytes([1; 16])).unwrap()
}

async fn a_line_is_on_disk_before_the_operation_is_answered(home: Home) {
    let store = home.open().await;
    let directory = tempfile::tempdir().unwrap();
    store.attach_journal(create(&directory)).await.unwrap();
    let mut expected = Vec::new();

    for epoch in 1..=20 {
        let written = store.write(async move |tx: &mut Tx| {
            settings::put(tx, "epoch", &epoch.to_string()).await?;
            tx.journal(line(epoch));
            Ok::<_, StoreError>(())
        });
        written.await.unwrap();
        expected.push(line(epoch));
        assert_eq!(read(&directory), expected);
    }
}

async fn an_operation_that_fails_leaves_no_line(home: Home) {
    let store = home.open().await;
    let directory = tempfile::tempdir().unwrap();
    store.attach_journal(create(&directory)).await.unwrap();

    let writes: Vec<_> = (1..=40)
        .map(|epoch| {
            let store = store.clone();
            tokio::spawn(async move {
                let written = store.write(async move |tx: &mut Tx| {
                    settings::put(tx, &format!("key {epoch}"), "kept").await?;
                    tx.journal(line(epoch));
                    if epoch % 2 == 0 {
                        return Err(StoreError::internal("on purpose"));
                    }
                    Ok::<_, StoreError>(())
                });
                written.await.is_ok()
            })
        })
        .collect();
    for write in writes {
        write.await.unwrap();
    }

    let mut lines = read(&directory);
    lines.sort_by_key(|line| line.epoch);
    let kept: Vec<_> = (1..=40).filter(|epoch| epoch % 2 == 1).map(line).collect();
    assert_eq!(lines, kept);
}
