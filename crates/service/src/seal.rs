//! Sealing what must be stored and opened again, with AES-256-GCM (security.md §2).
//!
//! The answers that an Idempotency-Key may repeat are under HKDF-SHA256(client's Idempotency-Key, pepper): a dump holds neither, and a
//! weak key of a client is no way in without the pepper. Their sealed form is: pepper id (4 bytes), nonce (12), ciphertext and tag.
//! What the server itself must be able to open, such as the secret under which a webhook's events are signed, is under a key of its own,
//! derived from one that lies beside the pepper and does not change; its form is: nonce, ciphertext and tag.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use claviger_token::{PepperId, RandomSource};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::keys::KeyRing;

/// Bytes of a pepper's id before a sealed answer.
const PEPPER_ID: usize = 4;

/// Seals `plain` for whoever brings the same `client_key` again.
///
/// # Errors
/// `Unavailable` when there are no random bytes.
pub(crate) fn seal(
    keys: &KeyRing,
    random: &dyn RandomSource,
    client_key: &str,
    plain: &[u8],
) -> Result<Vec<u8>> {
    let pepper = keys.peppers().current;
    let key = derive(pepper.expose(), client_key.as_bytes(), ANSWER)?;
    let mut sealed = pepper.pepper_id().get().to_be_bytes().to_vec();
    seal_under(&key, random, b"", plain, &mut sealed)?;
    Ok(sealed)
}

/// Opens what [`seal`] made; `None` when the key is another one or its pepper was given up.
pub(crate) fn open(keys: &KeyRing, client_key: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (id, sealed) = sealed.split_at_checked(PEPPER_ID)?;
    let pepper = keys.pepper_key(PepperId::from_u32(u32::from_be_bytes(id.try_into().ok()?)))?;
    let key = derive(pepper.expose(), client_key.as_bytes(), ANSWER).ok()?;
    open_under(&key, b"", sealed)
}

/// Seals `plain` for the server itself. It opens only as what it was sealed as: `what` names the thing it belongs to.
///
/// # Errors
/// `Unavailable` when there are no random bytes.
pub(crate) fn keep(keys: &KeyRing, random: &dyn RandomSource, what: &str, plain: &[u8]) -> Result<Vec<u8>> {
    let key = derive(keys.keeping_secret(), b"", KEPT)?;
    let mut sealed = Vec::new();
    seal_under(&key, random, what.as_bytes(), plain, &mut sealed)?;
    Ok(sealed)
}

/// Opens what [`keep`] made; `None` when it belongs to another thing or to another installation.
pub(crate) fn reveal(keys: &KeyRing, what: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let key = derive(keys.keeping_secret(), b"", KEPT).ok()?;
    open_under(&key, what.as_bytes(), sealed)
}

const ANSWER: &[u8] = b"claviger idempotent answer v1";
const KEPT: &[u8] = b"claviger kept secret v1";

/// Appends nonce, ciphertext and tag to `sealed`.
fn seal_under(
    key: &LessSafeKey,
    random: &dyn RandomSource,
    bound_to: &[u8],
    plain: &[u8],
    sealed: &mut Vec<u8>,
) -> Result<()> {
    let mut nonce = [0; NONCE_LEN];
    random.fill(&mut nonce)?;
    sealed.extend_from_slice(&nonce);
    let mut text = Zeroizing::new(plain.to_vec());
    let tag = key
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(bound_to),
            text.as_mut_slice(),
        )
        .map_err(|_| Error::internal("sealing failed"))?;
    sealed.extend_from_slice(&text);
    sealed.extend_from_slice(tag.as_ref());
    Ok(())
}

fn open_under(key: &LessSafeKey, bound_to: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, body) = sealed.split_at_checked(NONCE_LEN)?;
    let mut text = Zeroizing::new(body.to_vec());
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let length = key
        .open_in_place(nonce, Aad::from(bound_to), text.as_mut_slice())
        .ok()?
        .len();
    text.truncate(length);
    Some(text)
}

fn derive(secret: &[u8; 32], material: &[u8], purpose: &[u8]) -> Result<LessSafeKey> {
    let failed = |_| Error::internal("key derivation failed");
    let extracted = Salt::new(HKDF_SHA256, secret).extract(material);
    let purpose = [purpose];
    let expanded = extracted.expand(&purpose, &AES_256_GCM).map_err(failed)?;
    Ok(LessSafeKey::new(UnboundKey::from(expanded)))
}

#[cfg(test)]
mod tests {
    use claviger_token::RandomUnavailable;

    use super::*;
    use crate::keys::{Key, PepperKeys};

    struct Counting;

    impl RandomSource for Counting {
        fn fill(&self, bytes: &mut [u8]) -> std::result::Result<(), RandomUnavailable> {
            bytes.fill(9);
            Ok(())
        }
    }

    fn ring(current: u8, previous: Option<u8>) -> KeyRing {
        let key = |byte| Key::new([byte; 32]);
        KeyRing::new(
            PepperKeys {
                current: key(current),
                previous: previous.map(key),
            },
            key(0),
        )
    }

    #[test]
    fn a_sealed_answer_opens_with_its_key_and_pepper_only() {
        let sealed = seal(&ring(1, None), &Counting, "retry-1", b"the secret").unwrap();

        assert_eq!(
            open(&ring(1, None), "retry-1", &sealed).unwrap().as_slice(),
            b"the secret"
        );
        assert_eq!(
            open(&ring(2, Some(1)), "retry-1", &sealed).unwrap().as_slice(),
            b"the secret"
        );
        assert!(
            open(&ring(2, None), "retry-1", &sealed).is_none(),
            "the pepper is gone"
        );
        assert!(open(&ring(1, None), "retry-2", &sealed).is_none(), "another key");
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
    }

    #[test]
    fn a_changed_or_cut_seal_does_not_open() {
        let sealed = seal(&ring(1, None), &Counting, "retry-1", b"the secret").unwrap();

        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(
                open(&ring(1, None), "retry-1", &changed).is_none(),
                "byte {place}"
            );
            assert!(
                open(&ring(1, None), "retry-1", &sealed[..place]).is_none(),
                "cut at {place}"
            );
        }
    }

    #[test]
    fn a_kept_secret_belongs_to_one_thing() {
        let keys = ring(1, None);
        let sealed = keep(&keys, &Counting, "webhook 1", b"secret").unwrap();

        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(**reveal(&keys, "webhook 1", &sealed).unwrap(), *b"secret");
        assert!(reveal(&keys, "webhook 2", &sealed).is_none());
        assert!(reveal(&keys, "webhook 1", &sealed[1..]).is_none());
    }
}
