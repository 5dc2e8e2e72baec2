//! Reminders: ends in their order, a notice once, a delivery claimed by one.

use std::time::Duration;

use claviger_domain::reminder::NoticeKind;
use claviger_domain::webhook::{Delivery, DeliveryState, Recipient, Webhook, WebhookEvent};
use claviger_domain::{DeliveryId, Timestamp, TokenId, WebhookId};
use claviger_store::deliveries::{self, Outcome};
use claviger_store::notices::{self, End};
use claviger_store::tokens::TokenRow;
use claviger_store::{Store, StoreError, Tx, webhooks};

use crate::home::{Home, NOW};
use crate::on_both_stores;
use crate::tokens::{ORG, store_with, token};

on_both_stores!(
    ends_are_read_in_pages_even_when_they_are_one,
    a_revoked_token_and_one_without_an_end_are_passed_over,
    a_token_that_was_issued_after_the_threshold_is_passed_over,
    a_notice_is_made_once_for_each_end_and_kind,
    a_due_delivery_is_claimed_once_until_its_time_comes_again,
    only_the_last_try_says_how_it_went,
    busy_webhooks_are_passed_over,
    old_deliveries_are_forgotten_and_pending_ones_kept,
);

const LEAD: Duration = Duration::from_secs(60);

fn ending(id: i64, end: Timestamp) -> TokenRow {
    TokenRow {
        expires_at: Some(end),
        ..token(id)
    }
}

async fn ids_after(store: &Store, after: End, until: Timestamp, limit: u32) -> Vec<i64> {
    let found = store.read(async move |tx: &mut Tx| notices::ending(tx, after, until, LEAD, limit).await);
    found.await.unwrap().iter().map(|row| row.id.get()).collect()
}

async fn ends_are_read_in_pages_even_when_they_are_one(home: Home) {
    let (near, far) = (NOW.plus_days(1), NOW.plus_days(2));
    let rows = vec![ending(4, near), ending(2, near), ending(3, far), ending(1, near)];
    let store = store_with(&home, rows).await;
    let at = |at, token| End {
        at,
        token: TokenId::from_i64(token),
    };

    assert_eq!(ids_after(&store, End::after(NOW), far, 2).await, [1, 2]);
    assert_eq!(ids_after(&store, at(near, 2), far, 2).await, [4, 3]);
    assert_eq!(ids_after(&store, End::after(near), far, 2).await, [3]);
    assert_eq!(ids_after(&store, End::after(NOW), near, 9).await, [1, 2, 4]);
    assert_eq!(ids_after(&store, at(far, 3), far, 9).await, [0; 0]);
}

async fn a_revoked_token_and_one_without_an_end_are_passed_over(home: Home) {
    let revoked = TokenRow {
        revoked_at: Some(NOW),
        ..ending(2, NOW.plus_days(1))
    };
    let store = store_with(
        &home,
        vec![token(1), revoked.clone(), ending(3, NOW.plus_days(1))],
    )
    .await;
    let revocation = claviger_store::tokens::RevocationRow {
        at: NOW,
        by: "system".to_owned(),
        reason: "requested".to_owned(),
        note: None,
    };
    let revoke =
        async move |tx: &mut Tx| claviger_store::tokens::revoke(tx, &[revoked.id], &revocation).await;
    store.write(revoke).await.unwrap();

    assert_eq!(ids_after(&store, End::after(NOW), NOW.plus_days(9), 9).await, [3]);
}

async fn a_token_that_was_issued_after_the_threshold_is_passed_over(home: Home) {
    let just = ending(1, NOW + LEAD);
    let longer = ending(2, NOW + LEAD + Duration::from_micros(1));
    let store = store_with(&home, vec![just, longer]).await;

    assert_eq!(ids_after(&store, End::after(NOW), NOW.plus_days(1), 9).await, [2]);
}

async fn a_notice_is_made_once_for_each_end_and_kind(home: Home) {
    let store = store_with(&home, Vec::new()).await;
    let noted = async |day: u32, kind: NoticeKind| {
        let end = End {
            at: NOW.plus_days(day),
            token: TokenId::from_i64(1),
        };
        let note = async move |tx: &mut Tx| notices::insert(tx, end, kind, NOW).await;
        store.write(note).await.unwrap()
    };

    assert!(noted(1, NoticeKind::Expired).await);
    assert!(!noted(1, NoticeKind::Expired).await);
    assert!(noted(1, NoticeKind::RefusedAfterExpiry).await);
    assert!(noted(2, NoticeKind::Expired).await);
    let purged = store.write(async |tx: &mut Tx| notices::purge(tx, NOW.plus_days(2)).await);
    assert_eq!(purged.await.unwrap(), 2);
}

fn delivery(id: i64, webhook: i64, due: Timestamp) -> Delivery {
    Delivery {
        id: DeliveryId::from_i64(id),
        org: ORG,
        to: Recipient::Webhook(WebhookId::from_i64(webhook)),
        token: Some(TokenId::from_i64(7)),
        event: WebhookEvent::TokenExpired,
        state: DeliveryState::Pending,
        attempts: 0,
        created_at: NOW,
        next_attempt_at: Some(due),
        last_attempt_at: None,
        last_status: None,
        last_error: None,
    }
}

fn webhook(id: i64) -> Webhook {
    Webhook {
        id: WebhookId::from_i64(id),
        org: ORG,
        team: None,
        url: "https://example.org/".to_owned(),
        description: claviger_domain::name::Description::default(),
        events: [WebhookEvent::TokenExpired].into(),
        created_at: NOW,
        created_by: claviger_domain::owner::Principal::Token(TokenId::from_i64(7)),
        updated_at: NOW,
        disabled: None,
    }
}

/// A store with the webhooks 100 and 200 and these deliveries.
async fn store_of(home: &Home, made: Vec<Delivery>) -> Store {
    let store = store_with(home, Vec::new()).await;
    let write = store.write(async move |tx: &mut Tx| {
        for id in [100, 200] {
            webhooks::insert(tx, &webhook(id), b"sealed").await?;
        }
        for made in &made {
            deliveries::insert(tx, made, "the message").await?;
        }
        Ok::<_, StoreError>(())
    });
    write.await.unwrap();
    store
}

async fn claim(store: &Store, id: i64, now: Timestamp) -> Vec<deliveries::Claimed> {
    let claim = async move |tx: &mut Tx| {
        deliveries::claim(
            tx,
            &[DeliveryId::from_i64(id)],
            now,
            now + Duration::from_secs(60),
        )
        .await
    };
    store.write(claim).await.unwrap()
}

async fn shown(store: &Store, id: i64) -> Delivery {
    let find = async move |tx: &mut Tx| deliveries::by_id(tx, DeliveryId::from_i64(id)).await;
    store.read(find).await.unwrap().unwrap()
}

async fn a_due_delivery_is_claimed_once_until_its_time_comes_again(home: Home) {
    let store = store_of(&home, vec![delivery(1, 100, NOW)]).await;

    assert!(claim(&store, 1, NOW - Duration::from_micros(1)).await.is_empty());
    let claimed = claim(&store, 1, NOW).await;
    assert_eq!(
        (
            claimed.len(),
            claimed[0].delivery.attempts,
            claimed[0].message.as_str()
        ),
        (1, 1, "the message")
    );
    assert!(claim(&store, 1, NOW).await.is_empty());
    let again = claim(&store, 1, NOW + Duration::from_secs(60)).await;
    assert_eq!(again[0].delivery.attempts, 2);
}

async fn only_the_last_try_says_how_it_went(home: Home) {
    let store = store_of(&home, vec![delivery(1, 100, NOW)]).await;
    claim(&store, 1, NOW).await;
    claim(&store, 1, NOW + Duration::from_secs(60)).await;
    let finish = async |attempt: u32, state: DeliveryState| {
        let outcome = Outcome {
            state,
            at: NOW,
            next_attempt_at: None,
            status: Some(204),
            error: None,
        };
        let finish =
            async move |tx: &mut Tx| deliveries::finish(tx, DeliveryId::from_i64(1), attempt, &outcome).await;
        store.write(finish).await.unwrap();
    };

    finish(1, DeliveryState::Failed).await;
    assert_eq!(shown(&store, 1).await.state, DeliveryState::Pending);
    finish(2, DeliveryState::Delivered).await;
    let done = shown(&store, 1).await;
    assert_eq!(
        (done.state, done.next_attempt_at, done.last_status),
        (DeliveryState::Delivered, None, Some(204))
    );

    let restart = async |tx: &mut Tx| deliveries::restart(tx, DeliveryId::from_i64(1), NOW).await;
    store.write(restart).await.unwrap();
    assert_eq!(claim(&store, 1, NOW).await[0].delivery.attempts, 1);
}

async fn busy_webhooks_are_passed_over(home: Home) {
    let later = NOW + Duration::from_secs(1);
    let made = vec![
        delivery(1, 100, later),
        delivery(2, 200, NOW),
        delivery(3, 100, NOW),
        delivery(4, 200, NOW.plus_days(1)),
    ];
    let store = store_of(&home, made).await;
    let due = async |busy: Vec<WebhookId>| {
        let find = async move |tx: &mut Tx| deliveries::due(tx, later, &busy, 9, 9).await;
        let found = store.read(find).await.unwrap();
        found.into_iter().map(|(id, _)| id.get()).collect::<Vec<_>>()
    };

    assert_eq!(due(Vec::new()).await, [2, 3, 1]);
    let one_each = async move |tx: &mut Tx| deliveries::due(tx, later, &[], 1, 9).await;
    let found = store.read(one_each).await.unwrap();
    assert_eq!(found.iter().map(|(id, _)| id.get()).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(due(vec![WebhookId::from_i64(100)]).await, [2]);
    let give_up = async |tx: &mut Tx| deliveries::give_up(tx, WebhookId::from_i64(200), "gone").await;
    store.write(give_up).await.unwrap();
    assert_eq!(due(Vec::new()).await, [3, 1]);
    assert_eq!(shown(&store, 4).await.last_error.as_deref(), Some("gone"));
    let delete = async |tx: &mut Tx| webhooks::delete(tx, WebhookId::from_i64(100)).await;
    store.write(delete).await.unwrap();
    assert_eq!(due(Vec::new()).await, [0; 0]);
}

async fn old_deliveries_are_forgotten_and_pending_ones_kept(home: Home) {
    let done = |id| Delivery {
        state: DeliveryState::Delivered,
        next_attempt_at: None,
        ..delivery(id, 100, NOW)
    };
    let store = store_of(&home, vec![done(1), delivery(2, 100, NOW), done(3), done(4)]).await;
    let purge = async |limit: u32| {
        let purge = async move |tx: &mut Tx| deliveries::purge(tx, DeliveryId::from_i64(4), limit).await;
        store.write(purge).await.unwrap()
    };

    assert_eq!((purge(1).await, purge(9).await, purge(9).await), (1, 1, 0));
    let left = async |tx: &mut Tx| deliveries::of_webhook(tx, WebhookId::from_i64(100), None, None, 9).await;
    let left = store.read(left).await.unwrap();
    assert_eq!(left.iter().map(|left| left.id.get()).collect::<Vec<_>>(), [4, 2]);
}
