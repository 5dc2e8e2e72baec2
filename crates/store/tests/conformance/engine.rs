//! Operations: what is kept, what is undone, in which order, and who learns of it when.

use std::sync::{Arc, Mutex};

use claviger_store::{Store, StoreError, Tx, settings};

use crate::home::{Home, gate, get, keys, put};
use crate::on_both_stores;

on_both_stores!(
    what_was_written_is_there_after_reopening,
    an_operation_that_fails_is_undone_alone,
    the_first_operation_of_a_batch_is_undone_alone_too,
    an_operation_that_goes_on_after_a_failed_statement_is_undone,
    hooks_run_in_the_order_of_commits_and_before_the_answer,
    concurrent_writers_share_commits_and_all_get_their_answer,
    an_operation_runs_to_its_end_when_its_caller_went_away,
    a_hook_that_panics_stops_the_writer,
    a_read_sees_one_snapshot,
    a_read_cannot_write,
    closing_finishes_what_is_queued_and_refuses_the_rest,
);

async fn what_was_written_is_there_after_reopening(home: Home) {
    let store = home.open().await;
    put(&store, "name", "first").await.unwrap();
    put(&store, "name", "second").await.unwrap();
    store.close().await;

    let store = home.open().await;

    assert_eq!(get(&store, "name").await.as_deref(), Some("second"));
    assert!(store.size_bytes().await.unwrap() > 4_096);
}

/// Queues `operations` behind one that waits, so that they share its commit; gives their outcomes.
async fn in_one_batch(
    store: &Store,
    first: &'static str,
    others: Vec<Operation>,
) -> Vec<Result<(), StoreError>> {
    let (gate, door) = gate();
    let waiting = spawn(store, async move |tx: &mut Tx| {
        settings::put(tx, "gate", "").await?;
        door.pass().await;
        run(tx, first).await
    });
    let open = gate.reached().await;
    let before = store.stats().batches;
    let others: Vec<_> = others
        .into_iter()
        .map(|operation| spawn(store, async move |tx: &mut Tx| run(tx, operation).await))
        .collect();
    while store.stats().queue_length < others.len() as u64 {
        tokio::task::yield_now().await;
    }

    open.send(()).unwrap();
    let mut outcomes = vec![waiting.await.unwrap()];
    for other in others {
        outcomes.push(other.await.unwrap());
    }
    assert_eq!(store.stats().batches, before + 1, "all of them share one commit");
    outcomes
}

type Operation = &'static str;

fn spawn<F>(store: &Store, operation: F) -> tokio::task::JoinHandle<Result<(), StoreError>>
where
    F: AsyncFnOnce(&mut Tx) -> Result<(), StoreError> + Send + 'static,
{
    let store = store.clone();
    tokio::spawn(async move { store.write(operation).await })
}

/// `key` writes it; `key!` writes it and fails; `key?` writes it and panics; `key#` writes it, then what is there already.
async fn run(tx: &mut Tx, operation: Operation) -> Result<(), StoreError> {
    let key = operation.trim_end_matches(['!', '?', '#']);
    settings::put(tx, key, operation).await?;
    match operation.strip_prefix(key) {
        Some("!") => Err(StoreError::Conflict("as asked".to_owned())),
        Some("?") => panic!("as asked"),
        Some("#") => tx
            .execute("INSERT INTO setting (key, value) VALUES ('gate', '')", &[])
            .await
            .map(|_| ()),
        _ => Ok(()),
    }
}

async fn an_operation_that_fails_is_undone_alone(home: Home) {
    let store = home.open().await;

    let outcomes = in_one_batch(&store, "a", vec!["b!", "c", "d?", "e", "f#", "g", "h!"]).await;

    let kept = outcomes.iter().map(Result::is_ok).collect::<Vec<_>>();
    assert_eq!(kept, [true, false, true, false, true, false, true, false]);
    assert_eq!(outcomes[1], Err(StoreError::Conflict("as asked".to_owned())));
    assert!(
        matches!(outcomes[3], Err(StoreError::Internal(_))),
        "{:?}",
        outcomes[3]
    );
    assert!(
        matches!(outcomes[5], Err(StoreError::Conflict(_))),
        "{:?}",
        outcomes[5]
    );
    assert_eq!(keys(&store).await, ["a", "c", "e", "g", "gate"]);
}

async fn the_first_operation_of_a_batch_is_undone_alone_too(home: Home) {
    let store = home.open().await;

    let outcomes = in_one_batch(&store, "a!", vec!["b", "c!", "d"]).await;

    assert_eq!(
        outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(),
        [false, true, false, true]
    );
    assert_eq!(keys(&store).await, ["b", "d"]);
}

async fn an_operation_that_goes_on_after_a_failed_statement_is_undone(home: Home) {
    let store = home.open().await;
    put(&store, "taken", "").await.unwrap();

    let outcome: Result<(), StoreError> = store
        .write(async |tx: &mut Tx| {
            settings::put(tx, "before", "").await?;
            let refused = tx
                .execute("INSERT INTO setting (key, value) VALUES ('taken', '')", &[])
                .await;
            assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
            assert!(settings::put(tx, "after", "").await.is_err());
            Ok(())
        })
        .await;

    assert!(matches!(outcome, Err(StoreError::Internal(_))), "{outcome:?}");
    assert_eq!(keys(&store).await, ["taken"]);
}

async fn hooks_run_in_the_order_of_commits_and_before_the_answer(home: Home) {
    let store = home.open().await;
    let seen = Arc::new(Mutex::new(Vec::new()));

    let mut writers = tokio::task::JoinSet::new();
    for number in 0..200_u32 {
        let (store, seen) = (store.clone(), Arc::clone(&seen));
        writers.spawn(async move {
            let hook_seen = Arc::clone(&seen);
            let outcome = store
                .write(async move |tx: &mut Tx| {
                    // The order of commits is the order of these numbers.
                    let sql = "INSERT INTO token_change (seq, kind, at, ids) \
                               SELECT COALESCE(MAX(seq), 0) + 1, 'test', 0, '[]' FROM token_change RETURNING seq";
                    let row = tx.query_opt(sql, &[]).await?;
                    let seq: u64 = row.map_or(Ok(0), |row| row.get(0))?;
                    tx.after_commit(Box::new(move || hook_seen.lock().unwrap().push((seq, number))));
                    if number % 3 == 0 { Err(StoreError::Conflict("as asked".to_owned())) } else { Ok(seq) }
                })
                .await;
            let told = seen.lock().unwrap().iter().any(|(_, seen)| *seen == number);
            assert_eq!(told, outcome.is_ok(), "the hook ran before the answer, or never");
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }

    let seqs: Vec<u64> = seen.lock().unwrap().iter().map(|(seq, _)| *seq).collect();
    assert_eq!(
        seqs,
        (1..=133).collect::<Vec<_>>(),
        "in order, and without the places of those undone"
    );
}

async fn concurrent_writers_share_commits_and_all_get_their_answer(home: Home) {
    let store = home.open().await;
    let before = store.stats();

    let mut writers = tokio::task::JoinSet::new();
    for number in 0..1_000 {
        let store = store.clone();
        writers.spawn(async move { put(&store, &format!("key {number}"), "").await });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap().unwrap();
    }

    assert_eq!(keys(&store).await.len(), 1_000);
    let after = store.stats();
    assert_eq!(after.operations - before.operations, 1_000);
    assert!(after.batches - before.batches < 500, "{after:?}");
    assert_eq!((after.failed_commits, after.queue_length), (0, 0));
}

async fn an_operation_runs_to_its_end_when_its_caller_went_away(home: Home) {
    let store = home.open().await;
    let (gate, door) = gate();
    let caller = spawn(&store, async move |tx: &mut Tx| {
        door.pass().await;
        settings::put(tx, "orphan", "").await
    });
    let open = gate.reached().await;

    caller.abort();
    assert!(caller.await.is_err());
    open.send(()).unwrap();
    put(&store, "next", "").await.unwrap();

    assert_eq!(keys(&store).await, ["next", "orphan"]);
}

async fn a_hook_that_panics_stops_the_writer(home: Home) {
    let store = home.open().await;

    let outcome: Result<(), StoreError> = store
        .write(async |tx: &mut Tx| {
            settings::put(tx, "durable", "").await?;
            tx.after_commit(Box::new(|| panic!("as asked")));
            Ok(())
        })
        .await;

    assert_eq!(outcome, Err(StoreError::OutcomeUnknown));
    assert_eq!(put(&store, "next", "").await, Err(StoreError::WriterStopped));
    assert!(store.stats().writer_stopped);
    assert_eq!(keys(&store).await, ["durable"], "reads go on");
}

async fn a_read_sees_one_snapshot(home: Home) {
    let store = home.open().await;
    put(&store, "key", "old").await.unwrap();
    let (gate, door) = gate();
    let reader = store.clone();
    let reading = tokio::spawn(async move {
        reader
            .read(async move |tx: &mut Tx| {
                let before = settings::get(tx, "key").await?;
                door.pass().await;
                Ok::<_, StoreError>((before, settings::get(tx, "key").await?))
            })
            .await
    });

    let open = gate.reached().await;
    put(&store, "key", "new").await.unwrap();
    open.send(()).unwrap();

    let old = Some("old".to_owned());
    assert_eq!(reading.await.unwrap(), Ok((old.clone(), old)));
    assert_eq!(get(&store, "key").await.as_deref(), Some("new"));
}

async fn a_read_cannot_write(home: Home) {
    let store = home.open().await;

    let outcome = store
        .read(async |tx: &mut Tx| settings::put(tx, "key", "").await)
        .await;

    assert!(outcome.is_err());
    assert!(keys(&store).await.is_empty());
}

async fn closing_finishes_what_is_queued_and_refuses_the_rest(home: Home) {
    let store = home.open().await;
    let (gate, door) = gate();
    let waiting = spawn(&store, async move |tx: &mut Tx| {
        door.pass().await;
        settings::put(tx, "first", "").await
    });
    let open = gate.reached().await;
    let queued = spawn(&store, async |tx: &mut Tx| settings::put(tx, "second", "").await);
    while store.stats().queue_length == 0 {
        tokio::task::yield_now().await;
    }

    let closing = tokio::spawn({
        let store = store.clone();
        async move { store.close().await }
    });
    open.send(()).unwrap();
    closing.await.unwrap();

    assert_eq!(waiting.await.unwrap(), Ok(()));
    assert_eq!(queued.await.unwrap(), Ok(()));
    assert_eq!(put(&store, "third", "").await, Err(StoreError::Closed));
    let read = store
        .read(async |tx: &mut Tx| settings::get(tx, "first").await)
        .await;
    assert_eq!(read, Err(StoreError::Closed));
    store.close().await;
    assert_eq!(keys(&home.open().await).await, ["first", "second"]);
}
