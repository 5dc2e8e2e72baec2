//! Key material that lives outside the database: at most two peppers, and the key that seals the audit trail's head.
//!
//! The ring holds the raw keys of the running process; [`KeyStore`] keeps them across restarts (a file with mode 0600, or the
//! configuration) and is implemented by `server`. A dump of the database without them verifies nothing.

use std::sync::{PoisonError, RwLock};

use aws_lc_rs::hmac;
use claviger_token::{Pepper, PepperId};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A 256-bit key. It shows nothing of itself and is wiped when it goes.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key([u8; 32]);

/// The live peppers, raw.
#[derive(Debug, Clone)]
pub struct PepperKeys {
    /// New digests are made under it.
    pub current: Key,
    /// Digests made before the last rotation; given up when no live token needs it.
    pub previous: Option<Key>,
}

/// All key material of the process.
#[derive(Debug)]
pub struct KeyRing {
    peppers: RwLock<PepperKeys>,
    audit: Key,
}

/// Why keys could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeyStoreError {
    /// The keys come from the configuration, which the server does not write.
    #[error("the peppers are given by the configuration; change them there and restart")]
    ReadOnly,
    /// The file could not be written.
    #[error("the key file could not be written: {0}")]
    Io(#[from] std::io::Error),
}

/// Keeps what must not be in the database.
pub trait KeyStore: Send + Sync {
    /// Replaces the kept peppers, durably: when it returns, a crash finds the new ones.
    ///
    /// # Errors
    /// [`KeyStoreError`]; then the kept peppers are as before.
    fn save_peppers(&self, peppers: &PepperKeys) -> Result<(), KeyStoreError>;

    /// Replaces the kept anchor of the audit trail (a line of text).
    ///
    /// # Errors
    /// [`KeyStoreError::Io`].
    fn save_anchor(&self, anchor: &str) -> Result<(), KeyStoreError>;

    /// The kept anchor; `None` before the first.
    ///
    /// # Errors
    /// [`KeyStoreError::Io`].
    fn load_anchor(&self) -> Result<Option<String>, KeyStoreError>;
}

// === impl Key ===

impl Key {
    /// A key of these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes. Whoever calls this keeps no copy.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The pepper made of this key.
    pub fn pepper(&self) -> Pepper {
        Pepper::new(self.0)
    }

    /// The id of the pepper made of this key.
    pub fn pepper_id(&self) -> PepperId {
        self.pepper().id()
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

// === impl KeyRing ===

impl KeyRing {
    /// A ring of these peppers and this audit key.
    pub const fn new(peppers: PepperKeys, audit: Key) -> Self {
        Self {
            peppers: RwLock::new(peppers),
            audit,
        }
    }

    /// A copy of the live peppers.
    pub fn peppers(&self) -> PepperKeys {
        self.peppers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The key of this pepper, if it is live.
    pub fn pepper_key(&self, id: PepperId) -> Option<Key> {
        let peppers = self.peppers();
        std::iter::once(peppers.current)
            .chain(peppers.previous)
            .find(|key| key.pepper_id() == id)
    }

    pub(crate) fn set_peppers(&self, peppers: PepperKeys) {
        *self.peppers.write().unwrap_or_else(PoisonError::into_inner) = peppers;
    }

    /// HMAC-SHA-256 under the audit key.
    pub(crate) fn seal_head(&self, message: &[u8]) -> Vec<u8> {
        hmac::sign(&self.audit_key(), message).as_ref().to_vec()
    }

    /// True when `tag` seals `message`; takes the same time either way.
    pub(crate) fn head_is_sealed(&self, message: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.audit_key(), message, tag).is_ok()
    }

    /// What the keys are derived from under which secrets are kept: unlike the peppers it never changes. Whoever derives says for what.
    pub(crate) const fn keeping_secret(&self) -> &[u8; 32] {
        self.audit.expose()
    }

    fn audit_key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.audit.expose())
    }
}
