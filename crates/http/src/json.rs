//! JSON bodies: limits first, then strictness, then a value.
//!
//! [`Json`] takes a body of type `application/json`, checks its shape (`shape`) and parses it; unknown fields are refused by the
//! types (`deny_unknown_fields`). Every fault is a problem with a stable code: 415 `media_type_unsupported`, 413 `body_too_large`, 408
//! `body_too_slow`, 400 `json_invalid`, `json_too_deep`, `json_too_large`, `field_unknown`, `field_invalid`, `field_missing`.

pub(crate) mod fault;
pub(crate) mod shape;

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use claviger_domain::FieldError;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::layers::body::{self, RequestLimits};
use crate::problem::Problem;
use fault::{field_error, shortened};
use shape::{JsonLimits, ShapeFault};

/// A JSON body: as an argument it is parsed strictly, as an answer it is written.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T, S> FromRequest<S> for Json<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        require_json(request.headers())?;
        let limits = request
            .extensions()
            .get::<RequestLimits>()
            .map_or_else(JsonLimits::default, |limits| limits.json);
        let bytes = body::collect(request.into_body()).await?;
        parse(&bytes, &limits).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => {
                let media_type = HeaderValue::from_static("application/json");
                ([(CONTENT_TYPE, media_type)], Bytes::from(body)).into_response()
            }
            Err(error) => {
                Problem::internal(format!("an answer cannot be written as JSON: {error}")).into_response()
            }
        }
    }
}

/// A body that may be left out: nothing stands for the default of `T`.
#[derive(Debug, Clone, Copy)]
pub struct OptionalJson<T>(pub T);

impl<T, S> FromRequest<S> for OptionalJson<T>
where
    T: DeserializeOwned + Default,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let says_nothing = !request.headers().contains_key(CONTENT_TYPE);
        if says_nothing && hyper::body::Body::is_end_stream(request.body()) {
            return Ok(Self(T::default()));
        }
        Json::from_request(request, state)
            .await
            .map(|Json(value)| Self(value))
    }
}

/// Refuses any other media type. Parameters (`charset=utf-8`) are fine.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(|value| value.split(';').next().unwrap_or(value).trim());
    if media_type.is_some_and(|media_type| media_type.eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "media_type_unsupported",
        "send the body as `Content-Type: application/json`",
    ))
}

/// Parses a body within `limits`.
///
/// # Errors
/// A problem with status 400; see the file's head for the codes.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8], limits: &JsonLimits) -> Result<T, Problem> {
    shape::check(bytes, limits).map_err(|fault| shape_problem(&fault, limits))?;
    if is_array(bytes) {
        return Err(json_problem(".", &serde::de::Error::custom("expected an object")));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        json_problem(&path, error.inner())
    })?;
    json.end().map_err(|error| json_problem(".", &error))?;
    Ok(value)
}

/// True for a body that begins as an array. serde would take one for an object, its fields in the order of our source.
pub(crate) fn is_array(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'[')
}

fn shape_problem(fault: &ShapeFault, limits: &JsonLimits) -> Problem {
    let (code, detail) = match fault {
        ShapeFault::Depth => (
            "json_too_deep",
            format!("at most {} levels of nesting", limits.depth),
        ),
        ShapeFault::Nodes => (
            "json_too_large",
            format!("at most {} values in a body", limits.nodes),
        ),
        ShapeFault::Strings => {
            let detail = format!("at most {} strings in an array", limits.strings_per_array);
            ("json_too_large", detail)
        }
        ShapeFault::DuplicateKey(key) => {
            let error = FieldError::new(shortened(key), "field_invalid", "this field is given twice");
            return Problem::invalid("json_invalid", vec![error]);
        }
    };
    Problem::new(StatusCode::BAD_REQUEST, code, detail)
}

fn json_problem(path: &str, error: &serde_json::Error) -> Problem {
    match error.classify() {
        Category::Data => {
            let error = field_error(path, &error.to_string());
            Problem::invalid(error.code, vec![error])
        }
        Category::Syntax | Category::Eof | Category::Io => {
            let detail = format!("the body is not valid JSON: {error}");
            Problem::new(StatusCode::BAD_REQUEST, "json_invalid", detail)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &str) -> String {
        let fault = parse::<claviger_api::tokens::IssueToken>(body.as_bytes(), &JsonLimits::default());
        fault.map_or_else(|problem| problem.code().to_owned(), |_| "ok".to_owned())
    }

    #[test]
    fn every_fault_has_its_code() {
        for (body, expected) in [
            (r#"{"name":"ci","scopes":["a"]}"#, "ok"),
            (r#"{"name":"ci","scopes":["a"]} "#, "ok"),
            (r#"{"name":"ci","scopes":["a"]} x"#, "json_invalid"),
            (r#"{"name":"ci""#, "json_invalid"),
            ("", "json_invalid"),
            ("nonsense", "json_invalid"),
            (r#"{"name":"ci","name":"ci","scopes":[]}"#, "json_invalid"),
            (r#"{"name":"ci","scopes":[],"admin":true}"#, "field_unknown"),
            (r#"{"scopes":[]}"#, "field_missing"),
            (r#"{"name":3,"scopes":[]}"#, "field_invalid"),
            ("[]", "field_invalid"),
            (r#" ["ci",["a"]]"#, "field_invalid"),
            ("\"\u{0}\"", "json_invalid"),
        ] {
            assert_eq!(code(body), expected, "{body}");
        }
        assert_eq!(code(&"[".repeat(1_000_000)), "json_too_deep");
        assert_eq!(code(&format!("[{}]", "0,".repeat(10_000))), "json_too_large");
    }

    #[test]
    fn only_json_is_taken() {
        let mut headers = HeaderMap::new();
        assert!(require_json(&headers).is_err());
        for (value, taken) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("text/plain", false),
            ("application/json-patch+json", false),
            ("application/x-www-form-urlencoded", false),
        ] {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
            assert_eq!(require_json(&headers).is_ok(), taken, "{value}");
        }
    }
}
