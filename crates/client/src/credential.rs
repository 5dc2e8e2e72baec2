//! The token that a client presents, in a form that does not print itself.
//!
//! Invariant: the text is reachable only by the transport; `Debug` shows nothing of it.

use std::fmt;

use reqwest::header::HeaderValue;

use crate::Error;

/// The longest credential that is sent, in bytes: far above any token, far below the server's limit for headers.
const MAX_BYTES: usize = 512;

/// A token, ready to be presented as `Authorization: Bearer`.
#[derive(Clone)]
pub struct Credential {
    header: HeaderValue,
}

// === impl Credential ===

impl Credential {
    /// Takes the text of a token. White space at the ends and a leading `secret-token:` (RFC 8959) are dropped.
    ///
    /// # Errors
    /// [`Error::Argument`] when the text is empty, longer than 512 bytes, or holds something else than visible ASCII
    /// characters. The error does not quote it.
    pub fn new(token: &str) -> Result<Self, Error> {
        let token = token.trim();
        let token = token.strip_prefix("secret-token:").unwrap_or(token);
        if token.is_empty() {
            return Err(Error::argument("token", "is empty"));
        }
        if token.len() > MAX_BYTES {
            return Err(Error::argument("token", "is longer than 512 bytes"));
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::argument(
                "token",
                "holds other than visible ASCII characters",
            ));
        }
        let mut header = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| Error::argument("token", "does not fit in a header"))?;
        header.set_sensitive(true);
        Ok(Self { header })
    }

    /// The value of the header, marked sensitive.
    pub(crate) fn header(&self) -> HeaderValue {
        self.header.clone()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_does_not_print_itself() {
        let credential = Credential::new("clvp_canary").unwrap();

        assert_eq!(format!("{credential:?}"), "Credential(…)");
        assert!(!format!("{:?}", credential.header()).contains("canary"));
    }

    #[test]
    fn a_text_that_cannot_be_a_token_is_refused_unquoted() {
        for text in [
            "",
            " \n",
            "canary canary",
            "canary\u{e9}",
            "canary\nx: y",
            &"c".repeat(513),
        ] {
            let error = Credential::new(text).unwrap_err().to_string();

            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn space_around_a_token_and_the_uri_form_are_understood() {
        let plain = Credential::new("clvp_x").unwrap().header();

        assert_eq!(Credential::new(" clvp_x\n").unwrap().header(), plain);
        assert_eq!(Credential::new("secret-token:clvp_x").unwrap().header(), plain);
    }
}
