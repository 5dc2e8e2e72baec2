//! Exactly one `Host` (RFC 9112 §3.2): two readers that take different ones would route one request to two places.
//!
//! HTTP/1.1 must have one; HTTP/1.0 may go without; in HTTP/2 it is `:authority`, which hyper reads, and a `Host` beside it must be
//! the only one. What it names is not looked at: the server answers the same under every name.

use http::header::HOST;
use http::{HeaderMap, StatusCode, Version};

use crate::problem::Problem;

/// The problem for a request whose `Host` is missing or repeated, if it is.
pub(crate) fn refused(version: Version, headers: &HeaderMap) -> Option<Problem> {
    let mut hosts = headers.get_all(HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    let detail = match (first, second) {
        (_, Some(_)) => "the request has several `Host` fields; send one",
        (None, None) if version == Version::HTTP_11 => "the request has no `Host` field; HTTP/1.1 needs one",
        _ => return None,
    };
    Some(Problem::new(StatusCode::BAD_REQUEST, "host_invalid", detail))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn told(version: Version, hosts: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_static(host));
        }
        refused(version, &headers).map(|problem| problem.code().to_owned())
    }

    #[test]
    fn a_request_has_at_most_one_host_and_http_1_1_exactly_one() {
        let refusal = Some("host_invalid".to_owned());

        assert_eq!(told(Version::HTTP_11, &["a"]), None);
        assert_eq!(told(Version::HTTP_11, &[]), refusal);
        assert_eq!(told(Version::HTTP_11, &["a", "a"]), refusal, "equal ones too");
        assert_eq!(told(Version::HTTP_10, &[]), None);
        assert_eq!(told(Version::HTTP_10, &["a", "b"]), refusal);
        assert_eq!(told(Version::HTTP_2, &[]), None);
        assert_eq!(told(Version::HTTP_2, &["a", "b"]), refusal);
    }
}
