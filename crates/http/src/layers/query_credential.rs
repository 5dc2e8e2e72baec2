//! No credential in a query string, on any route.
//!
//! Proxies, browser histories and `Referer` keep addresses (ASVS 14.2.1, RFC 6750 §5.3), so a token that was sent this way must be
//! taken for exposed. The request is refused before any handler sees it, and the query is never logged.

use http::Uri;

use crate::problem::Problem;

/// The parameters that clients of other products use for a credential.
const PARAMETERS: [&str; 3] = ["token", "access_token", "api_key"];

/// The problem for a query that carries a credential, if this one does.
pub(crate) fn refused(uri: &Uri) -> Option<Problem> {
    let query = uri.query()?;
    form_urlencoded::parse(query.as_bytes())
        .filter(|(_, value)| !value.is_empty())
        .find_map(|(name, _)| {
            PARAMETERS
                .into_iter()
                .find(|parameter| name.eq_ignore_ascii_case(parameter))
        })
        .map(Problem::token_in_query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_in_the_query_is_found_however_it_is_written() {
        for query in [
            "token=x",
            "a=b&access_token=x",
            "api_key=x",
            "%74oken=x",
            "TOKEN=x",
            "token=&token=x",
        ] {
            let uri: Uri = format!("/v1/tokens?{query}").parse().unwrap();
            assert_eq!(refused(&uri).unwrap().code(), "token_in_query", "{query}");
        }
    }

    #[test]
    fn other_parameters_pass() {
        for path in ["/", "/v1/tokens?state=live", "/?token=", "/?tokens=x", "/token=x"] {
            assert!(refused(&path.parse().unwrap()).is_none(), "{path}");
        }
    }
}
