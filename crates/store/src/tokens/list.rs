//! Lists of tokens: filters, orders, and the place where a page ends.
//!
//! Pages are cut by value (`(column, id)` after the last row's), so that rows which come or go meanwhile shift nothing. A
//! missing expiry sorts after every instant, a missing last use before: both stores get the same numbers for them.

use std::fmt;

use claviger_domain::authority::Reach;
use claviger_domain::owner::Principal;
use claviger_domain::{OrgId, OwnerId, Timestamp, TokenId};

use super::{COLUMNS, TokenRow, read};
use crate::dialect::{numbers, prefix_end};
use crate::{StoreError, Tx, Value};

/// Which records to list. All conditions must hold.
#[derive(Debug, Clone)]
pub struct TokenFilter {
    /// The tenant.
    pub org: OrgId,
    /// The instant by which `state` is judged.
    pub now: Timestamp,
    /// `live`, `expired` or `revoked`.
    pub state: Option<&'static str>,
    /// Only this type.
    pub token_type: Option<&'static str>,
    /// Only tokens that the caller may see.
    pub visible: Visible,
    /// Only tokens that act as this principal.
    pub owner: Option<Principal>,
    /// Only tokens of this person, organization, team or service.
    pub holder: Option<i64>,
    /// Only names whose normal form begins with the first text, or hints that begin with the second.
    pub key_or_hint_prefix: Option<(String, String)>,
    /// Only names whose normal form begins so.
    pub key_prefix: Option<String>,
    /// Only tokens issued before this instant.
    pub created_before: Option<Timestamp>,
    /// Only tokens that end before this instant.
    pub expires_before: Option<Timestamp>,
    /// Only tokens that end after this instant, or never.
    pub expires_after: Option<Timestamp>,
    /// Only tokens last accepted before this instant, or never.
    pub last_used_before: Option<Timestamp>,
    /// Only tokens last accepted after this instant.
    pub last_used_after: Option<Timestamp>,
    /// Only tokens that nobody uses by this rule, or only the others.
    pub unused: Option<(bool, UnusedSince)>,
    /// Never this one.
    pub except: Option<TokenId>,
    /// The order; ids decide between equals.
    pub sort: Sort,
    /// The greatest first.
    pub descending: bool,
    /// Only what comes after this place.
    pub after: Option<Place>,
    /// At most so many.
    pub limit: u32,
}

/// Which live tokens nobody uses: of each type those that were last used, and got their secret, by an instant. A type that is not
/// here has none.
pub type UnusedSince = Vec<(&'static str, Timestamp)>;

/// Which tokens a caller may see: their own, and those that all of `within` reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visible {
    /// The tokens of this owner, if those.
    pub own: Option<OwnerId>,
    /// What the caller's token reaches, and what the caller's owner does. [`Reach::Everything`] twice = all.
    pub within: [Reach; 2],
}

/// By what a list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// The id, which is the time of issue.
    Id,
    /// The name's normal form.
    Name,
    /// The end; never is last.
    ExpiresAt,
    /// The last use; never is first.
    LastUsedAt,
}

/// A row's place in an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    id: TokenId,
    value: SortValue,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum SortValue {
    Id,
    Text(String),
    Number(i64),
}

impl TokenFilter {
    /// Every token of the organization, a thousand at a time in the order of issue.
    pub const fn all(org: OrgId, now: Timestamp) -> Self {
        Self {
            org,
            now,
            state: None,
            token_type: None,
            visible: Visible {
                own: None,
                within: [Reach::Everything, Reach::Everything],
            },
            owner: None,
            holder: None,
            key_or_hint_prefix: None,
            key_prefix: None,
            created_before: None,
            expires_before: None,
            expires_after: None,
            last_used_before: None,
            last_used_after: None,
            unused: None,
            except: None,
            sort: Sort::Id,
            descending: false,
            after: None,
            limit: 1_000,
        }
    }
}

impl Sort {
    const fn expression(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name => "name_key",
            Self::ExpiresAt => "COALESCE(expires_at, 9223372036854775807)",
            Self::LastUsedAt => "COALESCE(last_used_at, -9223372036854775807)",
        }
    }
}

impl Place {
    /// Where `row` stands in the order.
    pub fn of(row: &TokenRow, sort: Sort) -> Self {
        let value = match sort {
            Sort::Id => SortValue::Id,
            Sort::Name => SortValue::Text(row.name_key.clone()),
            Sort::ExpiresAt => SortValue::Number(row.expires_at.map_or(i64::MAX, Timestamp::micros)),
            Sort::LastUsedAt => SortValue::Number(row.last_used_at.map_or(-i64::MAX, Timestamp::micros)),
        };
        Self { id: row.id, value }
    }

    /// Just after this id, in the order of ids.
    pub const fn after_id(id: TokenId) -> Self {
        Self {
            id,
            value: SortValue::Id,
        }
    }

    /// Reads what [`fmt::Display`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, value) = text.split_once(':')?;
        let value = match value.split_at_checked(1)? {
            ("i", "") => SortValue::Id,
            ("t", text) => SortValue::Text(text.to_owned()),
            ("n", number) => SortValue::Number(number.parse().ok()?),
            _ => return None,
        };
        Some(Self {
            id: id.parse().ok()?,
            value,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.id)?;
        match &self.value {
            SortValue::Id => f.write_str("i"),
            SortValue::Text(text) => write!(f, "t{text}"),
            SortValue::Number(number) => write!(f, "n{number}"),
        }
    }
}

/// A page of records.
///
/// # Errors
/// Those of the store.
pub async fn list(tx: &mut Tx, filter: &TokenFilter) -> Result<Vec<TokenRow>, StoreError> {
    let mut select = Select::new(filter);
    select.cut(filter);
    let sql = format!(
        "SELECT {COLUMNS} FROM token WHERE {}{}",
        select.conditions, select.tail
    );
    tx.query(sql, &select.params).await?.iter().map(read).collect()
}

/// The ids of a page of records.
///
/// # Errors
/// Those of the store.
pub async fn ids(tx: &mut Tx, filter: &TokenFilter) -> Result<Vec<TokenId>, StoreError> {
    let mut select = Select::new(filter);
    select.cut(filter);
    let sql = format!("SELECT id FROM token WHERE {}{}", select.conditions, select.tail);
    tx.query(sql, &select.params)
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect()
}

/// How many records match, whatever the page.
///
/// # Errors
/// Those of the store.
pub async fn count(tx: &mut Tx, filter: &TokenFilter) -> Result<u64, StoreError> {
    let select = Select::new(filter);
    let sql = format!("SELECT COUNT(*) FROM token WHERE {}", select.conditions);
    match tx.query_opt(sql, &select.params).await? {
        Some(row) => row.get(0),
        None => Ok(0),
    }
}

/// A statement that grows with its parameters.
struct Select {
    conditions: String,
    tail: String,
    params: Vec<Value>,
}

impl Select {
    fn new(filter: &TokenFilter) -> Self {
        let mut select = Self {
            conditions: String::from("org_id = $1"),
            tail: String::new(),
            params: vec![filter.org.into()],
        };
        select.visible(&filter.visible);
        select.state(filter);
        select.and("holder_id =", filter.holder.map(Value::from));
        select.and("type =", filter.token_type.map(Value::from));
        select.owned(filter.owner);
        select.and("created_at <", filter.created_before.map(Value::from));
        select.and("expires_at <", filter.expires_before.map(Value::from));
        select.and(
            "COALESCE(expires_at, 9223372036854775807) >",
            filter.expires_after.map(Value::from),
        );
        select.and(
            "COALESCE(last_used_at, -9223372036854775807) <",
            filter.last_used_before.map(Value::from),
        );
        select.and("last_used_at >", filter.last_used_after.map(Value::from));
        if let Some((are_unused, since)) = &filter.unused {
            select.unused(*are_unused, since, filter.now);
        }
        select.and("id <>", filter.except.map(Value::from));
        if let Some(prefix) = &filter.key_prefix {
            let condition = select.begins("name_key", prefix);
            select.conditions.push_str(&format!(" AND {condition}"));
        }
        if let Some((key, hint)) = &filter.key_or_hint_prefix {
            let (key, hint) = (select.begins("name_key", key), select.begins("hint", hint));
            select.conditions.push_str(&format!(" AND ({key} OR {hint})"));
        }
        select
    }

    /// A person's are found by an index that tokens which act as themselves are not in.
    fn owned(&mut self, owner: Option<Principal>) {
        match owner {
            None => {}
            Some(Principal::User(person)) => {
                self.and("owner_id =", Some(person.into()));
                self.conditions.push_str(" AND owner_id <> id");
            }
            Some(Principal::Token(token)) => {
                self.and("id =", Some(token.into()));
                self.and("owner_id =", Some(token.into()));
            }
        }
    }

    fn visible(&mut self, visible: &Visible) {
        let mut within = Vec::new();
        for reach in &visible.within {
            if let Reach::Parts { teams, services } = reach {
                let teams = self.param(numbers(teams.iter().map(|team| team.get())).into());
                let services = self.param(numbers(services.iter().map(|service| service.get())).into());
                within.push(format!(
                    "(holder_id IN {{numbers:{teams}}} OR holder_id IN {{numbers:{services}}} \
                     OR holder_id IN (SELECT id FROM service WHERE team_id IN {{numbers:{teams}}}))"
                ));
            }
        }
        if within.is_empty() {
            return;
        }
        let within = within.join(" AND ");
        let condition = match visible.own {
            Some(owner) => {
                let owner = self.param(owner.into());
                format!(" AND (owner_id = {owner} OR ({within}))")
            }
            None => format!(" AND ({within})"),
        };
        self.conditions.push_str(&condition);
    }

    fn state(&mut self, filter: &TokenFilter) {
        match filter.state {
            Some("live") => {
                let now = self.param(filter.now.into());
                self.conditions.push_str(&format!(
                    " AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > {now})"
                ));
            }
            Some("expired") => {
                let now = self.param(filter.now.into());
                self.conditions
                    .push_str(&format!(" AND revoked_at IS NULL AND expires_at <= {now}"));
            }
            Some(_) => self.conditions.push_str(" AND revoked_at IS NOT NULL"),
            None => {}
        }
    }

    /// The rule of [`Token::unused_since`](claviger_domain::token::Token::unused_since), as far as uses were flushed.
    fn unused(&mut self, are_unused: bool, since: &UnusedSince, now: Timestamp) {
        let now = self.param(now.into());
        let of_type: Vec<String> = since
            .iter()
            .map(|(token_type, since)| {
                let (token_type, since) = (self.param((*token_type).into()), self.param((*since).into()));
                format!(
                    "(type = {token_type} AND COALESCE(regenerated_at, created_at) <= {since} \
                     AND COALESCE(last_used_at, -9223372036854775807) <= {since})"
                )
            })
            .collect();
        let of_type = if of_type.is_empty() {
            "1 = 0".to_owned()
        } else {
            of_type.join(" OR ")
        };
        let not = if are_unused { "" } else { "NOT " };
        // A comparison with an absent end must not make the whole condition neither true nor false.
        self.conditions.push_str(&format!(
            " AND {not}(revoked_at IS NULL AND COALESCE(expires_at, 9223372036854775807) > {now} AND ({of_type}))"
        ));
    }

    fn and(&mut self, condition: &str, value: Option<Value>) {
        if let Some(value) = value {
            let place = self.param(value);
            self.conditions.push_str(&format!(" AND {condition} {place}"));
        }
    }

    /// The condition that `column` begins with `prefix`, in the order of code points that both stores compare in.
    fn begins(&mut self, column: &str, prefix: &str) -> String {
        let from = self.param(prefix.into());
        match prefix_end(prefix) {
            Some(end) => {
                let end = self.param(end.into());
                format!("({column} >= {from} AND {column} < {end})")
            }
            None => format!("{column} >= {from}"),
        }
    }

    /// Order, place and length of the page.
    fn cut(&mut self, filter: &TokenFilter) {
        let column = filter.sort.expression();
        let (than, order) = if filter.descending {
            ("<", "DESC")
        } else {
            (">", "ASC")
        };
        if let Some(after) = &filter.after {
            let id = self.param(after.id.into());
            let condition = match &after.value {
                SortValue::Id => format!(" AND id {than} {id}"),
                SortValue::Text(text) => self.beyond(column, than, text.as_str().into(), &id),
                SortValue::Number(number) => self.beyond(column, than, (*number).into(), &id),
            };
            self.conditions.push_str(&condition);
        }
        let limit = self.param(filter.limit.into());
        let by = if filter.sort == Sort::Id {
            format!("id {order}")
        } else {
            format!("{column} {order}, id {order}")
        };
        self.tail = format!(" ORDER BY {by} LIMIT {limit}");
    }

    fn beyond(&mut self, column: &str, than: &str, value: Value, id: &str) -> String {
        let value = self.param(value);
        format!(" AND ({column} {than} {value} OR ({column} = {value} AND id {than} {id}))")
    }

    fn param(&mut self, value: Value) -> String {
        self.params.push(value);
        format!("${}", self.params.len())
    }
}
