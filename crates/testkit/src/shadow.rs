//! The shadow: a second organization with marked data in the store of every test server, whose marks no answer may show.
//!
//! Put there behind the server's back, in one transaction that draws no id and no random byte, so that the first organization's answers
//! are the same with it and without it. Invariant: every text of it contains [`MARK`], and every id of it [`DIGITS`]; [`Caller`] refuses
//! an answer that contains one of them, so whatever a test asks, it asks as one organization while another holds marked data. Only the
//! audit trail has none of it, because its chain would break; `spec/tests/organizations/shadow.rs` has a second organization that lives.
//!
//! [`Caller`]: crate::Caller

use claviger_store::{Store, StoreError, Tx, Value};

/// In every name, description and address.
pub const MARK: &str = "shadowmark";
/// In every id: the digits that they share.
pub const DIGITS: &str = "0000pqrs";

/// The first number. In text its digits are those of [`DIGITS`] and five more.
const FIRST: i64 = 0x16be_3200_0000;

/// One row.
struct Row {
    table: &'static str,
    cells: Vec<(&'static str, Value)>,
}

const ORG: i64 = 0;
const ADMIN: i64 = 1;
const MEMBER: i64 = 2;
const TEAM: i64 = 3;
const SERVICE: i64 = 4;
const ENVIRONMENT: i64 = 5;
const STAGE: i64 = 6;
const TOKENS: i64 = 7;
const INVITATION: i64 = 11;
const WEBHOOK: i64 = 12;
const FEED: i64 = 13;
const DEPLOYMENT: i64 = 14;

/// The number of a thing.
const fn id(place: i64) -> i64 {
    FIRST + place
}

/// Puts the shadow into a store in which there is one organization.
///
/// # Errors
/// Those of the store.
pub(crate) async fn cast(store: &Store) -> Result<(), StoreError> {
    store
        .write(async move |tx: &mut Tx| {
            // Of a pepper that the server has: it refuses to start with live tokens under another.
            let known = tx.query_opt("SELECT MAX(pepper_id) FROM token", &[]).await?;
            let pepper: i64 = match known {
                Some(row) => row.get(0)?,
                None => 0,
            };
            for row in rows(pepper) {
                let names: Vec<&str> = row.cells.iter().map(|(name, _)| *name).collect();
                let places: Vec<String> = (1..=names.len()).map(|place| format!("${place}")).collect();
                let sql = format!(
                    "INSERT INTO {} ({}) VALUES ({})",
                    row.table,
                    names.join(", "),
                    places.join(", ")
                );
                let values: Vec<Value> = row.cells.into_iter().map(|(_, value)| value).collect();
                tx.execute(sql, &values).await?;
            }
            Ok(())
        })
        .await
}

/// Takes it out again, for a test of what counts in the whole installation.
///
/// # Errors
/// Those of the store.
pub(crate) async fn lift(store: &Store) -> Result<(), StoreError> {
    store
        .write(async move |tx: &mut Tx| {
            for row in rows(0).into_iter().rev() {
                let (name, value) = &row.cells[0];
                let sql = format!("DELETE FROM {} WHERE {name} = $1", row.table);
                tx.execute(sql, std::slice::from_ref(value)).await?;
            }
            Ok(())
        })
        .await
}

/// All of it, each after what it refers to; the first cell finds it.
fn rows(pepper: i64) -> Vec<Row> {
    let mut rows = vec![row(
        "organization",
        [
            ("id", id(ORG).into()),
            ("name", marked("organization")),
            ("created_at", Value::I64(0)),
        ],
    )];
    rows.extend(people());
    rows.extend(house());
    rows.extend((0..4).map(|place| token(place, pepper)));
    rows.extend(rest());
    rows
}

fn row<const N: usize>(table: &'static str, cells: [(&'static str, Value); N]) -> Row {
    Row {
        table,
        cells: cells.into(),
    }
}

/// A row of the organization with a time of its making.
fn owned(table: &'static str, place: i64, cells: impl IntoIterator<Item = (&'static str, Value)>) -> Row {
    let head = [
        ("id", id(place).into()),
        ("org_id", id(ORG).into()),
        ("created_at", Value::I64(0)),
    ];
    Row {
        table,
        cells: head.into_iter().chain(cells).collect(),
    }
}

/// A text with the mark.
fn text(what: &str) -> String {
    format!("{MARK} {what}")
}

fn marked(what: &str) -> Value {
    text(what).into()
}

/// 32 bytes that no secret has.
fn digest(place: i64) -> Value {
    let byte = u8::try_from(place).unwrap_or(u8::MAX);
    vec![byte; 32].into()
}

fn people() -> Vec<Row> {
    let person = |place, role: &str| {
        let email = format!("{MARK}-{role}@example.com");
        owned(
            "user_account",
            place,
            [
                ("email", email.clone().into()),
                ("email_key", email.into()),
                ("role", role.into()),
                ("name", marked(role)),
                ("name_key", marked(role)),
            ],
        )
    };
    vec![person(ADMIN, "super_admin"), person(MEMBER, "member")]
}

fn house() -> Vec<Row> {
    let noun = |table, place, more: Vec<(&'static str, Value)>| {
        let cells = [
            ("name", marked(table)),
            ("name_key", marked(table)),
            ("updated_at", Value::I64(0)),
        ];
        owned(table, place, cells.into_iter().chain(more))
    };
    let described = ("description", marked("description"));
    vec![
        noun("team", TEAM, vec![described.clone()]),
        row(
            "team_member",
            [
                ("team_id", id(TEAM).into()),
                ("user_id", id(MEMBER).into()),
                ("role", "manager".into()),
                ("since", Value::I64(0)),
            ],
        ),
        noun(
            "service",
            SERVICE,
            vec![described.clone(), ("team_id", id(TEAM).into())],
        ),
        noun(
            "environment",
            ENVIRONMENT,
            vec![described, ("is_production", Value::Bool(true))],
        ),
        noun(
            "stage",
            STAGE,
            vec![
                ("environment_id", id(ENVIRONMENT).into()),
                ("position", Value::I64(1)),
            ],
        ),
    ]
}

/// A live token of each type, without an end.
fn token(place: i64, pepper: i64) -> Row {
    let (kind, holder) = [
        ("personal", ADMIN),
        ("global", ORG),
        ("team", TEAM),
        ("service", SERVICE),
    ][usize::try_from(place).unwrap_or(0)];
    let own = id(TOKENS + place);
    let owner = if kind == "personal" { id(ADMIN) } else { own };
    owned(
        "token",
        TOKENS + place,
        [
            ("owner_id", owner.into()),
            ("holder_id", id(holder).into()),
            ("type", kind.into()),
            ("digest", digest(200 + place)),
            ("pepper_id", pepper.into()),
            ("hint", "MARK".into()),
            ("created_by", id(ADMIN).into()),
            ("updated_at", Value::I64(0)),
            ("scopes", "tokens:read deployments:write".into()),
            ("name", marked(kind)),
            ("name_key", marked(kind)),
            ("description", marked("description")),
            ("reason", marked("reason")),
        ],
    )
}

fn rest() -> Vec<Row> {
    let word = |what: &str| -> Value { format!("{MARK}-{what}").into() };
    let catalogue = |table, list, cells: &str| {
        row(
            table,
            [
                ("name", word(table)),
                ("org_id", id(ORG).into()),
                ("description", marked("description")),
                (list, cells.into()),
                ("created_at", Value::I64(0)),
                ("updated_at", Value::I64(0)),
            ],
        )
    };
    let email: Value = format!("{MARK}-invited@example.com").into();
    vec![
        catalogue("resource_kind", "actions", r#"["get"]"#),
        catalogue("role", "cells", r#"[{"kind":null,"actions":["get"],"by":[]}]"#),
        owned(
            "invitation",
            INVITATION,
            [
                ("email", email.clone()),
                ("email_key", email),
                ("role", "member".into()),
                ("teams", "[]".into()),
                ("digest", digest(INVITATION)),
                ("created_by", id(ADMIN).into()),
                ("expires_at", i64::MAX.into()),
            ],
        ),
        owned(
            "webhook",
            WEBHOOK,
            [
                ("url", format!("https://{MARK}.example.com/").into()),
                ("description", marked("webhook")),
                ("events", r#"["token.expiring"]"#.into()),
                ("created_by", id(ADMIN).into()),
                ("updated_at", Value::I64(0)),
                ("disabled_at", Value::I64(0)),
                ("disabled_reason", "requested".into()),
                ("secret", digest(WEBHOOK)),
            ],
        ),
        owned(
            "calendar_feed",
            FEED,
            [
                ("name", marked("feed")),
                ("created_by", id(ADMIN).into()),
                ("digest", digest(FEED)),
            ],
        ),
        owned(
            "deployment",
            DEPLOYMENT,
            [
                ("service", word("service")),
                ("version", word("version")),
                ("environment", word("environment")),
                ("finished_at", Value::I64(0)),
                ("result", "succeeded".into()),
                ("reported_by", id(ADMIN).into()),
            ],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use claviger_domain::{OrgId, TokenId};

    use super::*;

    #[test]
    fn every_id_has_the_digits_that_mark_it() {
        for place in [ORG, DEPLOYMENT] {
            assert!(TokenId::from_i64(id(place)).to_string().contains(DIGITS));
        }
        assert!(OrgId::from_i64(id(ORG)).to_string().contains(DIGITS));
    }
}
