//! Idempotency-Key on creating calls (draft-ietf-httpapi-idempotency-key-header): what was sent, and the same answer again.
//!
//! [`Idempotent`] is a body together with the client's key and a fingerprint of the request; the service decides whether it is new. An
//! answer is rendered to bytes by one function, both when it is fresh and when it is kept, so a repetition is byte for byte the same.

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use claviger_service::{IdempotencyKey, Once, Reply};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::json;
use crate::layers::body::{self, RequestLimits};
use crate::problem::Problem;

/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A JSON body with the client's idempotency key, if it sent one.
#[derive(Clone)]
pub struct Idempotent<T> {
    /// The body.
    pub body: T,
    key: Option<IdempotencyKey>,
    fingerprint: [u8; 32],
}

/// The body of a call that has none: nothing, or `{}`.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoBody {}

impl<T> Idempotent<T> {
    /// What the service needs; `render` writes the answer that is to be kept.
    pub fn once<A>(&self, render: fn(&A) -> Vec<u8>) -> Option<Once<A>> {
        let key = self.key.clone()?;
        Some(Once {
            key,
            fingerprint: self.fingerprint,
            render,
        })
    }
}

impl<T, S> FromRequest<S> for Idempotent<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let key = key_of(request.headers())?;
        let has_type = request.headers().contains_key(CONTENT_TYPE);
        let may_be_empty = !has_type && hyper::body::Body::is_end_stream(request.body());
        if !may_be_empty {
            json::require_json(request.headers())?;
        }
        let limits = request
            .extensions()
            .get::<RequestLimits>()
            .copied()
            .unwrap_or_default();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let bytes = body::collect(request.into_body()).await?;
        let text: &[u8] = if may_be_empty && bytes.is_empty() {
            b"{}"
        } else {
            &bytes
        };
        Ok(Self {
            body: json::parse(text, &limits.json)?,
            key,
            fingerprint: fingerprint(&method, &path, &bytes),
        })
    }
}

fn key_of(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = value.to_str().ok().and_then(IdempotencyKey::parse);
    match (key, values.next()) {
        (Some(key), None) => Ok(Some(key)),
        _ => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "idempotency_key_invalid",
            "send one `Idempotency-Key` of 1 to 255 visible ASCII characters",
        )),
    }
}

fn fingerprint(method: &Method, path: &str, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    // Neither a method nor a path holds a zero byte.
    for part in [method.as_str().as_bytes(), b"\0", path.as_bytes(), b"\0", body] {
        hash.update(part);
    }
    hash.finalize().into()
}

/// The answer to a creating call. Its bytes are wiped when they are sent: they may hold a secret.
pub(crate) fn answer<A>(status: StatusCode, reply: Reply<A>, render: fn(&A) -> Vec<u8>) -> Response {
    let (body, repeated) = match reply {
        Reply::Fresh(answer) => (Zeroizing::new(render(&answer)), false),
        Reply::Repeated(body) => (body, true),
    };
    let mut response = (status, Bytes::from_owner(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if repeated {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// Writes an `api` type: strings, numbers and lists of them, which always can be written.
pub(crate) fn render(answer: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(answer).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_tells_method_path_and_body_apart() {
        let base = fingerprint(&Method::POST, "/v1/tokens", b"{}");

        assert_eq!(base, fingerprint(&Method::POST, "/v1/tokens", b"{}"));
        assert_ne!(base, fingerprint(&Method::PUT, "/v1/tokens", b"{}"));
        assert_ne!(base, fingerprint(&Method::POST, "/v1/token", b"s{}"));
        assert_ne!(base, fingerprint(&Method::POST, "/v1/tokens", b"{ }"));
    }

    #[test]
    fn a_key_is_one_header_of_visible_characters() {
        let mut headers = HeaderMap::new();
        assert!(matches!(key_of(&headers), Ok(None)));
        headers.append("idempotency-key", HeaderValue::from_static("k-1"));
        assert!(matches!(key_of(&headers), Ok(Some(_))));
        headers.append("idempotency-key", HeaderValue::from_static("k-2"));
        assert!(key_of(&headers).is_err(), "two keys");
        for bad in ["", "two words", &"k".repeat(256)] {
            headers.insert("idempotency-key", HeaderValue::from_str(bad).unwrap());
            assert!(key_of(&headers).is_err(), "{bad:?}");
        }
    }
}
