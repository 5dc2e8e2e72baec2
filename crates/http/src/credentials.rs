//! Where a request carries its credential.
//!
//! Three ways: `Authorization: Bearer X` (RFC 6750 §2.1), raw `Authorization: X`, and `x-api-key: X`; each value may be in the form
//! of RFC 8959 (`secret-token:X`). The same credential twice is fine, two different ones are refused. The query string is never
//! looked at here: a credential there is taken out before (see `layers::query_credential`). A person who is signed in has a cookie
//! instead (`session`). Called by the guard and the verify door.

use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderValue};

/// The cookie of a sign-in session.
pub(crate) const SESSION_COOKIE: &str = "__Host-claviger-session";

/// What a request's headers present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential<'a> {
    /// Nothing.
    Absent,
    /// This text, not looked at any further.
    Presented(&'a str),
    /// Something that cannot be one of our tokens: another scheme, bytes outside ASCII, nothing after the scheme.
    Unusable,
    /// Two that differ.
    Several,
}

/// Reads the credential of a request. No allocation; the cost does not depend on what is presented.
pub fn presented(headers: &HeaderMap) -> Credential<'_> {
    let authorizations = headers.get_all(AUTHORIZATION).iter().map(authorization);
    let keys = headers.get_all("x-api-key").iter().map(bare);
    authorizations.chain(keys).fold(Credential::Absent, merge)
}

/// Reads the cookie of the session: its value, not looked at any further. Other cookies are none of ours.
pub(crate) fn session(headers: &HeaderMap) -> Credential<'_> {
    let fields = headers.get_all(COOKIE).iter();
    let cookies = fields.flat_map(|field| field.as_bytes().split(|byte| *byte == b';'));
    cookies
        .filter_map(|cookie| {
            let value = cookie.trim_ascii().strip_prefix(SESSION_COOKIE.as_bytes())?;
            value.strip_prefix(b"=")
        })
        .map(|value| std::str::from_utf8(value).map_or(Credential::Unusable, Credential::Presented))
        .fold(Credential::Absent, merge)
}

fn merge<'a>(so_far: Credential<'a>, next: Credential<'a>) -> Credential<'a> {
    if so_far == Credential::Absent || so_far == next {
        next
    } else {
        Credential::Several
    }
}

fn authorization(value: &HeaderValue) -> Credential<'_> {
    value.to_str().map_or(Credential::Unusable, in_authorization)
}

/// Reads the value of `Authorization`.
pub(crate) fn in_authorization(text: &str) -> Credential<'_> {
    match text.trim().split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => token(rest),
        Some(_) => Credential::Unusable,
        None => token(text),
    }
}

fn bare(value: &HeaderValue) -> Credential<'_> {
    value.to_str().map_or(Credential::Unusable, token)
}

fn token(text: &str) -> Credential<'_> {
    const URI_SCHEME: &str = "secret-token:";
    let text = text.trim();
    let text = match text.get(..URI_SCHEME.len()) {
        Some(head) if head.eq_ignore_ascii_case(URI_SCHEME) => &text[URI_SCHEME.len()..],
        _ => text,
    };
    if text.is_empty() || text.eq_ignore_ascii_case("bearer") {
        Credential::Unusable
    } else {
        Credential::Presented(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&'static str, &'static str)]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        format!("{:?}", presented(&map))
    }

    #[test]
    fn every_way_to_present_a_token_gives_the_same_text() {
        for headers in [
            ("authorization", "Bearer abc"),
            ("authorization", "bearer abc"),
            ("authorization", "BEARER   abc "),
            ("authorization", "abc"),
            ("authorization", "Bearer secret-token:abc"),
            ("authorization", "Secret-Token:abc"),
            ("x-api-key", "abc"),
            ("x-api-key", "secret-token:abc"),
        ] {
            assert_eq!(read(&[headers]), r#"Presented("abc")"#, "{headers:?}");
        }
    }

    #[test]
    fn the_same_credential_twice_is_one() {
        assert_eq!(
            read(&[("authorization", "Bearer abc"), ("x-api-key", "abc")]),
            r#"Presented("abc")"#
        );
    }

    #[test]
    fn two_different_credentials_are_several() {
        assert_eq!(read(&[("authorization", "abc"), ("x-api-key", "abd")]), "Several");
        assert_eq!(read(&[("authorization", "a"), ("authorization", "b")]), "Several");
        assert_eq!(
            read(&[("authorization", "Basic abc"), ("x-api-key", "abc")]),
            "Several",
            "a credential of another scheme is one too"
        );
        assert_eq!(
            read(&[("x-api-key", "a"), ("x-api-key", "b"), ("x-api-key", "b")]),
            "Several",
            "a third one does not make it good"
        );
    }

    #[test]
    fn other_schemes_and_empty_values_are_unusable() {
        for value in [
            "Basic dXNlcjpw",
            "Digest a=b",
            "Bearer",
            "Bearer ",
            "",
            "secret-token:",
        ] {
            assert_eq!(read(&[("authorization", value)]), "Unusable", "{value:?}");
        }
    }

    #[test]
    fn bytes_outside_ascii_are_unusable() {
        let mut map = HeaderMap::new();
        map.insert("x-api-key", HeaderValue::from_bytes(b"ab\xff").unwrap());

        assert_eq!(presented(&map), Credential::Unusable);
    }

    #[test]
    fn the_cookie_of_a_session_is_found_among_others() {
        let read = |cookies: &[&'static str]| {
            let mut map = HeaderMap::new();
            for cookie in cookies {
                map.append(COOKIE, HeaderValue::from_static(cookie));
            }
            format!("{:?}", session(&map))
        };

        for cookies in [
            &["__Host-claviger-session=abc"][..],
            &["a=b; __Host-claviger-session=abc;c=d"],
            &["a=b", "__Host-claviger-session=abc"],
            &["__Host-claviger-session=abc; __Host-claviger-session=abc"],
        ] {
            assert_eq!(read(cookies), r#"Presented("abc")"#, "{cookies:?}");
        }
        for cookies in [
            &[][..],
            &["claviger-session=abc"],
            &["__Host-claviger-session2=abc"],
            &["x__Host-claviger-session=abc"],
            &["__host-claviger-session=abc"],
            &["__Host-claviger-session"],
        ] {
            assert_eq!(read(cookies), "Absent", "{cookies:?}");
        }
        assert_eq!(
            read(&["__Host-claviger-session=abc", "__Host-claviger-session=abd"]),
            "Several"
        );
        assert_eq!(read(&["__Host-claviger-session="]), r#"Presented("")"#);
    }

    #[test]
    fn without_a_header_there_is_no_credential() {
        assert_eq!(read(&[("cookie", "token=abc")]), "Absent");
    }
}
