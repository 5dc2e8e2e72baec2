//! The other nouns: people, the feed of changes, the audit trail, heads, kept answers, deployments.

use claviger_domain::audit::Event;
use claviger_domain::authority::Reach;
use claviger_domain::deployment::{Deployment, DeploymentResult, NewDeployment};
use claviger_domain::name::Label;
use claviger_domain::owner::Principal;
use claviger_domain::{DeploymentId, OrgId, Timestamp, TokenId, UserId};
use claviger_store::audit::{self, AuditFilter, AuditRow};
use claviger_store::deployments::{self, DeploymentFilter};
use claviger_store::idempotency::{self, IdempotencyRow};
use claviger_store::tokens::{self, TokenRow, UseRow};
use claviger_store::users::{self, UserRow};
use claviger_store::{StoreError, Tx, changes, heads, organizations};

use crate::home::{Home, NOW};
use crate::on_both_stores;
use crate::tokens::{ORG, store_with, token};

on_both_stores!(
    people_are_found_by_their_address,
    changes_take_places_without_a_gap,
    the_audit_trail_is_listed_by_every_filter,
    a_place_in_the_audit_trail_is_taken_once,
    a_head_moves,
    an_answer_is_kept_until_its_time_or_its_secret_is_over,
    answers_that_show_replaced_secrets_are_dropped,
    deployments_are_listed_newest_first,
);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(NOW.micros() + seconds * 1_000_000)
}

async fn people_are_found_by_their_address(home: Home) {
    let store = store_with(&home, vec![]).await;
    let user = |id: i64, org: OrgId, email_key: &str| UserRow {
        id: UserId::from_i64(id),
        org,
        email: email_key.to_uppercase(),
        email_key: email_key.to_owned(),
        name: None,
        name_key: None,
        role: "super_admin".to_owned(),
        created_at: NOW,
        deactivated_at: (id == 3).then_some(NOW),
        roles: None,
        rate_limit: None,
    };
    let other = OrgId::from_i64(2);
    let rows = [
        user(2, ORG, "ada@example.org"),
        user(3, ORG, "bob@example.org"),
        user(4, other, "ada@example.org"),
    ];
    let kept = rows.clone();
    store
        .write(async move |tx: &mut Tx| {
            organizations::insert(tx, other, "Other", NOW).await?;
            for row in &kept {
                users::insert(tx, row).await?;
            }
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();

    let again = user(5, ORG, "ada@example.org");
    let refused = store
        .write(async move |tx: &mut Tx| users::insert(tx, &again).await)
        .await;

    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    let read = store.read(async |tx: &mut Tx| {
        let ada = users::by_email_key(tx, "ada@example.org").await?;
        let nobody = users::by_email_key(tx, "ADA@example.org").await?;
        Ok::<_, StoreError>((users::count(tx).await?, ada, nobody, users::all(tx).await?))
    });
    let (count, ada, nobody, all) = read.await.unwrap();
    assert_eq!((count, ada.as_ref(), nobody), (3, Some(&rows[0]), None));
    assert_eq!(all, rows);
    let greatest = store
        .read(async |tx: &mut Tx| tokens::greatest_id(tx).await)
        .await;
    assert_eq!(greatest, Ok(4), "accounts count too");
}

async fn changes_take_places_without_a_gap(home: Home) {
    let store = home.open().await;
    let append = async |kind: &'static str, at: Timestamp, fail: bool| {
        let tokens = [1, i64::MAX].map(TokenId::from_i64);
        store
            .write(async move |tx: &mut Tx| {
                let seq = changes::append(tx, kind, at, &tokens).await?;
                if fail { Err(StoreError::Closed) } else { Ok(seq) }
            })
            .await
    };

    assert_eq!(append("issue", NOW, false).await, Ok(1));
    assert_eq!(append("update", NOW, true).await, Err(StoreError::Closed));
    assert_eq!(append("revoke", at(1), false).await, Ok(2));
    assert_eq!(append("delete", at(2), false).await, Ok(3));

    let since = async |seq: u64, limit: u32| {
        let read = store.read(async move |tx: &mut Tx| changes::since(tx, seq, limit).await);
        let rows = read.await.unwrap();
        rows.into_iter()
            .map(|row| (row.seq, row.kind, row.at, row.ids))
            .collect::<Vec<_>>()
    };
    let ids = "[1,9223372036854775807]".to_owned();
    assert_eq!(since(1, 1).await, [(2, "revoke".to_owned(), at(1), ids)]);
    assert_eq!(since(0, 10).await.len(), 3);
    assert!(since(3, 10).await.is_empty());
    let trimmed = store
        .write(async |tx: &mut Tx| changes::trim(tx, at(100)).await)
        .await;
    assert_eq!(
        trimmed,
        Ok(2),
        "the newest stays, so that the next place is known"
    );
    assert_eq!(append("issue", NOW, false).await, Ok(4));
    assert_eq!(
        store.read(async |tx: &mut Tx| changes::head(tx).await).await,
        Ok(4)
    );
}

fn event(seq: u64, org: OrgId) -> AuditRow {
    let actions = ["token.issued", "token.revoked", "setup.completed"];
    let place = usize::try_from(seq).unwrap_or(0);
    AuditRow {
        event: Event {
            seq,
            at: at(i64::try_from(seq).unwrap_or(0)),
            org,
            actor: format!("usr_{}", seq % 2),
            via: seq.is_multiple_of(2).then(|| "tok_1".to_owned()),
            action: actions[place % 3].to_owned(),
            subject: format!("tok_{}", seq % 5),
            detail: "{\"name\":\"ü\"}".to_owned(),
            request_id: "r".to_owned(),
            address: seq.is_multiple_of(3).then(|| "2001:db8::1".to_owned()),
        },
        hash: vec![u8::try_from(seq).unwrap_or(0); 32],
    }
}

async fn the_audit_trail_is_listed_by_every_filter(home: Home) {
    let store = store_with(&home, vec![]).await;
    let rows: Vec<AuditRow> = (1..=40)
        .map(|seq| event(seq, if seq == 13 { OrgId::from_i64(2) } else { ORG }))
        .collect();
    let kept = rows.clone();
    store
        .write(async move |tx: &mut Tx| audit::append_many(tx, &kept).await)
        .await
        .unwrap();
    let all = AuditFilter {
        org: ORG,
        action: None,
        subject: None,
        actor: None,
        since: None,
        until: None,
        before_seq: None,
        after_seq: None,
        newest_first: false,
        limit: 100,
    };
    type Model = fn(&Event) -> bool;
    let cases: [(AuditFilter, Model); 8] = [
        (all.clone(), |_| true),
        (
            AuditFilter {
                action: Some("token.revoked".into()),
                ..all.clone()
            },
            |event| event.action == "token.revoked",
        ),
        (
            AuditFilter {
                subject: Some("tok_3".into()),
                ..all.clone()
            },
            |event| event.subject == "tok_3",
        ),
        (
            AuditFilter {
                actor: Some("usr_1".into()),
                ..all.clone()
            },
            |event| event.actor == "usr_1",
        ),
        (
            AuditFilter {
                since: Some(at(10)),
                ..all.clone()
            },
            |event| event.at >= at(10),
        ),
        (
            AuditFilter {
                until: Some(at(10)),
                ..all.clone()
            },
            |event| event.at < at(10),
        ),
        (
            AuditFilter {
                before_seq: Some(10),
                ..all.clone()
            },
            |event| event.seq < 10,
        ),
        (
            AuditFilter {
                after_seq: Some(10),
                ..all.clone()
            },
            |event| event.seq > 10,
        ),
    ];

    for (filter, model) in cases {
        let mut expected: Vec<AuditRow> = rows
            .iter()
            .filter(|row| row.event.org == ORG && model(&row.event))
            .cloned()
            .collect();
        let newest = AuditFilter {
            newest_first: true,
            limit: 5,
            ..filter.clone()
        };
        let oldest = filter.clone();
        let found = store
            .read(async move |tx: &mut Tx| audit::list(tx, &oldest).await)
            .await
            .unwrap();
        assert_eq!(found, expected, "{filter:?}");
        expected.reverse();
        expected.truncate(5);
        let found = store
            .read(async move |tx: &mut Tx| audit::list(tx, &newest).await)
            .await
            .unwrap();
        assert_eq!(found, expected, "{filter:?}, newest first");
    }
    let range = store
        .read(async |tx: &mut Tx| audit::range(tx, 11, 3).await)
        .await
        .unwrap();
    assert_eq!(range, rows[11..14], "of every organization");
    assert_eq!(
        store.read(async |tx: &mut Tx| audit::last_seq(tx).await).await,
        Ok(40)
    );
}

async fn a_place_in_the_audit_trail_is_taken_once(home: Home) {
    let store = store_with(&home, vec![]).await;
    assert_eq!(
        store.read(async |tx: &mut Tx| audit::last_seq(tx).await).await,
        Ok(0)
    );
    let append = async |seqs: [u64; 2]| {
        let rows = seqs.map(|seq| event(seq, ORG));
        store
            .write(async move |tx: &mut Tx| audit::append_many(tx, &rows).await)
            .await
    };

    assert_eq!(append([1, 2]).await, Ok(()));
    let refused = append([3, 2]).await;

    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    assert_eq!(
        store.read(async |tx: &mut Tx| audit::last_seq(tx).await).await,
        Ok(2),
        "all or nothing"
    );
}

async fn a_head_moves(home: Home) {
    let store = home.open().await;
    let put = async |name: &'static str, seq: u64, byte: u8| {
        store
            .write(async move |tx: &mut Tx| heads::put(tx, name, seq, &[byte; 32], &[byte + 1; 32]).await)
            .await
            .unwrap();
    };
    put("audit", 1, 1).await;
    put("other", 7, 7).await;
    put("audit", 2, 2).await;

    let read = store.read(async |tx: &mut Tx| {
        Ok::<_, StoreError>((heads::get(tx, "audit").await?, heads::get(tx, "none").await?))
    });

    let (audit, none) = read.await.unwrap();
    let audit = audit.unwrap();
    assert_eq!((audit.seq, audit.hash, audit.mac), (2, vec![2; 32], vec![3; 32]));
    assert_eq!(none, None);
}

async fn an_answer_is_kept_until_its_time_or_its_secret_is_over(home: Home) {
    let used = TokenRow {
        created_at: at(50),
        ..token(1)
    };
    let store = store_with(&home, vec![used, token(2)]).await;
    let row = |key: u8, token: Option<i64>, created: i64| IdempotencyRow {
        key_hash: vec![key; 32],
        request_hash: vec![key + 1; 32],
        token_id: token.map(TokenId::from_i64),
        sealed: Some(vec![key; 100]),
        created_at: at(created),
        expires_at: at(created + 100),
    };
    // No secret, a secret that was used, a secret that was not, one of long ago, one that is not the token's present one.
    let rows = [
        row(1, None, 0),
        row(2, Some(1), 50),
        row(3, Some(2), 50),
        row(4, Some(2), 10),
        row(5, Some(1), 40),
    ];
    let kept = rows.clone();
    store
        .write(async move |tx: &mut Tx| {
            for row in &kept {
                idempotency::put(tx, row).await?;
            }
            let used = UseRow {
                id: TokenId::from_i64(1),
                at: at(50),
                address: None,
                presented_in: None,
            };
            tokens::touch_last_used(tx, &[used]).await
        })
        .await
        .unwrap();
    let sealed = async || {
        let mut sealed = Vec::new();
        for key in 1..=5 {
            let found = store
                .read(async move |tx: &mut Tx| idempotency::get(tx, &[key; 32]).await)
                .await
                .unwrap();
            sealed.push(found.map(|row| row.sealed.is_some()));
        }
        sealed
    };
    let first = store
        .read(async |tx: &mut Tx| idempotency::get(tx, &[1; 32]).await)
        .await
        .unwrap();
    assert_eq!(first.as_ref(), Some(&rows[0]));

    let cleared = store
        .write(async |tx: &mut Tx| idempotency::clear_secrets(tx, at(10)).await)
        .await;
    assert_eq!(cleared, Ok(2));
    assert_eq!(
        sealed().await,
        [Some(true), Some(false), Some(true), Some(false), Some(true)]
    );

    let purged = store
        .write(async |tx: &mut Tx| idempotency::purge(tx, at(110)).await)
        .await;
    assert_eq!(purged, Ok(2), "expired means now >= expires_at");
    assert_eq!(sealed().await, [None, Some(false), Some(true), None, Some(true)]);

    let replaced = row(3, None, 500);
    let wanted = replaced.clone();
    store
        .write(async move |tx: &mut Tx| idempotency::put(tx, &replaced).await)
        .await
        .unwrap();
    let found = store
        .read(async |tx: &mut Tx| idempotency::get(tx, &[3; 32]).await)
        .await
        .unwrap();
    assert_eq!(found, Some(wanted));
}

async fn answers_that_show_replaced_secrets_are_dropped(home: Home) {
    let store = store_with(&home, vec![token(1), token(2)]).await;
    let kept = [(1, 10), (1, 20), (2, 10)].map(|(token, given)| (TokenId::from_i64(token), at(given)));
    let sealed = async || {
        let read = store.read(async |tx: &mut Tx| {
            let mut sealed = Vec::new();
            for key in 0..3 {
                let row = idempotency::get(tx, &[key; 32]).await?;
                sealed.push(row.is_some_and(|row| row.sealed.is_some()));
            }
            Ok::<_, StoreError>(sealed)
        });
        read.await.unwrap()
    };
    let clear = async |given: Option<Timestamp>| {
        let token = TokenId::from_i64(1);
        let write = store.write(async move |tx: &mut Tx| idempotency::clear_replaced(tx, token, given).await);
        write.await.unwrap();
    };
    let put = store.write(async move |tx: &mut Tx| {
        for (key, (token, given)) in (0..).zip(kept) {
            let row = IdempotencyRow {
                key_hash: vec![key; 32],
                request_hash: vec![0; 32],
                token_id: Some(token),
                sealed: Some(vec![1]),
                created_at: given,
                expires_at: at(1_000),
            };
            idempotency::put(tx, &row).await?;
        }
        Ok::<_, StoreError>(())
    });
    put.await.unwrap();

    assert_eq!(sealed().await, [true, true, true]);
    clear(Some(at(20))).await;
    assert_eq!(sealed().await, [false, true, true]);
    clear(None).await;
    assert_eq!(sealed().await, [false, false, true], "another token's stays");
}

async fn deployments_are_listed_newest_first(home: Home) {
    let store = store_with(&home, vec![]).await;
    let label = |text: &str| Label::parse("field", text).unwrap();
    let deployment = |id: i64| Deployment {
        id: DeploymentId::from_i64(id),
        org: ORG,
        report: NewDeployment {
            service: label(if id % 2 == 0 { "search" } else { "pay ü" }),
            version: label(&format!("1.{id}")),
            reference: (id % 3 == 0).then(|| label("abc123")),
            environment: label(if id % 5 == 0 { "staging" } else { "production" }),
            started_at: (id % 4 == 0).then(|| at(id)),
            finished_at: at(id + 1),
            result: DeploymentResult::ALL[usize::try_from(id).unwrap_or(0) % 4],
        },
        reported_by: if id % 2 == 0 {
            Principal::Token(TokenId::from_i64(9))
        } else {
            Principal::User(UserId::from_i64(9))
        },
        created_at: at(id + 2),
    };
    let rows: Vec<Deployment> = (1..=30).map(deployment).collect();
    let kept = rows.clone();
    store
        .write(async move |tx: &mut Tx| {
            for row in &kept {
                deployments::insert(tx, row).await?;
            }
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    let all = DeploymentFilter {
        org: ORG,
        within: [Reach::Everything, Reach::Everything],
        service: None,
        environment: None,
        result: None,
        before: None,
        limit: 100,
    };
    let nowhere = Reach::Parts {
        teams: Vec::new(),
        services: Vec::new(),
    };
    type Model = fn(&Deployment) -> bool;
    let cases: [(DeploymentFilter, Model); 7] = [
        (all.clone(), |_| true),
        (
            DeploymentFilter {
                within: [Reach::Everything, nowhere],
                ..all.clone()
            },
            |_| false,
        ),
        (
            DeploymentFilter {
                org: OrgId::from_i64(2),
                ..all.clone()
            },
            |_| false,
        ),
        (
            DeploymentFilter {
                service: Some("search".into()),
                ..all.clone()
            },
            |row| row.id.get() % 2 == 0,
        ),
        (
            DeploymentFilter {
                environment: Some("staging".into()),
                ..all.clone()
            },
            |row| row.id.get() % 5 == 0,
        ),
        (
            DeploymentFilter {
                result: Some("failed"),
                ..all.clone()
            },
            |row| row.report.result == DeploymentResult::Failed,
        ),
        (
            DeploymentFilter {
                before: Some(DeploymentId::from_i64(11)),
                ..all
            },
            |row| row.id.get() < 11,
        ),
    ];

    for (filter, model) in cases {
        let expected: Vec<Deployment> = rows.iter().rev().filter(|row| model(row)).cloned().collect();
        let shown = format!("{filter:?}");
        let found = store
            .read(async move |tx: &mut Tx| deployments::list(tx, &filter).await)
            .await
            .unwrap();
        assert_eq!(found, expected, "{shown}");
    }
}
