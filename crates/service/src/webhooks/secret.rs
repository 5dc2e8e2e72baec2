//! The secret under which a webhook's events are signed, and the signature (Standard Webhooks 1.0.0).
//!
//! Invariant: it shows nothing of itself, and is wiped when it goes.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claviger_token::RandomSource;
use zeroize::Zeroizing;

use crate::error::Result;

/// The head of a secret's text.
const HEAD: &str = "whsec_";

/// 32 bytes that the receiver knows too.
pub struct SigningSecret(Zeroizing<[u8; 32]>);

impl SigningSecret {
    /// A new secret.
    ///
    /// # Errors
    /// `random_unavailable`.
    pub(crate) fn generate(random: &dyn RandomSource) -> Result<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(&mut *bytes)?;
        Ok(Self(bytes))
    }

    /// The secret with these bytes, if there are 32.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &*self.0
    }

    /// The text for the receiver: `whsec_` and the bytes in base64. Whoever calls this hands it over, once, and keeps nothing.
    pub fn expose(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(HEAD.len() + 44));
        text.push_str(HEAD);
        STANDARD.encode_string(*self.0, &mut text);
        text
    }

    /// `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.
    fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &*self.0);
        let tag = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(tag))
    }
}

/// The header `webhook-signature`: a signature under each secret, parted by spaces.
pub(crate) fn signatures(secrets: &[SigningSecret], id: &str, timestamp: i64, body: &str) -> String {
    let signatures: Vec<_> = secrets
        .iter()
        .map(|secret| secret.sign(id, timestamp, body))
        .collect();
    signatures.join(" ")
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that libraries for Standard Webhooks test themselves with.
    #[test]
    fn the_published_example_is_signed_as_published() {
        let bytes = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
        let signed = "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
        let expected = "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

        assert_eq!(STANDARD.encode(hmac::sign(&key, signed.as_bytes())), expected);
    }

    #[test]
    fn each_secret_signs_what_the_header_says() {
        let secrets = [1, 2].map(|byte| SigningSecret::from_bytes(&[byte; 32]).unwrap());

        let both = signatures(&secrets, "dlv_1", 1_614_265_330, "{}");

        let each = secrets.map(|secret| secret.sign("dlv_1", 1_614_265_330, "{}"));
        assert_eq!(both, each.join(" "));
        assert_ne!(each[0], each[1]);
    }

    #[test]
    fn a_secret_is_text_for_its_receiver_and_nothing_in_a_log() {
        let secret = SigningSecret::from_bytes(&[0; 32]).unwrap();

        assert_eq!(
            *secret.expose(),
            "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
        );
        assert_eq!(format!("{secret:?}"), "SigningSecret(…)");
        assert!(SigningSecret::from_bytes(&[0; 31]).is_none());
    }
}
