//! The text of a token in memory, and the four characters of it that may be shown.
//!
//! Invariant: a [`Secret`] never prints itself, is never copied by accident and is wiped when it goes. It exists
//! between `generate` and the issuing response, and in the scanner's findings; nowhere else.

use std::{error::Error, fmt, str::FromStr};

use zeroize::Zeroizing;

use crate::{TokenHash, TokenType};

/// The whole text of a well-formed token. It has no `Display`, no `Clone` and no serialization; [`Secret::expose`] is
/// the one way to the text, so that every place which shows it can be found by its name. Wiped on drop.
pub struct Secret {
    text: Zeroizing<String>,
    token_type: TokenType,
}

/// The last 4 characters of a token, shown in lists so that a person can tell tokens apart.
///
/// They belong to the checksum, so they take 23.8 bits off the secret's 190.5.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hint([u8; 4]);

/// A text that is no [`Hint`]: not exactly 4 visible ASCII characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidHint;

// === impl Secret ===

impl Secret {
    /// Takes a text that is already known to be well-formed.
    pub(crate) fn new(text: Zeroizing<String>, token_type: TokenType) -> Self {
        Self { text, token_type }
    }

    /// The plaintext. Whoever calls this hands it to its owner, once, and keeps nothing.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The type the text names.
    pub fn token_type(&self) -> TokenType {
        self.token_type
    }

    /// The last 4 characters.
    pub fn hint(&self) -> Hint {
        Hint::last_of(self.text.as_bytes())
    }

    /// SHA-256 of the text, the way to its digest.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.text.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

// === impl Hint ===

impl Hint {
    /// The hint of a well-formed token's text, which is always longer than 4 ASCII bytes.
    pub(crate) fn last_of(text: &[u8]) -> Self {
        Self(text.last_chunk().copied().unwrap_or(*b"????"))
    }

    /// The four characters.
    pub fn as_str(&self) -> &str {
        // Only ASCII gets in, so the fallback is never taken.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Hint {
    type Err = InvalidHint;

    /// Accepts any 4 visible ASCII characters, because an imported token's origin chose its alphabet.
    fn from_str(text: &str) -> Result<Self, InvalidHint> {
        let bytes: [u8; 4] = text.as_bytes().try_into().map_err(|_| InvalidHint)?;
        if bytes.iter().all(u8::is_ascii_graphic) {
            Ok(Self(bytes))
        } else {
            Err(InvalidHint)
        }
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hint({self})")
    }
}

impl fmt::Display for InvalidHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a hint is exactly 4 visible ASCII characters")
    }
}

impl Error for InvalidHint {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_itself() {
        let text = Zeroizing::new("clvp_canary".to_owned());
        let secret = Secret::new(text, TokenType::Personal);

        assert_eq!(format!("{secret:?} {secret:#?}"), "Secret(…) Secret(…)");
        assert_eq!(secret.hint().as_str(), "nary");
    }

    #[test]
    fn a_hint_is_four_visible_characters() {
        assert_eq!("aB3=".parse::<Hint>().unwrap().to_string(), "aB3=");
        for text in ["", "abc", "abcde", "ab c", "ab\u{7f}c", "éé", "a\nbc"] {
            assert_eq!(text.parse::<Hint>(), Err(InvalidHint), "{text:?}");
        }
    }
}
