//! The installation's prefix: the public head of every token it issues, so that a scanner, a person and a proxy can
//! tell at sight whose token a text is.
//!
//! Invariant: 2–8 characters, a lower-case letter first, then lower-case letters and digits. Set once per
//! installation by `server`; every parse and every generation takes it as an argument.

use std::{error::Error, fmt, str::FromStr};

/// The head of an installation's tokens: 2–8 characters of `[a-z][a-z0-9]*`, `clv` by default.
///
/// ```
/// use claviger_token::Prefix;
///
/// let prefix: Prefix = "acme".parse()?;
/// assert_eq!(prefix.as_str(), "acme");
/// assert!("Acme".parse::<Prefix>().is_err());
/// # Ok::<(), claviger_token::InvalidPrefix>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Prefix {
    bytes: [u8; Self::MAX_BYTES],
    len: u8,
}

/// Why a text is no [`Prefix`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidPrefix {
    /// Shorter than 2 or longer than 8 bytes.
    Length,
    /// Something else than a lower-case letter, or a digit after the first character.
    Character,
}

impl Prefix {
    /// The shortest prefix, in bytes.
    pub const MIN_BYTES: usize = 2;
    /// The longest prefix, in bytes.
    pub const MAX_BYTES: usize = 8;

    /// The prefix as text.
    pub fn as_str(&self) -> &str {
        // Only ASCII gets in, so the fallback is never taken.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The prefix as bytes, 2–8 of them.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len()]
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.len)
    }
}

impl Default for Prefix {
    /// `clv`.
    fn default() -> Self {
        Self {
            bytes: *b"clv\0\0\0\0\0",
            len: 3,
        }
    }
}

impl FromStr for Prefix {
    type Err = InvalidPrefix;

    fn from_str(text: &str) -> Result<Self, InvalidPrefix> {
        if !(Self::MIN_BYTES..=Self::MAX_BYTES).contains(&text.len()) {
            return Err(InvalidPrefix::Length);
        }
        let allowed =
            |(at, byte): (usize, u8)| byte.is_ascii_lowercase() || (at > 0 && byte.is_ascii_digit());
        if !text.bytes().enumerate().all(allowed) {
            return Err(InvalidPrefix::Character);
        }
        let mut bytes = [0; Self::MAX_BYTES];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        let len = u8::try_from(text.len()).map_err(|_| InvalidPrefix::Length)?;
        Ok(Self { bytes, len })
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prefix({self})")
    }
}

impl fmt::Display for InvalidPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "a prefix has 2 to 8 characters",
            Self::Character => "a prefix is a lower-case letter, then lower-case letters and digits",
        })
    }
}

impl Error for InvalidPrefix {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_prefix_is_one_that_parses() {
        assert_eq!("clv".parse(), Ok(Prefix::default()));
    }

    #[test]
    fn lengths_are_refused_outside_two_to_eight() {
        assert_eq!("a".parse::<Prefix>(), Err(InvalidPrefix::Length));
        assert_eq!("ab".parse::<Prefix>().unwrap().to_string(), "ab");
        assert_eq!("abcdefg8".parse::<Prefix>().unwrap().to_string(), "abcdefg8");
        assert_eq!("abcdefgh9".parse::<Prefix>(), Err(InvalidPrefix::Length));
    }

    #[test]
    fn characters_that_would_need_escaping_are_refused() {
        for text in ["1ab", "Abc", "a_b", "a-b", "a b", "aé", "ab\0"] {
            assert_eq!(text.parse::<Prefix>(), Err(InvalidPrefix::Character), "{text:?}");
        }
    }
}
