//! Whether a browser made a request for one of our own pages or for somebody else's (security.md T21).
//!
//! A browser adds the cookie of a session by itself, whoever made it ask. So a request that is authenticated by the cookie changes
//! something only when the browser says that it comes from our own pages: by `Sec-Fetch-Site`, or, from browsers that do not send it,
//! by an `Origin` that is the host that was asked. This is besides `SameSite=Strict` and bodies that are JSON only. Called by the guard.

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};

use crate::problem::Problem;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What the browser says of the page that a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    /// One of ours, or none: a person typed the address.
    Own,
    /// Another site's, or another host of ours.
    Foreign,
    /// Nothing: the client is no browser, or an old one.
    Unsaid,
}

/// Refuses a request that may change something unless it comes from our own pages. For what is authenticated by a cookie.
///
/// # Errors
/// `cross_site_request`.
pub(crate) fn require_own_page(parts: &Parts) -> Result<(), Problem> {
    let is_safe = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    if is_safe || page(parts) == Page::Own {
        return Ok(());
    }
    Err(Problem::cross_site())
}

/// Refuses a request of a foreign page; a client that is no browser passes. For signing in: nobody is to be signed in as somebody else.
///
/// # Errors
/// `cross_site_request`.
pub(crate) fn refuse_foreign_page(parts: &Parts) -> Result<(), Problem> {
    match page(parts) {
        Page::Own | Page::Unsaid => Ok(()),
        Page::Foreign => Err(Problem::cross_site()),
    }
}

/// Which page it comes from. `Sec-Fetch-Site` is believed before `Origin`: no page can set either, and it knows more.
pub(crate) fn page(parts: &Parts) -> Page {
    match only(&parts.headers, &SEC_FETCH_SITE) {
        Said::Once("same-origin" | "none") => return Page::Own,
        Said::Once(_) | Said::Doubtfully => return Page::Foreign,
        Said::Nothing => {}
    }
    match only(&parts.headers, &ORIGIN) {
        Said::Once(origin) if is_own(origin, parts) => Page::Own,
        Said::Once(_) | Said::Doubtfully => Page::Foreign,
        Said::Nothing => Page::Unsaid,
    }
}

/// What a header that may come once says.
enum Said<'a> {
    Nothing,
    Once(&'a str),
    Doubtfully,
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Said<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next().map(|value| value.to_str()), values.next()) {
        (None, _) => Said::Nothing,
        (Some(Ok(text)), None) => Said::Once(text),
        (Some(_), _) => Said::Doubtfully,
    }
}

/// True when the origin's host and port are those that were asked. The scheme is not compared: TLS may end at a proxy before us.
fn is_own(origin: &str, parts: &Parts) -> bool {
    let asked = match only(&parts.headers, &HOST) {
        Said::Once(host) => Some(host),
        // In HTTP/2 it is `:authority`.
        Said::Nothing => parts.uri.authority().map(http::uri::Authority::as_str),
        Said::Doubtfully => None,
    };
    let from = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    matches!((from, asked), (Some(from), Some(asked)) if from.eq_ignore_ascii_case(asked))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn said(headers: &[(&str, &str)]) -> Page {
        let mut request = Request::post("/v1/tokens");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        page(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn sec_fetch_site_decides_before_origin() {
        let (own, foreign) = (("origin", "https://a.example"), ("origin", "https://b.example"));
        let host = ("host", "a.example");
        for (site, page) in [
            ("same-origin", Page::Own),
            ("none", Page::Own),
            ("same-site", Page::Foreign),
            ("cross-site", Page::Foreign),
            ("SAME-ORIGIN", Page::Foreign),
            ("", Page::Foreign),
        ] {
            let site = ("sec-fetch-site", site);
            for others in [&[][..], &[own], &[foreign]] {
                let all: Vec<_> = [&[host, site], others].concat();
                assert_eq!(said(&all), page, "{all:?}");
            }
        }
        let twice = [
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-site", "cross-site"),
        ];
        assert_eq!(said(&twice), Page::Foreign);
    }

    #[test]
    fn an_origin_is_own_when_it_is_the_host_that_was_asked() {
        for (origin, host, page) in [
            ("https://a.example", "a.example", Page::Own),
            ("http://a.example", "a.example", Page::Own),
            ("https://A.example", "a.EXAMPLE", Page::Own),
            ("http://[::1]:8080", "[::1]:8080", Page::Own),
            ("https://a.example:8443", "a.example", Page::Foreign),
            ("https://b.a.example", "a.example", Page::Foreign),
            ("https://a.example.evil", "a.example", Page::Foreign),
            ("https://a.example@evil", "a.example", Page::Foreign),
            ("null", "a.example", Page::Foreign),
            ("null", "null", Page::Foreign),
            ("", "a.example", Page::Foreign),
            ("ftp://a.example", "a.example", Page::Foreign),
        ] {
            assert_eq!(
                said(&[("host", host), ("origin", origin)]),
                page,
                "{origin} at {host}"
            );
        }
        let twice = [("origin", "https://a.example"), ("origin", "https://a.example")];
        assert_eq!(
            said(&[&[("host", "a.example")], &twice[..]].concat()),
            Page::Foreign
        );
        assert_eq!(said(&[("host", "a.example")]), Page::Unsaid);
    }

    #[test]
    fn in_http_2_the_host_is_the_authority() {
        let request = Request::post("https://a.example/v1/tokens").header("origin", "https://a.example");

        assert_eq!(page(&request.body(()).unwrap().into_parts().0), Page::Own);
    }
}
