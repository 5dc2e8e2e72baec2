//! Making a new token from random bytes that the caller supplies.
//!
//! Invariant: each of the 32 characters is uniform over 62 (rejection, no modulo bias), and no copy of the random
//! part outlives the returned [`Secret`]. Called by `service` when it issues or regenerates a token.

use std::{error::Error, fmt};

use zeroize::Zeroizing;

use crate::{
    Prefix, Secret, TokenType, base62,
    text::{CHECKSUM_CHARS, RANDOM_CHARS, checksum},
};

/// Where random bytes come from: the operating system in `server`, a seed in tests.
pub trait RandomSource: Send + Sync {
    /// Overwrites all of `bytes` with random ones fit for secrets.
    ///
    /// # Errors
    /// [`RandomUnavailable`] when the source cannot answer; then `bytes` may hold anything and must not be used.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable>;
}

/// The random source gave nothing usable. No secret may be made now; the operation fails as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RandomUnavailable;

/// Bytes per draw. On average 33.03 bytes give 32 characters; 48 fall short about once in 10^14 tokens.
const DRAW_BYTES: usize = 48;

/// Draws before the source counts as broken: eight failing in a row means that it is no random source.
const MAX_DRAWS: usize = 8;

/// Bytes from here on are thrown away: 248 = 4 × 62 is the largest multiple of 62 in a byte.
const REJECT_FROM: u8 = 248;

/// Makes a token of this type: 190.5 bits from `random`, checksum appended.
///
/// # Errors
/// [`RandomUnavailable`] when the source fails, or answers with bytes that no random source gives (eight draws in
/// which almost every byte is above 247).
///
/// ```
/// # use claviger_token::{generate, Prefix, RandomSource, RandomUnavailable, TokenType};
/// # struct Seven;
/// # impl RandomSource for Seven {
/// #     fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> { bytes.fill(7); Ok(()) }
/// # }
/// let secret = generate(&"acme".parse()?, TokenType::Service, &Seven)?;
/// assert!(secret.expose().starts_with("acmes_7777"));
/// assert_eq!(format!("{secret:?}"), "Secret(…)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn generate(
    prefix: &Prefix,
    token_type: TokenType,
    random: &dyn RandomSource,
) -> Result<Secret, RandomUnavailable> {
    // Reserved once at its final size: a String that grew would leave its old buffer unwiped.
    let size = prefix.len() + 2 + RANDOM_CHARS + CHECKSUM_CHARS;
    let mut text = Zeroizing::new(String::with_capacity(size));
    text.push_str(prefix.as_str());
    text.push(token_type.letter());
    text.push('_');
    push_random_chars(&mut text, random)?;
    let checksum = base62::encode_u32(checksum(text.as_bytes()));
    text.extend(checksum.iter().map(|&digit| char::from(digit)));
    Ok(Secret::new(text, token_type))
}

/// Appends exactly [`RANDOM_CHARS`] uniform base62 characters.
pub(crate) fn push_random_chars(
    text: &mut String,
    random: &dyn RandomSource,
) -> Result<(), RandomUnavailable> {
    let end = text.len() + RANDOM_CHARS;
    let mut bytes = Zeroizing::new([0u8; DRAW_BYTES]);
    for _ in 0..MAX_DRAWS {
        random.fill(&mut *bytes)?;
        for byte in bytes.iter().copied().filter(|&byte| byte < REJECT_FROM) {
            text.push(char::from(base62::ALPHABET[usize::from(byte % 62)]));
            if text.len() == end {
                return Ok(());
            }
        }
    }
    Err(RandomUnavailable)
}

impl fmt::Display for RandomUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the random source is unavailable")
    }
}

impl Error for RandomUnavailable {}

#[cfg(test)]
mod tests {
    use super::*;

    struct Constant(u8);

    impl RandomSource for Constant {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
            bytes.fill(self.0);
            Ok(())
        }
    }

    struct Broken;

    impl RandomSource for Broken {
        fn fill(&self, _: &mut [u8]) -> Result<(), RandomUnavailable> {
            Err(RandomUnavailable)
        }
    }

    #[test]
    fn a_broken_source_gives_no_token() {
        let refused = generate(&Prefix::default(), TokenType::Personal, &Broken);

        assert_eq!(refused.map(|_| ()), Err(RandomUnavailable));
    }

    #[test]
    fn a_source_stuck_on_rejected_bytes_ends_instead_of_looping() {
        assert!(generate(&Prefix::default(), TokenType::Personal, &Constant(247)).is_ok());
        assert!(generate(&Prefix::default(), TokenType::Personal, &Constant(248)).is_err());
        assert!(generate(&Prefix::default(), TokenType::Personal, &Constant(255)).is_err());
    }

    #[test]
    fn the_text_fills_its_buffer_exactly() {
        for prefix in ["ab", "clv", "abcdefgh"] {
            let secret = generate(&prefix.parse().unwrap(), TokenType::Team, &Constant(0)).unwrap();

            assert_eq!(secret.expose().len(), prefix.len() + 40);
        }
    }
}
