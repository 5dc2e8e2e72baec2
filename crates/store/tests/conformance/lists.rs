//! Lists: every filter and order, measured against the same said in Rust.

use std::cmp::Reverse;
use std::collections::HashMap;

use claviger_domain::owner::Principal;
use claviger_domain::{OwnerId, Timestamp, TokenId, UserId};
use claviger_store::tokens::{self, Place, RevocationRow, Sort, TokenFilter, TokenRow, UseRow};
use claviger_store::{Store, StoreError, Tx};

use crate::home::{Home, NOW};
use crate::on_both_stores;
use crate::tokens::{ORG, store_with, token};

on_both_stores!(
    every_filter_finds_what_it_says,
    every_order_is_the_same_on_both_stores,
    a_walk_through_all_pages_meets_each_row_once_while_others_come_and_go,
    a_place_of_another_order_is_refused_by_nobody_but_parses,
);

const SORTS: [Sort; 4] = [Sort::Id, Sort::Name, Sort::ExpiresAt, Sort::LastUsedAt];

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(NOW.micros() + seconds * 1_000_000)
}

/// 60 tokens, of two owners and of themselves, with ends and uses around now, some of them missing, some of them equal.
fn rows() -> Vec<TokenRow> {
    let names = [
        "alpha",
        "Alpha",
        "beta",
        "bete",
        "größe",
        "zebra",
        "日本",
        "a b",
        "a-b",
        "\u{10ffff}",
    ];
    let row = |number: i64| {
        let mut row = token(number);
        let place = usize::try_from(number).unwrap_or(0) % names.len();
        row.name_key = names[place].to_owned();
        let acts_as_itself = number % 3 == 0;
        row.owner = OwnerId::from_i64(if acts_as_itself { number } else { 70 + number % 2 });
        row.token_type = if acts_as_itself { "global" } else { "personal" }.to_owned();
        row.hint = format!("{}x{}z", number % 4, number % 5);
        row.created_at = at(number);
        row.expires_at = (number % 5 != 0).then(|| at((number % 7 - 3) * 10));
        row
    };
    (1..=60).map(row).collect()
}

/// Writes the rows; every fourth is revoked, every second was used.
async fn store_of_rows(home: &Home) -> (Store, Vec<TokenRow>) {
    let store = store_with(home, rows()).await;
    store
        .write(async |tx: &mut Tx| {
            let revoked: Vec<TokenId> = (1..=60)
                .filter(|number| number % 4 == 0)
                .map(TokenId::from_i64)
                .collect();
            let revocation = RevocationRow {
                at: NOW,
                by: "usr_1".to_owned(),
                reason: "requested".to_owned(),
                note: None,
            };
            tokens::revoke(tx, &revoked, &revocation).await?;
            let used = (1..=60).filter(|number| number % 2 == 0);
            let uses: Vec<UseRow> = used
                .map(|number| UseRow {
                    id: TokenId::from_i64(number),
                    at: at(number % 6 * 100),
                    address: None,
                    presented_in: None,
                })
                .collect();
            tokens::touch_last_used(tx, &uses).await
        })
        .await
        .unwrap();
    let ids: Vec<TokenId> = (1..=60).map(TokenId::from_i64).collect();
    let mut rows = store
        .read(async move |tx: &mut Tx| tokens::by_ids(tx, &ids).await)
        .await
        .unwrap();
    rows.sort_by_key(|row| row.id);
    assert_eq!(rows.len(), 60);
    (store, rows)
}

fn filter() -> TokenFilter {
    TokenFilter::all(ORG, NOW)
}

async fn listed(store: &Store, filter: &TokenFilter) -> Vec<TokenRow> {
    let filter = filter.clone();
    store
        .read(async move |tx: &mut Tx| tokens::list(tx, &filter).await)
        .await
        .unwrap()
}

/// The rule of `Token::unused_since`.
fn is_unused(row: &TokenRow) -> bool {
    let secret_since = row.regenerated_at.unwrap_or(row.created_at);
    let since = row
        .last_used_at
        .map_or(secret_since, |used| used.max(secret_since));
    let is_live = row.revoked_at.is_none() && row.expires_at.is_none_or(|end| end > NOW);
    is_live && row.token_type == "personal" && since <= at(200)
}

type Model = fn(&TokenRow) -> bool;

fn filters() -> Vec<(&'static str, TokenFilter, Model)> {
    let live: Model = |row| row.revoked_at.is_none() && row.expires_at.is_none_or(|end| end > NOW);
    vec![
        ("all", filter(), |_| true),
        (
            "org",
            TokenFilter {
                org: claviger_domain::OrgId::from_i64(2),
                ..filter()
            },
            |_| false,
        ),
        (
            "live",
            TokenFilter {
                state: Some("live"),
                ..filter()
            },
            live,
        ),
        (
            "expired",
            TokenFilter {
                state: Some("expired"),
                ..filter()
            },
            |row| row.revoked_at.is_none() && row.expires_at.is_some_and(|end| end <= NOW),
        ),
        (
            "revoked",
            TokenFilter {
                state: Some("revoked"),
                ..filter()
            },
            |row| row.revoked_at.is_some(),
        ),
        (
            "type",
            TokenFilter {
                token_type: Some("global"),
                ..filter()
            },
            |row| row.token_type == "global",
        ),
        (
            "owner",
            TokenFilter {
                owner: Some(Principal::User(UserId::from_i64(71))),
                ..filter()
            },
            |row| row.owner.get() == 71,
        ),
        (
            "owner is the token",
            TokenFilter {
                owner: Some(Principal::Token(TokenId::from_i64(9))),
                ..filter()
            },
            |row| row.id.get() == 9,
        ),
        (
            "name",
            TokenFilter {
                key_prefix: Some("be".into()),
                ..filter()
            },
            |row| row.name_key.starts_with("be"),
        ),
        (
            "name ü",
            TokenFilter {
                key_prefix: Some("größ".into()),
                ..filter()
            },
            |row| row.name_key == "größe",
        ),
        (
            "last name",
            TokenFilter {
                key_prefix: Some("\u{10ffff}".into()),
                ..filter()
            },
            |row| row.name_key == "\u{10ffff}",
        ),
        (
            "no name",
            TokenFilter {
                key_prefix: Some("be_".into()),
                ..filter()
            },
            |_| false,
        ),
        (
            "text",
            TokenFilter {
                key_or_hint_prefix: Some(("al".into(), "2x".into())),
                ..filter()
            },
            |row| row.name_key.starts_with("al") || row.hint.starts_with("2x"),
        ),
        (
            "created before",
            TokenFilter {
                created_before: Some(at(30)),
                ..filter()
            },
            |row| row.created_at < at(30),
        ),
        (
            "expires before",
            TokenFilter {
                expires_before: Some(at(10)),
                ..filter()
            },
            |row| row.expires_at.is_some_and(|end| end < at(10)),
        ),
        (
            "expires after",
            TokenFilter {
                expires_after: Some(at(10)),
                ..filter()
            },
            |row| row.expires_at.is_none_or(|end| end > at(10)),
        ),
        (
            "used before",
            TokenFilter {
                last_used_before: Some(at(200)),
                ..filter()
            },
            |row| row.last_used_at.is_none_or(|used| used < at(200)),
        ),
        (
            "used after",
            TokenFilter {
                last_used_after: Some(at(200)),
                ..filter()
            },
            |row| row.last_used_at.is_some_and(|used| used > at(200)),
        ),
        (
            "unused",
            TokenFilter {
                unused: Some((true, vec![("personal", at(200))])),
                ..filter()
            },
            is_unused,
        ),
        (
            "not unused",
            TokenFilter {
                unused: Some((false, vec![("personal", at(200))])),
                ..filter()
            },
            |row| !is_unused(row),
        ),
        (
            "unused by no rule",
            TokenFilter {
                unused: Some((true, Vec::new())),
                ..filter()
            },
            |_| false,
        ),
        (
            "except",
            TokenFilter {
                except: Some(TokenId::from_i64(7)),
                ..filter()
            },
            |row| row.id.get() != 7,
        ),
        (
            "several",
            TokenFilter {
                state: Some("live"),
                owner: Some(Principal::User(UserId::from_i64(70))),
                key_prefix: Some("a".into()),
                ..filter()
            },
            |row| {
                row.revoked_at.is_none()
                    && row.expires_at.is_none_or(|end| end > NOW)
                    && row.owner.get() == 70
                    && row.name_key.starts_with('a')
            },
        ),
    ]
}

async fn every_filter_finds_what_it_says(home: Home) {
    let (store, rows) = store_of_rows(&home).await;

    for (name, filter, model) in filters() {
        let expected: Vec<&TokenRow> = rows.iter().filter(|row| model(row)).collect();

        let found = listed(&store, &filter).await;

        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{name}");
        let counted = TokenFilter {
            limit: 1,
            after: None,
            ..filter.clone()
        };
        let count = store
            .read(async move |tx: &mut Tx| tokens::count(tx, &counted).await)
            .await
            .unwrap();
        assert_eq!(count, expected.len() as u64, "{name}");
        let ids = store
            .read(async move |tx: &mut Tx| tokens::ids(tx, &filter).await)
            .await
            .unwrap();
        assert_eq!(
            ids,
            expected.iter().map(|row| row.id).collect::<Vec<_>>(),
            "{name}"
        );
    }
}

/// The order, said in Rust: never-ending is last, never-used is first, ids decide between equals.
fn ordered(rows: &[TokenRow], sort: Sort, descending: bool) -> Vec<i64> {
    let mut rows: Vec<&TokenRow> = rows.iter().collect();
    let key = |row: &TokenRow| {
        let name = if sort == Sort::Name {
            row.name_key.clone()
        } else {
            String::new()
        };
        let instant = match sort {
            Sort::ExpiresAt => row.expires_at.map_or(i64::MAX, Timestamp::micros),
            Sort::LastUsedAt => row.last_used_at.map_or(i64::MIN, Timestamp::micros),
            Sort::Id | Sort::Name => 0,
        };
        (name, instant, row.id)
    };
    if descending {
        rows.sort_by_key(|row| Reverse(key(row)));
    } else {
        rows.sort_by_key(|row| key(row));
    }
    rows.into_iter().map(|row| row.id.get()).collect()
}

async fn every_order_is_the_same_on_both_stores(home: Home) {
    let (store, rows) = store_of_rows(&home).await;

    for (sort, descending) in SORTS.into_iter().flat_map(|sort| [(sort, false), (sort, true)]) {
        let expected = ordered(&rows, sort, descending);

        let whole = listed(
            &store,
            &TokenFilter {
                sort,
                descending,
                ..filter()
            },
        )
        .await;
        let mut paged = Vec::new();
        let mut after = None;
        loop {
            let page = listed(
                &store,
                &TokenFilter {
                    sort,
                    descending,
                    after,
                    limit: 7,
                    ..filter()
                },
            )
            .await;
            let Some(last) = page.last() else { break };
            // The place goes through its text, as in a cursor.
            after = Place::parse(&Place::of(last, sort).to_string());
            assert!(after.is_some());
            paged.extend(page.iter().map(|row| row.id.get()));
        }

        assert_eq!(
            whole.iter().map(|row| row.id.get()).collect::<Vec<_>>(),
            expected,
            "{sort:?} {descending}"
        );
        assert_eq!(paged, expected, "{sort:?} {descending}, by pages");
    }
}

async fn a_walk_through_all_pages_meets_each_row_once_while_others_come_and_go(home: Home) {
    let (store, rows) = store_of_rows(&home).await;

    let mut next_id = 1_000;
    for (sort, descending) in SORTS.into_iter().flat_map(|sort| [(sort, false), (sort, true)]) {
        let mut met: HashMap<i64, u32> = HashMap::new();
        let mut after = None;
        loop {
            let page = listed(
                &store,
                &TokenFilter {
                    sort,
                    descending,
                    after,
                    limit: 5,
                    ..filter()
                },
            )
            .await;
            let Some(last) = page.last() else { break };
            after = Some(Place::of(last, sort));
            for row in &page {
                *met.entry(row.id.get()).or_default() += 1;
            }
            // Before and behind the reader, rows are added, and those of the walk before go.
            if next_id % 3 != 0 || met.len() < 100 {
                let mut row = token(next_id);
                row.name_key = if next_id % 2 == 0 { "aaa" } else { "zzz" }.to_owned();
                row.expires_at = (next_id % 2 == 0).then_some(NOW);
                store
                    .write(async move |tx: &mut Tx| {
                        tokens::insert(tx, &row).await?;
                        tokens::delete(tx, TokenId::from_i64(row.id.get() - 10)).await
                    })
                    .await
                    .unwrap();
                next_id += 1;
            }
            assert!(met.len() < 500, "the walk ends");
        }

        for row in &rows {
            assert_eq!(
                met.get(&row.id.get()),
                Some(&1),
                "{sort:?} {descending} {}",
                row.id.get()
            );
        }
        assert!(met.values().all(|times| *times == 1));
    }
}

async fn a_place_of_another_order_is_refused_by_nobody_but_parses(home: Home) {
    let store = store_with(&home, vec![token(1)]).await;
    let place = Place::of(&token(1), Sort::Name);

    assert_eq!(Place::parse(&place.to_string()), Some(place));
    for broken in [
        "",
        ":",
        "tok_0000000000001:",
        "x:n1",
        "tok_0000000000001:nx",
        "tok_0000000000001:q",
    ] {
        assert_eq!(Place::parse(broken), None, "{broken}");
    }
    let odd: Result<Vec<TokenRow>, StoreError> = store
        .read(async |tx: &mut Tx| {
            tokens::list(
                tx,
                &TokenFilter {
                    state: Some("revoked"),
                    ..filter()
                },
            )
            .await
        })
        .await;
    assert_eq!(odd, Ok(vec![]));
}
