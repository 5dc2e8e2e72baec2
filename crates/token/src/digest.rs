//! What is kept of a token: HMAC-SHA-256(pepper, SHA-256(token)), and the pepper that makes a stolen database useless.
//!
//! Invariant: without the pepper nobody can compute or plant a digest; the inner SHA-256 lets a token that is known
//! elsewhere only by its hash be imported on the same path. Called on every verification, so nothing allocates.

use std::{error::Error, fmt};

use hmac::{
    KeyInit as _,
    block_api::HmacCore,
    digest::{
        Output,
        block_api::{Buffer, FixedOutputCore as _},
    },
};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

/// What precedes the key in the hash that names it, so that the name can never equal another use of the key.
const PEPPER_ID_CONTEXT: &[u8] = b"claviger pepper id v1";

/// SHA-256 of a token's whole text, 32 bytes. Not stored by Claviger; the input of [`Pepper::digest`].
#[derive(Clone)]
pub struct TokenHash([u8; 32]);

/// A key of 256 bits, kept outside the database, that every digest depends on. The HMAC state after the key is computed
/// once, so that a digest costs two compressions. The key is wiped at once, the state on drop.
pub struct Pepper {
    keyed: HmacCore<Sha256>,
    id: PepperId,
}

/// The public name of a pepper, stored beside each digest: the first 4 bytes, big-endian, of
/// SHA-256(`claviger pepper id v1` ‖ key). Shown as 8 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PepperId(u32);

/// What the store keeps and the verifier looks up: 32 bytes. Compared in constant time.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

/// Bytes that are no [`Digest`], because they are not 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongLength;

// === impl TokenHash ===

impl TokenHash {
    /// SHA-256 of any secret text, also one that is no token of ours. One compression up to 55 bytes.
    // Inlined across crates it costs 79 ns instead of 95 (2-core VM, 2026-11).
    #[inline]
    pub fn of(text: &[u8]) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// Takes a SHA-256 made elsewhere, for imports.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

// === impl Pepper ===

impl Pepper {
    /// Prepares a key of 32 random bytes. This copy of the key is wiped; the caller wipes its own.
    ///
    /// ```
    /// use claviger_token::{Pepper, TokenHash};
    ///
    /// let pepper = Pepper::new([0; 32]);
    /// assert_eq!(pepper.id().to_string(), "1ebb326e");
    /// assert_eq!(pepper.digest(&TokenHash::of(b"a")), pepper.digest(&TokenHash::of(b"a")));
    /// ```
    pub fn new(mut key: [u8; 32]) -> Self {
        let name = Sha256::new()
            .chain_update(PEPPER_ID_CONTEXT)
            .chain_update(key)
            .finalize();
        let id = name.first_chunk().copied().map_or(0, u32::from_be_bytes);
        let mut block = [0; 64];
        // HMAC pads a key shorter than the block with zeros (RFC 2104 §2).
        block[..key.len()].copy_from_slice(&key);
        let keyed = HmacCore::new(&block.into());
        block.zeroize();
        key.zeroize();
        Self {
            keyed,
            id: PepperId(id),
        }
    }

    /// The pepper's public name.
    pub fn id(&self) -> PepperId {
        self.id
    }

    /// HMAC-SHA-256 of the hash under this pepper; two compressions, no allocation.
    pub fn digest(&self, hash: &TokenHash) -> Digest {
        // The block-level API of `hmac` costs 118 ns, its buffered `Hmac` 157 (2-core VM, 2026-11).
        let mut buffer = Buffer::<HmacCore<Sha256>>::new(&hash.0);
        let mut digest = Output::<HmacCore<Sha256>>::default();
        self.keyed.clone().finalize_fixed_core(&mut buffer, &mut digest);
        Digest(digest.into())
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pepper({}, …)", self.id)
    }
}

// === impl PepperId ===

impl PepperId {
    /// The name as it was stored.
    pub const fn from_u32(id: u32) -> Self {
        Self(id)
    }

    /// The name as a number, for storing.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for PepperId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

// === impl Digest ===

impl Digest {
    /// Takes the 32 bytes of a stored digest.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Takes the bytes of a stored digest.
    ///
    /// # Errors
    /// [`WrongLength`] unless there are exactly 32.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, WrongLength> {
        bytes.try_into().map(Self).map_err(|_| WrongLength)
    }

    /// The 32 bytes, for storing.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Equality in a time that depends on neither side's bytes.
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// The first 16 bytes, the key of the in-memory index: among 10 million tokens a guess hits with 2^-105.
    pub fn index_key(&self) -> [u8; 16] {
        // A digest is longer than the key, so the fallback is never taken.
        self.0.first_chunk().copied().unwrap_or_default()
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other)
    }
}

impl Eq for Digest {}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "Digest({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

impl fmt::Display for WrongLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a digest has exactly 32 bytes")
    }
}

impl Error for WrongLength {}
