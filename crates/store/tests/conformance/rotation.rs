//! Overlaps: kept with a new secret, used, moved to another pepper, ended.

use claviger_domain::{Timestamp, TokenId};
use claviger_store::tokens::{
    self, EndedOverlap, PreviousRow, PreviousUseRow, RevocationRow, SecretsRow, TokenRow, UseRow,
};
use claviger_store::{Store, StoreError, Tx};
use claviger_token::{Digest, PepperId};

use crate::home::{Home, NOW};
use crate::on_both_stores;
use crate::tokens::{store_with, token};

on_both_stores!(
    an_overlap_is_read_back_as_it_was_kept_and_ends_once,
    the_uses_of_both_secrets_are_written_apart,
    the_first_use_is_of_the_secret_that_is_meant,
    overlaps_are_found_by_their_end_and_their_pepper,
    a_revocation_gives_both_digests,
);

const ID: TokenId = TokenId::from_i64(1);
const PEPPER: PepperId = PepperId::from_u32(5);

fn later(seconds: u64) -> Timestamp {
    NOW + std::time::Duration::from_secs(seconds)
}

/// Token `id` in an overlap that ends after so many seconds.
fn rotated(id: i64, seconds: u64) -> TokenRow {
    let old = token(id);
    let mut digest = *old.digest.as_bytes();
    digest[31] ^= 1;
    TokenRow {
        digest: Digest::from_bytes(digest),
        hint: "new!".to_owned(),
        updated_at: later(1),
        regenerated_at: Some(later(1)),
        awaits_first_use: true,
        previous: Some(PreviousRow {
            digest: old.digest,
            pepper: PEPPER,
            hint: old.hint.clone(),
            ends_at: later(seconds),
            until_first_use: true,
            last_used_at: Some(NOW),
            last_used_address: Some("192.0.2.1".to_owned()),
        }),
        ..old
    }
}

async fn store_in_overlap(home: &Home, rows: Vec<TokenRow>) -> Store {
    let before = rows.iter().map(|row| token(row.id.get())).collect();
    let store = store_with(home, before).await;
    let kept = store.write(async move |tx: &mut Tx| {
        for row in &rows {
            tokens::regenerate(tx, row).await?;
        }
        Ok::<_, StoreError>(())
    });
    kept.await.unwrap();
    store
}

async fn found(store: &Store) -> TokenRow {
    let read = store.read(async |tx: &mut Tx| tokens::by_id(tx, ID).await);
    read.await.unwrap().unwrap()
}

async fn end(store: &Store) -> Option<EndedOverlap> {
    let ended = store.write(async |tx: &mut Tx| tokens::end_overlap(tx, ID).await);
    ended.await.unwrap()
}

async fn an_overlap_is_read_back_as_it_was_kept_and_ends_once(home: Home) {
    let kept = rotated(1, 60);
    let store = store_in_overlap(&home, vec![kept.clone()]).await;
    assert_eq!(found(&store).await, kept);
    let indexed = store.read(async |tx: &mut Tx| {
        let mut shown = Vec::new();
        tokens::for_each(tx, |row| {
            shown.push((row.digest, row.awaits_first_use, row.previous));
            Ok(())
        })
        .await?;
        Ok::<_, StoreError>(shown)
    });
    let indexed = indexed.await.unwrap();
    let previous = indexed[0].2.unwrap();
    assert_eq!((indexed[0].0, indexed[0].1), (kept.digest, true));
    assert_eq!(
        (
            previous.digest,
            previous.ends_at,
            previous.until_first_use,
            previous.last_used_at
        ),
        (token(1).digest, later(60), true, Some(NOW))
    );

    let ended = EndedOverlap {
        id: ID,
        current: kept.digest,
        previous: token(1).digest,
        given_at: later(1),
    };
    assert_eq!(end(&store).await, Some(ended));
    assert_eq!(end(&store).await, None);

    let alone = TokenRow {
        previous: None,
        ..kept
    };
    assert_eq!(found(&store).await, alone);
}

async fn the_uses_of_both_secrets_are_written_apart(home: Home) {
    let store = store_in_overlap(&home, vec![rotated(1, 60)]).await;
    let touch = async |used: PreviousUseRow| {
        let token_use = UseRow {
            id: ID,
            at: later(9),
            address: None,
            presented_in: None,
        };
        let written = store.write(async move |tx: &mut Tx| {
            tokens::touch_last_used(tx, &[token_use]).await?;
            tokens::touch_previous(tx, vec![used]).await
        });
        written.await.unwrap();
        let row = found(&store).await;
        let old = row.previous.unwrap();
        (old.last_used_at, old.last_used_address)
    };
    let by_previous = |seconds, address: Option<&str>| PreviousUseRow {
        id: ID,
        digest: token(1).digest,
        at: later(seconds),
        address: address.map(str::to_owned),
    };
    let address = |text: &str| Some(text.to_owned());

    assert_eq!(
        touch(by_previous(5, Some("192.0.2.5"))).await,
        (Some(later(5)), address("192.0.2.5"))
    );
    assert_eq!(
        touch(by_previous(4, Some("192.0.2.4"))).await,
        (Some(later(5)), address("192.0.2.5")),
        "an older one changes nothing"
    );
    assert_eq!(
        touch(by_previous(6, None)).await,
        (Some(later(6)), address("192.0.2.5")),
        "what is not told is left"
    );
    assert_eq!(found(&store).await.last_used_at, Some(later(9)));
    let of_another = PreviousUseRow {
        digest: token(2).digest,
        ..by_previous(98, None)
    };
    assert_eq!(touch(of_another).await.0, Some(later(6)), "it was another secret");
    end(&store).await;
    let late = by_previous(99, None);
    let late = store.write(async move |tx: &mut Tx| tokens::touch_previous(tx, vec![late]).await);
    late.await.unwrap();
    assert_eq!(found(&store).await.previous, None, "a late word revives nothing");
}

async fn the_first_use_is_of_the_secret_that_is_meant(home: Home) {
    let store = store_in_overlap(&home, vec![rotated(1, 60), token(2)]).await;
    let present = found(&store).await.digest;
    let secrets = async || {
        let both = [ID, TokenId::from_i64(2)];
        let read = store.read(async move |tx: &mut Tx| tokens::secrets(tx, &both).await);
        read.await.unwrap()
    };
    let used = async |digest: Digest| {
        let write = store.write(async move |tx: &mut Tx| tokens::first_used(tx, &[(ID, digest)]).await);
        write.await.unwrap();
    };
    let told = |awaits_first_use, previous: Option<Digest>| SecretsRow {
        id: ID,
        present,
        awaits_first_use,
        previous,
    };
    let old = Some(token(1).digest);

    used(token(1).digest).await;
    assert_eq!(secrets().await, [told(true, old)], "it was another one");
    used(present).await;
    assert_eq!(secrets().await, [told(false, old)]);
    assert!(!found(&store).await.awaits_first_use);
    end(&store).await;
    assert_eq!(secrets().await, [], "nothing is to be told apart any more");
}

async fn overlaps_are_found_by_their_end_and_their_pepper(home: Home) {
    let store = store_in_overlap(&home, vec![rotated(1, 60), rotated(2, 30), rotated(3, 90)]).await;
    let ids = |ids: &[i64]| ids.iter().copied().map(TokenId::from_i64).collect::<Vec<_>>();

    let over = store.read(async |tx: &mut Tx| {
        let all = tokens::overlaps_over(tx, later(60), 10).await?;
        Ok::<_, StoreError>((all, tokens::overlaps_over(tx, later(60), 1).await?))
    });
    assert_eq!(over.await.unwrap(), (ids(&[2, 1]), ids(&[2])));

    let to = Digest::from_bytes([9; 32]);
    let moved = store.write(async move |tx: &mut Tx| {
        let from = token(1).digest;
        let moved = tokens::redigest_previous(tx, ID, &from, &to, PepperId::from_u32(6)).await?;
        let again = tokens::redigest_previous(tx, ID, &from, &to, PepperId::from_u32(6)).await?;
        Ok::<_, StoreError>((moved, again))
    });
    assert_eq!(moved.await.unwrap(), (true, false));
    assert_eq!(found(&store).await.previous.map(|old| old.digest), Some(to));
    let under = store.read(async |tx: &mut Tx| {
        let count = tokens::count_overlaps_with_pepper(tx, PEPPER, later(30)).await?;
        Ok::<_, StoreError>((
            count,
            tokens::overlaps_with_pepper(tx, PEPPER, later(30), 10).await?,
        ))
    });
    assert_eq!(
        under.await.unwrap(),
        (1, ids(&[3])),
        "those that are over need no pepper"
    );
}

async fn a_revocation_gives_both_digests(home: Home) {
    let store = store_in_overlap(&home, vec![rotated(1, 60)]).await;
    let revocation = RevocationRow {
        at: NOW,
        by: "usr_1".to_owned(),
        reason: "requested".to_owned(),
        note: None,
    };

    let revoked = store.write(async move |tx: &mut Tx| tokens::revoke(tx, &[ID], &revocation).await);

    let revoked = revoked.await.unwrap();
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0].digest, rotated(1, 60).digest);
    assert_eq!(revoked[0].previous, Some(token(1).digest));
}
