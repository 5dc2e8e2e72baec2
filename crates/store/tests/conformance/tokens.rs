//! Tokens: kept, found, changed, ended.

use claviger_domain::terms::Spent;
use claviger_domain::{OrgId, OwnerId, Timestamp, TokenId};
use claviger_store::tokens::{self, RevocationRow, TokenRow, UseRow};
use claviger_store::{Store, StoreError, Tx, organizations};
use claviger_token::{Digest, PepperId};

use crate::home::{Home, NOW};
use crate::on_both_stores;

on_both_stores!(
    a_token_is_read_back_as_it_was_kept,
    two_tokens_never_have_one_digest,
    a_name_is_taken_by_live_tokens_of_its_holder_only,
    an_update_changes_what_it_may,
    a_new_secret_takes_the_place_of_the_old_one,
    a_token_is_revoked_once,
    an_older_use_does_not_replace_a_newer_one,
    a_digest_moves_to_another_pepper_only_from_where_it_was,
    every_token_is_shown_to_the_index,
    what_was_spent_is_kept_for_tokens_that_are_there,
    ids_begin_above_everything_stored,
);

pub(crate) const ORG: OrgId = OrgId::from_i64(1);

/// A live token that never ends.
pub(crate) fn token(id: i64) -> TokenRow {
    let mut digest = [7; 32];
    digest[..8].copy_from_slice(&id.to_be_bytes());
    TokenRow {
        id: TokenId::from_i64(id),
        org: ORG,
        owner: OwnerId::from_i64(77),
        token_type: "personal".to_owned(),
        holder: 77,
        service_team: None,
        restrictions: None,
        roles: None,
        reason: None,
        terms: None,
        name: format!("Token {id}"),
        name_key: format!("token {id}"),
        description: "two\nlines".to_owned(),
        scopes: "tokens:read audit:read".to_owned(),
        hint: "aB3z".to_owned(),
        digest: Digest::from_bytes(digest),
        pepper: PepperId::from_u32(u32::MAX),
        created_at: NOW,
        created_by: OwnerId::from_i64(i64::MAX),
        updated_at: NOW,
        expires_at: None,
        revoked_at: None,
        revoked_by: None,
        revoke_reason: None,
        revoke_note: None,
        last_used_at: None,
        last_used_address: None,
        last_used_in: None,
        regenerated_at: None,
        awaits_first_use: false,
        previous: None,
    }
}

/// A store that holds `rows` of one organization.
pub(crate) async fn store_with(home: &Home, rows: Vec<TokenRow>) -> Store {
    let store = home.open().await;
    store
        .write(async move |tx: &mut Tx| {
            organizations::insert(tx, ORG, "Example", NOW).await?;
            for row in &rows {
                tokens::insert(tx, row).await?;
            }
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    store
}

async fn found(store: &Store, id: i64) -> Option<TokenRow> {
    store
        .read(async move |tx: &mut Tx| tokens::by_id(tx, TokenId::from_i64(id)).await)
        .await
        .unwrap()
}

fn revocation() -> RevocationRow {
    RevocationRow {
        at: NOW,
        by: "usr_1".to_owned(),
        reason: "requested".to_owned(),
        note: Some("left the company".to_owned()),
    }
}

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_micros(NOW.micros() + seconds * 1_000_000)
}

async fn a_token_is_read_back_as_it_was_kept(home: Home) {
    let mut row = token(5);
    row.name = "Größe ﬁ 👩‍🚀".to_owned();
    row.expires_at = Some(later(90));
    let store = store_with(&home, vec![row.clone(), token(6)]).await;

    assert_eq!(found(&store, 5).await, Some(row));
    assert_eq!(found(&store, 404).await, None);
    let wanted = [6, 404, 5].map(TokenId::from_i64);
    let listed = store
        .read(async move |tx: &mut Tx| tokens::by_ids(tx, &wanted).await)
        .await
        .unwrap();
    let mut ids: Vec<i64> = listed.iter().map(|row| row.id.get()).collect();
    ids.sort_unstable();
    assert_eq!(ids, [5, 6]);
}

async fn two_tokens_never_have_one_digest(home: Home) {
    let store = store_with(&home, vec![token(1)]).await;
    let mut copy = token(2);
    copy.digest = token(1).digest;

    let refused = store
        .write(async move |tx: &mut Tx| tokens::insert(tx, &copy).await)
        .await;

    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    let mut stray = token(3);
    stray.org = OrgId::from_i64(404);
    let refused = store
        .write(async move |tx: &mut Tx| tokens::insert(tx, &stray).await)
        .await;
    assert!(
        matches!(refused, Err(StoreError::Conflict(_))),
        "an organization that is not there: {refused:?}"
    );
}

async fn a_name_is_taken_by_live_tokens_of_its_holder_only(home: Home) {
    let mut ends = token(2);
    ends.name_key = "ends".to_owned();
    ends.expires_at = Some(later(10));
    let store = store_with(&home, vec![token(1), ends]).await;
    let taken = async |holder: i64, name: &'static str, now: Timestamp, except: i64| {
        let except = TokenId::from_i64(except);
        store
            .read(async move |tx: &mut Tx| tokens::live_name_exists(tx, holder, name, now, except).await)
            .await
            .unwrap()
    };

    assert!(taken(77, "token 1", NOW, 0).await);
    assert!(!taken(77, "token 1", NOW, 1).await, "its own name");
    assert!(!taken(78, "token 1", NOW, 0).await, "another holder's");
    assert!(taken(77, "ends", Timestamp::from_micros(later(10).micros() - 1), 0).await);
    assert!(
        !taken(77, "ends", later(10), 0).await,
        "expired means now >= expires_at"
    );
    store
        .write(async |tx: &mut Tx| tokens::revoke(tx, &[TokenId::from_i64(1)], &revocation()).await)
        .await
        .unwrap();
    assert!(!taken(77, "token 1", NOW, 0).await, "revoked");
}

async fn an_update_changes_what_it_may(home: Home) {
    let store = store_with(&home, vec![token(1), token(2)]).await;
    let mut changed = token(1);
    changed.name = "Other".to_owned();
    changed.name_key = "other".to_owned();
    changed.description = String::new();
    changed.scopes = "tokens:write".to_owned();
    changed.terms = Some(r#"{"allow_query":true}"#.to_owned());
    changed.expires_at = Some(later(1));
    changed.updated_at = later(2);
    let mut asked = changed.clone();
    asked.hint = "XXXX".to_owned();
    asked.owner = OwnerId::from_i64(1);

    store
        .write(async move |tx: &mut Tx| tokens::update(tx, &asked).await)
        .await
        .unwrap();

    assert_eq!(
        found(&store, 1).await,
        Some(changed),
        "hint and owner are not an update's"
    );
    assert_eq!(found(&store, 2).await, Some(token(2)));
}

async fn a_new_secret_takes_the_place_of_the_old_one(home: Home) {
    let store = store_with(&home, vec![token(1)]).await;
    let (digest, pepper) = (Digest::from_bytes([9; 32]), PepperId::from_u32(3));

    store
        .write(async move |tx: &mut Tx| {
            let mut row = token(1);
            (row.digest, row.pepper, row.hint) = (digest, pepper, "new!".to_owned());
            (row.updated_at, row.regenerated_at) = (later(1), Some(later(1)));
            tokens::regenerate(tx, &row).await
        })
        .await
        .unwrap();

    let mut expected = token(1);
    (expected.digest, expected.pepper, expected.hint) = (digest, pepper, "new!".to_owned());
    (expected.updated_at, expected.regenerated_at) = (later(1), Some(later(1)));
    assert_eq!(found(&store, 1).await, Some(expected));
}

async fn a_token_is_revoked_once(home: Home) {
    let store = store_with(&home, vec![token(1), token(2), token(3)]).await;
    let revoke = async |ids: Vec<i64>, revocation: RevocationRow| {
        let ids: Vec<TokenId> = ids.into_iter().map(TokenId::from_i64).collect();
        let mut ended = store
            .write(async move |tx: &mut Tx| tokens::revoke(tx, &ids, &revocation).await)
            .await
            .unwrap();
        ended.sort_by_key(|row| row.id);
        ended
            .into_iter()
            .map(|row| (row.id, row.digest, row.previous))
            .collect::<Vec<_>>()
    };

    let first = revoke(vec![1, 404, 2], revocation()).await;
    let again = revoke(
        vec![1, 2, 3],
        RevocationRow {
            at: later(5),
            by: "usr_2".to_owned(),
            ..revocation()
        },
    )
    .await;
    let none = revoke(vec![], revocation()).await;

    assert_eq!(
        first,
        [
            (TokenId::from_i64(1), token(1).digest, None),
            (TokenId::from_i64(2), token(2).digest, None)
        ]
    );
    assert_eq!(again, [(TokenId::from_i64(3), token(3).digest, None)]);
    assert!(none.is_empty());
    let mut expected = token(1);
    expected.revoked_at = Some(NOW);
    expected.revoked_by = Some("usr_1".to_owned());
    expected.revoke_reason = Some("requested".to_owned());
    expected.revoke_note = Some("left the company".to_owned());
    assert_eq!(
        found(&store, 1).await,
        Some(expected),
        "the first revocation stands"
    );
    store
        .write(async |tx: &mut Tx| tokens::delete(tx, TokenId::from_i64(1)).await)
        .await
        .unwrap();
    assert_eq!(found(&store, 1).await, None);
}

async fn an_older_use_does_not_replace_a_newer_one(home: Home) {
    let store = store_with(&home, vec![token(1), token(2)]).await;
    let touch = async |at: Timestamp, address: Option<&str>| {
        let used = |id| UseRow {
            id: TokenId::from_i64(id),
            at,
            address: address.map(str::to_owned),
            presented_in: address.map(|_| "header"),
        };
        let uses = [used(1), used(404)];
        store
            .write(async move |tx: &mut Tx| tokens::touch_last_used(tx, &uses).await)
            .await
            .unwrap();
        let row = found(&store, 1).await.unwrap();
        (row.last_used_at, row.last_used_address)
    };

    let address = |text: &str| Some(text.to_owned());
    assert_eq!(
        touch(later(5), Some("192.0.2.1")).await,
        (Some(later(5)), address("192.0.2.1"))
    );
    assert_eq!(
        touch(later(4), Some("192.0.2.2")).await,
        (Some(later(5)), address("192.0.2.1"))
    );
    assert_eq!(
        touch(later(5), Some("2001:db8::1")).await,
        (Some(later(5)), address("2001:db8::1"))
    );
    assert_eq!(
        touch(later(6), None).await,
        (Some(later(6)), address("2001:db8::1"))
    );
    assert_eq!(found(&store, 2).await, Some(token(2)));
}

async fn a_digest_moves_to_another_pepper_only_from_where_it_was(home: Home) {
    let mut ended = token(3);
    ended.expires_at = Some(NOW);
    let store = store_with(&home, vec![token(1), token(2), ended]).await;
    let (old, new) = (token(1).pepper, PepperId::from_u32(2));
    let to = Digest::from_bytes([1; 32]);
    let redigest = async |from: Digest| {
        let id = TokenId::from_i64(1);
        store
            .write(async move |tx: &mut Tx| tokens::redigest(tx, id, &from, &to, new).await)
            .await
            .unwrap()
    };

    assert!(!redigest(token(2).digest).await, "the digest of another token");
    assert!(redigest(token(1).digest).await);
    assert!(!redigest(token(1).digest).await, "it has moved already");

    let counts = store
        .read(async |tx: &mut Tx| tokens::pepper_counts(tx, NOW).await)
        .await
        .unwrap();
    let counts: Vec<_> = counts
        .iter()
        .map(|count| (count.pepper, count.all, count.live))
        .collect();
    assert_eq!(counts, [(new, 1, 1), (old, 2, 1)]);
    let under = store
        .read(async move |tx: &mut Tx| tokens::with_pepper(tx, old, NOW, 10).await)
        .await
        .unwrap();
    assert_eq!(under, [TokenId::from_i64(2)], "the ended one needs no pepper");
}

async fn every_token_is_shown_to_the_index(home: Home) {
    let mut rows: Vec<TokenRow> = (1..=300).map(token).collect();
    rows[1].expires_at = Some(later(1));
    let store = store_with(&home, rows).await;
    store
        .write(async |tx: &mut Tx| tokens::revoke(tx, &[TokenId::from_i64(3)], &revocation()).await)
        .await
        .unwrap();

    let read = store.read(async |tx: &mut Tx| {
        let mut shown = Vec::new();
        tokens::for_each(tx, |row| {
            shown.push((
                row.id,
                row.expires_at,
                row.revoked,
                row.digest,
                row.scopes.to_owned(),
            ));
            Ok(())
        })
        .await?;
        Ok::<_, StoreError>((tokens::total(tx).await?, shown))
    });

    let (total, mut shown) = read.await.unwrap();
    shown.sort_by_key(|(id, ..)| *id);
    assert_eq!((total, shown.len()), (300, 300));
    assert_eq!((shown[1].1, shown[1].2), (Some(later(1)), false));
    assert!(shown[2].2);
    assert_eq!(
        (&shown[4].3, shown[4].4.as_str()),
        (&token(5).digest, "tokens:read audit:read")
    );
    let stopped = store
        .read(async |tx: &mut Tx| tokens::for_each(tx, |_| Err(StoreError::Overloaded)).await)
        .await;
    assert_eq!(stopped, Err(StoreError::Overloaded));
}

async fn what_was_spent_is_kept_for_tokens_that_are_there(home: Home) {
    let store = store_with(&home, vec![token(1), token(2)]).await;
    let spend = async |id, credits| {
        let spent = Spent { period: 7, credits };
        store
            .write(async move |tx: &mut Tx| tokens::spend(tx, &[(TokenId::from_i64(id), spent)]).await)
            .await
            .unwrap();
    };
    let kept = async || {
        let kept = store.read(async |tx: &mut Tx| tokens::spendings(tx).await);
        kept.await.unwrap()
    };
    assert_eq!(kept().await, []);

    spend(1, 5).await;
    spend(1, 6).await;
    spend(404, 1).await;

    let spent = Spent {
        period: 7,
        credits: 6,
    };
    assert_eq!(kept().await, [(token(1).digest, spent)]);
    store
        .write(async |tx: &mut Tx| tokens::delete(tx, TokenId::from_i64(1)).await)
        .await
        .unwrap();
    assert_eq!(kept().await, []);
}

async fn ids_begin_above_everything_stored(home: Home) {
    let greatest = async |store: &Store| {
        store
            .read(async |tx: &mut Tx| tokens::greatest_id(tx).await)
            .await
            .unwrap()
    };
    assert_eq!(greatest(&home.open().await).await, 0);
}
