//! The one form of every refusal and failure: `application/problem+json` (RFC 9457).
//!
//! A handler or layer returns a [`Problem`]; as a response it is an empty body with the problem in its extensions, and the outermost
//! layer (`crate::layers`) writes the body, because only there the request id is known. `service::Error` becomes a
//! problem here and nowhere else. Invariant: what unknown, malformed, expired and revoked tokens get is one and the same value.

pub(crate) mod catalogue;

use std::borrow::Cow;
use std::fmt::Write;

use axum::response::{IntoResponse, Response};
use claviger_api::problem::{FieldProblem, MEDIA_TYPE};
use claviger_domain::{FieldError, ScopeSet};
use claviger_service::{Error, Unproven};
use http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use crate::layers::request_id::RequestId;

/// Why a request is refused or failed. Cheap to move; has no `Display`, so that nothing but the renderer shows it.
#[derive(Debug, Clone)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// For the log only.
    context: Option<String>,
}

impl Problem {
    /// A problem with a stable `code` and a `detail` that starts in lower case and ends without a period.
    pub fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Parts {
            status,
            code: code.into(),
            detail: detail.into(),
            errors: Vec::new(),
            headers: Vec::new(),
            context: None,
        }))
    }

    /// Names the refused fields.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors = errors;
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Adds what only the log may know.
    #[must_use]
    pub fn with_context(mut self, context: String) -> Self {
        self.0.context = Some(context);
        self
    }

    /// No credential was presented: a bare challenge without an error code (RFC 6750 §3.1).
    pub fn credential_missing() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "credential_missing",
            "present a token: `Authorization: Bearer …`",
        )
        .challenging(r#"Bearer realm="claviger""#)
    }

    /// The credential is not accepted. Says nothing about why: a finder learns nothing, the owner's log knows.
    pub fn token_invalid() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "token_invalid",
            "the presented token is not accepted",
        )
        .challenging(r#"Bearer realm="claviger", error="invalid_token""#)
    }

    /// Two different credentials in one request (RFC 6750 §3.1 `invalid_request`).
    pub fn credentials_differ() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "multiple_credentials",
            "the request presents two different credentials; send one",
        )
        .challenging(r#"Bearer realm="claviger", error="invalid_request""#)
    }

    /// A credential in the query string, where every proxy and history would keep it.
    pub fn token_in_query(parameter: &'static str) -> Self {
        let detail = format!(
            "the query parameter `{parameter}` is not accepted; send the token in the header \
             `Authorization: Bearer …`, and revoke it if the address was logged on the way"
        );
        Self::new(StatusCode::BAD_REQUEST, "token_in_query", detail)
            .challenging(r#"Bearer realm="claviger", error="invalid_request""#)
    }

    /// The caller is known and may not do this.
    pub fn scope_missing(who: &str, missing: ScopeSet) -> Self {
        let challenge = format!(r#"Bearer realm="claviger", error="insufficient_scope", scope="{missing}""#);
        let detail = format!("{who} lacks `{missing}`");
        let problem = Self::new(StatusCode::FORBIDDEN, "insufficient_scope", detail);
        match HeaderValue::try_from(challenge) {
            Ok(value) => problem.with_header(WWW_AUTHENTICATE, value),
            // Scopes are visible ASCII, so this does not happen; the refusal stands without the hint.
            Err(_) => problem,
        }
    }

    /// The caller must sign in, or show the password again. What needs a recent sign-in says so by RFC 9470 §3.
    pub fn unproven(unproven: Unproven) -> Self {
        let (code, challenge) = match unproven {
            Unproven::SignIn => ("sign_in_failed", r#"Bearer realm="claviger""#),
            Unproven::Session => ("session_invalid", r#"Bearer realm="claviger""#),
            Unproven::Recently => (
                "step_up_required",
                r#"Bearer realm="claviger", error="insufficient_user_authentication", error_description="a more recent sign-in is required", max_age="300""#,
            ),
        };
        Self::new(StatusCode::UNAUTHORIZED, code, unproven.to_string()).challenging(challenge)
    }

    /// A browser sent the cookie of a session for a page that is not ours.
    pub fn cross_site() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "cross_site_request",
            "a signed-in browser changes something from this server's own pages only",
        )
    }

    /// There is no such thing, or the caller may not know that there is.
    pub fn not_found(what: &str) -> Self {
        let code = format!("{}_not_found", what.replace(' ', "_"));
        Self::new(StatusCode::NOT_FOUND, code, format!("there is no such {what}"))
    }

    /// The input is at fault; `errors` is not empty.
    pub fn invalid(code: &'static str, errors: Vec<FieldError>) -> Self {
        let mut detail = String::new();
        for (place, error) in errors.iter().enumerate() {
            let separator = if place == 0 { "" } else { "; " };
            // Writing to a string does not fail.
            let _ = write!(detail, "{separator}`{}`: {}", error.field, error.detail);
        }
        Self::new(StatusCode::BAD_REQUEST, code, detail).with_errors(errors)
    }

    /// A fault of ours, with what the log should know.
    pub fn internal(context: String) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the server failed; its log knows more under this request id",
        )
        .with_context(context)
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The stable name.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// What only the log may know.
    pub(crate) fn context(&self) -> Option<&str> {
        self.0.context.as_deref()
    }

    fn challenging(self, challenge: &'static str) -> Self {
        self.with_header(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
    }

    /// The body, as the wire has it.
    pub(crate) fn body(&self, request_id: &RequestId) -> claviger_api::problem::Problem {
        let parts = &self.0;
        claviger_api::problem::Problem {
            kind: format!("/docs/problems#{}", parts.code),
            title: title(&parts.code),
            status: parts.status.as_u16(),
            code: parts.code.clone().into_owned(),
            detail: parts.detail.clone().into_owned(),
            request_id: request_id.as_str().to_owned(),
            errors: parts
                .errors
                .iter()
                .map(|error| FieldProblem {
                    field: error.field.clone(),
                    code: error.code.to_owned(),
                    detail: error.detail.clone(),
                })
                .collect(),
        }
    }
}

/// `token_name_taken` → `Token name taken`.
pub(crate) fn title(code: &str) -> String {
    let words = code.replace('_', " ");
    let mut letters = words.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(axum::body::Body::empty());
        *response.status_mut() = self.0.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        for (name, value) in &self.0.headers {
            headers.insert(name.clone(), value.clone());
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let said = error.to_string();
        match error {
            Error::NotFound { what } => Self::not_found(what),
            Error::Unproven(unproven) => Self::unproven(unproven),
            Error::Forbidden { who, missing } => Self::scope_missing(who, missing),
            Error::Refused { code, detail } => Self::new(StatusCode::FORBIDDEN, code, detail),
            Error::Conflict { code, detail } => Self::new(StatusCode::CONFLICT, code, detail),
            Error::Invalid(errors) => Self::invalid("input_invalid", errors),
            Error::Gone { code, detail } => Self::new(StatusCode::GONE, code, detail),
            Error::Unprocessable { code, detail } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
            }
            Error::TooManyAttempts { retry_after_seconds } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", said)
                    .with_header(RETRY_AFTER, HeaderValue::from(retry_after_seconds))
            }
            Error::Busy { retry_after_seconds } => Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", said)
                .with_header(RETRY_AFTER, HeaderValue::from(retry_after_seconds)),
            Error::Unavailable {
                code,
                detail,
                context,
            } => Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).with_context(context),
            Error::StorageFull => Self::new(StatusCode::INSUFFICIENT_STORAGE, "storage_full", said),
            Error::Internal { context } => Self::internal(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_code_in_words() {
        assert_eq!(title("token_name_taken"), "Token name taken");
        assert_eq!(title(""), "");
    }

    #[test]
    fn several_refused_fields_are_all_in_the_detail() {
        let errors = vec![
            FieldError::new("name", "name_too_short", "too short"),
            FieldError::new("scopes[0]", "scope_unknown", "unknown scope"),
        ];

        let problem = Problem::from(Error::Invalid(errors));

        assert_eq!(problem.0.detail, "`name`: too short; `scopes[0]`: unknown scope");
        assert_eq!(problem.code(), "input_invalid");
    }

    #[test]
    fn a_missing_scope_is_named_in_the_challenge() {
        let missing = claviger_domain::Scope::TokensWrite;

        let problem = Problem::from(Error::Forbidden {
            who: "the calling token",
            missing: ScopeSet::only(missing),
        });

        let (name, value) = &problem.0.headers[0];
        assert_eq!(name, WWW_AUTHENTICATE);
        assert_eq!(
            value,
            r#"Bearer realm="claviger", error="insufficient_scope", scope="tokens:write""#
        );
    }

    #[test]
    fn the_private_context_is_not_in_the_body() {
        let problem = Problem::from(Error::internal("disk 7 at /dev/x"));

        let body = problem.body(&RequestId::for_test("r"));

        assert!(!format!("{body:?}").contains("disk 7"));
        assert_eq!(problem.context(), Some("disk 7 at /dev/x"));
    }
}
