//! What a call takes from the limits of the token that makes it: 1, and more where one call does the work of many.
//!
//! Known before the body is read, so that it is taken in the same step in which the token is accepted: by the guard, which asks [`of`].
//! The table in `docs/concepts/limits.md` is this one; a spec compares them.

use claviger_api::page::{DEFAULT_LIMIT, MAX_LIMIT};
use http::Method;

/// The operations that cost more than 1, however they are called.
pub(crate) const COSTS: [(&str, &str, u32); 3] = [
    ("POST", "/v1/tokens/revoke", 10),
    ("GET", "/v1/audit/export", 50),
    ("POST", "/v1/audit/verify", 50),
];

/// What a call of this operation costs. A page of a list costs 1 for each 50 rows that are asked for.
pub(crate) fn of(method: &Method, route: &str, query: Option<&str>) -> u32 {
    let is_named = |(named, path, _): &&(&str, &str, u32)| *named == method.as_str() && *path == route;
    match COSTS.iter().find(is_named) {
        Some((_, _, cost)) => *cost,
        None if *method == Method::GET => query.map_or(1, page),
        None => 1,
    }
}

/// A number of rows that no list gives is refused later, and costs as much as none.
fn page(query: &str) -> u32 {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let asked = pairs.find(|(name, _)| name == "limit");
    let rows = asked.and_then(|(_, rows)| rows.parse::<u32>().ok());
    rows.filter(|rows| (1..=MAX_LIMIT).contains(rows))
        .map_or(1, |rows| rows.div_ceil(DEFAULT_LIMIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_the_work_of_many_costs_more() {
        assert_eq!(of(&Method::POST, "/v1/tokens/revoke", None), 10);
        assert_eq!(of(&Method::GET, "/v1/audit/export", Some("limit=1")), 50);
        assert_eq!(of(&Method::POST, "/v1/tokens", Some("limit=200")), 1);
        assert_eq!(of(&Method::GET, "/v1/tokens/revoke", None), 1);
    }

    #[test]
    fn a_page_costs_by_the_rows_that_are_asked_for() {
        let cost = |query| of(&Method::GET, "/v1/tokens", query);

        assert_eq!(cost(None), 1);
        for (query, expected) in [
            ("limit=1", 1),
            ("limit=50", 1),
            ("state=live&limit=51", 2),
            ("l%69mit=200", 4),
            ("limit=201", 1),
            ("limit=0", 1),
            ("limit=x", 1),
            ("state=live", 1),
        ] {
            assert_eq!(cost(Some(query)), expected, "{query}");
        }
    }
}
