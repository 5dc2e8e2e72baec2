//! Argon2id for passwords: 19 MiB, two passes, one lane (security.md §2), with the pepper as its secret input.
//!
//! A hash takes some ten milliseconds of a core and 19 MiB, so it never runs on a thread that answers requests: two at once do, a
//! few wait, and whoever comes then is told to come back. Invariant: a check costs one hash whether there is a password or not.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use claviger_domain::password::Password;
use claviger_store::passwords::PasswordRow;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::keys::Key;
use crate::{Metrics, Service};

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const HASH_BYTES: usize = 32;
const SALT_BYTES: usize = 16;
/// How every stored hash begins: the PHC string format with these parameters.
const HEAD: &str = "$argon2id$v=19$m=19456,t=2,p=1$";
/// Hashes at once.
const AT_ONCE: usize = 2;
/// Hashes that wait besides those.
const WAITING: usize = 32;
/// When to come back, in seconds: by then the queue has emptied several times.
const COME_BACK: u32 = 1;

/// Runs hashes, few at a time.
pub(crate) struct Hasher {
    running: Arc<Semaphore>,
    places: Semaphore,
}

impl Default for Hasher {
    fn default() -> Self {
        Self {
            running: Arc::new(Semaphore::new(AT_ONCE)),
            places: Semaphore::new(AT_ONCE + WAITING),
        }
    }
}

// === impl Hasher ===

impl Hasher {
    /// Runs `work`, which is one hash, off the threads that answer requests.
    async fn run<T: Send + 'static>(
        &self,
        metrics: &Metrics,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let busy = |_| Error::Busy {
            retry_after_seconds: COME_BACK,
        };
        let _place = self.places.try_acquire().map_err(busy)?;
        let turn = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(Error::internal)?;
        metrics.password_hashes.inc();
        let hashed = tokio::task::spawn_blocking(move || {
            let done = work();
            // Here and not where it is waited for: a caller who went away frees no core.
            drop(turn);
            done
        });
        hashed.await.map_err(Error::internal)?
    }
}

// === impl Service ===

impl Service {
    /// What is kept of a password, under the current pepper.
    ///
    /// # Errors
    /// `Busy`; `random_unavailable`.
    pub(super) async fn hash_password(&self, password: Password) -> Result<PasswordRow> {
        let mut salt = [0; SALT_BYTES];
        self.0.random.fill(&mut salt)?;
        let key = self.0.keys.peppers().current;
        let pepper = key.pepper_id();
        let work = move || {
            let hash = digest(&password, &salt, &key)?;
            let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(*hash));
            Ok(format!("{HEAD}{salt}${hash}"))
        };
        let hash = self.0.hasher.run(&self.0.metrics, work).await?;
        Ok(PasswordRow { hash, pepper })
    }

    /// True when the password is the kept one. Without one, or with one whose pepper was given up, the same work is done for nothing.
    ///
    /// # Errors
    /// `Busy`.
    pub(super) async fn matches_password(
        &self,
        kept: Option<&PasswordRow>,
        password: Password,
    ) -> Result<bool> {
        let known = kept.and_then(|kept| {
            let key = self.0.keys.pepper_key(kept.pepper)?;
            let (salt, hash) = read(&kept.hash)?;
            Some((key, salt, hash))
        });
        let is_known = known.is_some();
        let nobodys = || (self.0.keys.peppers().current, [0; SALT_BYTES], [0; HASH_BYTES]);
        let (key, salt, hash) = known.unwrap_or_else(nobodys);
        let work = move || {
            let made = digest(&password, &salt, &key)?;
            let equal = aws_lc_rs::constant_time::verify_slices_are_equal(made.as_slice(), &hash);
            Ok(equal.is_ok() && is_known)
        };
        self.0.hasher.run(&self.0.metrics, work).await
    }
}

/// One hash.
fn digest(password: &Password, salt: &[u8; SALT_BYTES], pepper: &Key) -> Result<Zeroizing<[u8; HASH_BYTES]>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_BYTES)).map_err(Error::internal)?;
    let argon2 = Argon2::new_with_secret(pepper.expose(), Algorithm::Argon2id, Version::V0x13, params)
        .map_err(Error::internal)?;
    let mut hash = Zeroizing::new([0; HASH_BYTES]);
    argon2
        .hash_password_into(password.expose(), salt, hash.as_mut_slice())
        .map_err(Error::internal)?;
    Ok(hash)
}

/// Salt and hash of a stored password; `None` for one of another algorithm or other parameters.
fn read(stored: &str) -> Option<([u8; SALT_BYTES], [u8; HASH_BYTES])> {
    let (salt, hash) = stored.strip_prefix(HEAD)?.split_once('$')?;
    let salt = STANDARD_NO_PAD.decode(salt).ok()?.try_into().ok()?;
    let hash = STANDARD_NO_PAD.decode(hash).ok()?.try_into().ok()?;
    Some((salt, hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pepper_and_the_salt_decide_with_the_password() {
        let password = |text| Password::presented(text);
        let hash =
            |text, salt, key| *digest(&password(text), &[salt; SALT_BYTES], &Key::new([key; 32])).unwrap();

        let first = hash("correct horse battery", 1, 1);

        assert_eq!(first, hash("correct horse battery", 1, 1));
        assert_ne!(first, hash("correct horse batterz", 1, 1));
        assert_ne!(first, hash("correct horse battery", 2, 1));
        assert_ne!(first, hash("correct horse battery", 1, 2));
    }

    #[tokio::test]
    async fn whoever_finds_no_place_is_told_to_come_back() {
        let metrics = Metrics::register(&mut prometheus_client::registry::Registry::default());
        let hasher = Hasher::default();
        let work = || Ok(7);
        let all = u32::try_from(AT_ONCE + WAITING).unwrap();

        let taken = hasher.places.acquire_many(all).await.unwrap();
        let refused = hasher.run(&metrics, work).await;
        drop(taken);

        assert!(matches!(
            refused,
            Err(Error::Busy {
                retry_after_seconds: COME_BACK
            })
        ));
        assert_eq!(metrics.password_hashes.get(), 0);
        assert_eq!(hasher.run(&metrics, work).await.unwrap(), 7);
        assert_eq!(metrics.password_hashes.get(), 1);
    }

    #[test]
    fn a_stored_hash_says_how_it_was_made() {
        assert_eq!(
            HEAD,
            format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}$")
        );
        let (salt, hash) = (STANDARD_NO_PAD.encode([1; 16]), STANDARD_NO_PAD.encode([2; 32]));

        assert_eq!(read(&format!("{HEAD}{salt}${hash}")), Some(([1; 16], [2; 32])));
        assert_eq!(
            read(&format!("$argon2i$v=19$m=19456,t=2,p=1${salt}${hash}")),
            None
        );
        assert_eq!(read(&format!("{HEAD}{salt}${salt}")), None);
    }
}
