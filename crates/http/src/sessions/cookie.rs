//! The cookie of a session: set, and cleared.
//!
//! `__Host-` binds it to this very host over TLS, `HttpOnly` keeps it from scripts, `SameSite=Strict` keeps it from requests that other
//! sites make (RFC 6265bis §4.1.3; ASVS 5.0 §3.3).

use std::time::Duration;

use claviger_domain::Timestamp;
use claviger_service::sessions::SignedIn;
use http::HeaderValue;

use crate::credentials::SESSION_COOKIE;
use crate::problem::Problem;

const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";

/// Sets the session's secret until its end.
///
/// # Errors
/// None in truth: a secret is letters and digits.
pub(super) fn set(signed_in: &SignedIn, now: Timestamp) -> Result<HeaderValue, Problem> {
    let lasts: Duration = signed_in.session.ends_at.since(now);
    let secret = signed_in.secret.expose();
    let cookie = format!(
        "{SESSION_COOKIE}={secret}; {ATTRIBUTES}; Max-Age={}",
        lasts.as_secs()
    );
    let mut value = HeaderValue::try_from(cookie).map_err(|error| Problem::internal(error.to_string()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Takes it from the browser.
///
/// # Errors
/// None in truth: it is a fixed text.
pub(super) fn clear() -> Result<HeaderValue, Problem> {
    let cookie = format!("{SESSION_COOKIE}=; {ATTRIBUTES}; Max-Age=0");
    HeaderValue::try_from(cookie).map_err(|error| Problem::internal(error.to_string()))
}
