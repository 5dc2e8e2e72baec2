//! Limits: how much waits, and who may open a store.

use claviger_store::{Options, StoreError, Tx, settings};

use crate::home::{Home, NOW, gate, get, put};
use crate::on_both_stores;

on_both_stores!(
    a_full_queue_refuses_at_once,
    a_second_server_is_refused_and_told_who_has_the_store,
    the_store_is_free_again_after_closing,
);

async fn a_full_queue_refuses_at_once(home: Home) {
    let store = home.open_with(Options::new(NOW).queue_length(2)).await;
    let (gate, door) = gate();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move {
            store
                .write(async move |tx: &mut Tx| {
                    door.pass().await;
                    settings::put(tx, "first", "").await
                })
                .await
        }
    });
    let open = gate.reached().await;
    let spawn_put = |key: &'static str| {
        let store = store.clone();
        tokio::spawn(async move { put(&store, key, "").await })
    };
    let queued = [spawn_put("second"), spawn_put("third")];
    while store.stats().queue_length < 2 {
        tokio::task::yield_now().await;
    }

    assert_eq!(put(&store, "fourth", "").await, Err(StoreError::Overloaded));

    open.send(()).unwrap();
    assert_eq!(waiting.await.unwrap(), Ok(()));
    for done in queued {
        assert_eq!(done.await.unwrap(), Ok(()));
    }
    assert_eq!(put(&store, "fifth", "").await, Ok(()));
    assert_eq!(get(&store, "fourth").await, None);
}

async fn a_second_server_is_refused_and_told_who_has_the_store(home: Home) {
    let store = home.open().await;

    let refused = home.try_open(Options::new(NOW)).await;

    let Err(StoreError::InUse(sentence)) = refused else {
        panic!("{refused:?}")
    };
    let holder = match &home.url {
        None => format!("process {}", std::process::id()),
        Some(_) => "session ".to_owned(),
    };
    assert!(sentence.contains(&holder), "{sentence}");
    assert!(sentence.contains("stop the other one"), "{sentence}");
    put(&store, "still", "ours").await.unwrap();
}

async fn the_store_is_free_again_after_closing(home: Home) {
    for turn in 0..5 {
        let store = home.open().await;
        put(&store, &format!("turn {turn}"), "").await.unwrap();
        store.close().await;
    }
}
