//! A credential in a query string: refused everywhere but where something is brought in, and taken out of the address at once.
//!
//! Proxies, browser histories and `Referer` keep addresses (ASVS 14.2.1, RFC 6750 §5.3). `?token=` is there for senders that know no
//! other way: a token that may be presented so has only scopes that bring something in, and only the operations of [`INGEST`] look at
//! it, whose permit says so too. Everywhere else it is refused as a token that is not known. Other products' names for such a parameter
//! are refused in words. Invariant: what runs inside of this layer never sees the secret in an address.

use http::Uri;
use http::uri::PathAndQuery;

use crate::problem::Problem;

/// The operations that look at `?token=`: method and route.
pub(crate) const INGEST: [(&str, &str); 1] = [("POST", "/v1/deployments")];

/// The parameter that is taken.
const TAKEN: &str = "token";
/// The parameters that clients of other products use for a credential.
const REFUSED: [&str; 2] = ["access_token", "api_key"];

/// What was presented in the address. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum QueryCredential {
    /// This text.
    One(Box<str>),
    /// Several that differ.
    Several,
}

/// Takes the credential out of the address, if there is one.
///
/// # Errors
/// The problem for a parameter that is never taken.
pub(crate) fn take(uri: &mut Uri) -> Result<Option<QueryCredential>, Problem> {
    let Some(query) = uri.query() else {
        return Ok(None);
    };
    let mut found: Option<QueryCredential> = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.is_empty()) {
        if let Some(refused) = REFUSED
            .into_iter()
            .find(|refused| name.eq_ignore_ascii_case(refused))
        {
            return Err(Problem::token_in_query(refused));
        }
        if name.eq_ignore_ascii_case(TAKEN) {
            let next = QueryCredential::One(value.into());
            found = match found {
                Some(known) if known != next => Some(QueryCredential::Several),
                _ => Some(next),
            };
        }
    }
    if found.is_some() {
        *uri = without(uri, query);
    }
    Ok(found)
}

/// The address without the parameter.
fn without(uri: &Uri, query: &str) -> Uri {
    let is_other = |pair: &&str| {
        let mut parsed = form_urlencoded::parse(pair.as_bytes());
        parsed
            .next()
            .is_none_or(|(name, _)| !name.eq_ignore_ascii_case(TAKEN))
    };
    let rest: Vec<&str> = query.split('&').filter(is_other).collect();
    let path = uri.path();
    let text = if rest.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", rest.join("&"))
    };
    let mut parts = uri.clone().into_parts();
    // A part of what was one is one. Were it not, a path of nothing is what no route matches.
    parts.path_and_query = Some(PathAndQuery::try_from(text).unwrap_or(PathAndQuery::from_static("/")));
    Uri::from_parts(parts).unwrap_or_default()
}

impl std::fmt::Debug for QueryCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("QueryCredential")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str) -> (Option<QueryCredential>, String) {
        let mut uri: Uri = text.parse().unwrap();
        let found = take(&mut uri).unwrap();
        (found, uri.to_string())
    }

    fn one(text: &str) -> Option<QueryCredential> {
        Some(QueryCredential::One(text.into()))
    }

    #[test]
    fn a_token_is_found_however_it_is_written_and_taken_out() {
        for (from, to) in [
            ("/v1/deployments?token=x", "/v1/deployments"),
            ("/v1/deployments?a=b&token=x&c=d", "/v1/deployments?a=b&c=d"),
            ("/v1/deployments?%74oken=x", "/v1/deployments"),
            ("/v1/deployments?TOKEN=x&a=%26", "/v1/deployments?a=%26"),
            ("/v1/deployments?token=&token=x", "/v1/deployments"),
            ("/v1/deployments?token=x&token=x", "/v1/deployments"),
            (
                "http://host/v1/deployments?token=x&a=b",
                "http://host/v1/deployments?a=b",
            ),
        ] {
            assert_eq!(taken(from), (one("x"), to.to_owned()), "{from}");
        }
    }

    #[test]
    fn two_that_differ_are_several() {
        assert_eq!(taken("/?token=x&token=y").0, Some(QueryCredential::Several));
        assert_eq!(
            taken("/?token=x&token=y&token=x").0,
            Some(QueryCredential::Several)
        );
    }

    #[test]
    fn names_of_other_products_are_refused_in_words() {
        for query in ["a=b&access_token=x", "API_KEY=x", "token=x&api_key=y"] {
            let mut uri: Uri = format!("/v1/tokens?{query}").parse().unwrap();
            assert_eq!(take(&mut uri).unwrap_err().code(), "token_in_query", "{query}");
        }
    }

    #[test]
    fn other_parameters_stay() {
        for path in ["/", "/v1/tokens?state=live", "/?token=", "/?tokens=x", "/token=x"] {
            assert_eq!(taken(path), (None, path.to_owned()));
        }
    }

    #[test]
    fn the_secret_is_not_shown_for_debugging() {
        assert!(!format!("{:?}", one("clvp_secret")).contains("secret"));
    }
}
