//! Sealing what must be stored and opened again: the answers that an Idempotency-Key may repeat.
//!
//! AES-256-GCM under HKDF-SHA256(client's Idempotency-Key, pepper): a dump holds neither, and a weak key of a client is no way
//! in without the pepper (security.md §2). The sealed form is: pepper id (4 bytes), nonce (12), ciphertext and tag.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use claviger_token::{PepperId, RandomSource};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::keys::{Key, KeyRing};

const HEAD: usize = 4 + NONCE_LEN;

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
    let mut sealed = Vec::with_capacity(HEAD + plain.len() + AES_256_GCM.tag_len());
    sealed.extend_from_slice(&pepper.pepper_id().get().to_be_bytes());
    let mut nonce = [0; NONCE_LEN];
    random.fill(&mut nonce)?;
    sealed.extend_from_slice(&nonce);

    let key = derive(&pepper, client_key)?;
    let mut text = Zeroizing::new(plain.to_vec());
    let tag = key
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::empty(),
            text.as_mut_slice(),
        )
        .map_err(|_| Error::internal("sealing failed"))?;
    sealed.extend_from_slice(&text);
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// Opens what [`seal`] made; `None` when the key is another one or its pepper was given up.
pub(crate) fn open(keys: &KeyRing, client_key: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (head, body) = sealed.split_at_checked(HEAD)?;
    let (id, nonce) = head.split_at_checked(4)?;
    let pepper = keys.pepper_key(PepperId::from_u32(u32::from_be_bytes(id.try_into().ok()?)))?;
    let key = derive(&pepper, client_key).ok()?;
    let mut text = Zeroizing::new(body.to_vec());
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let length = key
        .open_in_place(nonce, Aad::empty(), text.as_mut_slice())
        .ok()?
        .len();
    text.truncate(length);
    Some(text)
}

fn derive(pepper: &Key, client_key: &str) -> Result<LessSafeKey> {
    let failed = |_| Error::internal("key derivation failed");
    let extracted = Salt::new(HKDF_SHA256, pepper.expose()).extract(client_key.as_bytes());
    let expanded = extracted
        .expand(&[b"claviger idempotent answer v1"], &AES_256_GCM)
        .map_err(failed)?;
    Ok(LessSafeKey::new(UnboundKey::from(expanded)))
}

#[cfg(test)]
mod tests {
    use claviger_token::RandomUnavailable;

    use super::*;
    use crate::keys::PepperKeys;

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
}
