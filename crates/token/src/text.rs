//! The text of a token as a caller presents it: well-formed or not, decided without a look-up and without allocating.
//!
//! Invariant: only an untouched token passes: CRC32 finds every edit of one character and every swap of two
//! neighbours. Called from every door before anything else, so a malformed text must cost next to nothing.

use std::{error::Error, fmt};

use zeroize::Zeroizing;

use crate::{Hint, Prefix, Secret, TokenHash, TokenType, base62};

/// Characters of the random part: 32 × log2(62) = 190.5 bits.
pub const RANDOM_CHARS: usize = 32;

/// Characters of the checksum, base62 of the CRC32 (IEEE) of all before it.
pub const CHECKSUM_CHARS: usize = 6;

/// The longest token, in bytes: 8 of prefix, the type, `_`, 38. At most 55 fit in one SHA-256 block.
pub const MAX_TOKEN_BYTES: usize = Prefix::MAX_BYTES + 2 + RANDOM_CHARS + CHECKSUM_CHARS;

const _: () = assert!(MAX_TOKEN_BYTES <= 55, "a token must stay one SHA-256 block");

/// A presented text that is a well-formed token of this installation. Whether it was ever issued is another question.
///
/// ```
/// use claviger_token::{Malformed, Prefix, Presented};
///
/// let refused = Presented::parse(&Prefix::default(), "clvp_tooshort");
/// assert_eq!(refused.unwrap_err(), Malformed::Length);
/// ```
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    text: &'a str,
    token_type: TokenType,
}

/// Why a text is not a token of this installation. For the owner's log; outside, all of them look alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Malformed {
    /// Not the length that the prefix prescribes.
    Length,
    /// Another installation's prefix, or none.
    Prefix,
    /// No known type letter followed by `_`; reserved letters included.
    Type,
    /// Something else than base62 in the random part or the checksum.
    Alphabet,
    /// All looks right, but a character was changed, swapped or mistyped.
    Checksum,
}

// === impl Presented ===

impl<'a> Presented<'a> {
    /// Checks length, prefix, type, alphabet and checksum, in this order; cheap checks refuse first. Does not trim.
    ///
    /// # Errors
    /// [`Malformed`], the first check that failed.
    pub fn parse(prefix: &Prefix, text: &'a str) -> Result<Self, Malformed> {
        let token_type = check(prefix, text.as_bytes())?;
        Ok(Self { text, token_type })
    }

    /// The type the text names.
    pub fn token_type(&self) -> TokenType {
        self.token_type
    }

    /// The last 4 characters.
    pub fn hint(&self) -> Hint {
        Hint::last_of(self.text.as_bytes())
    }

    /// SHA-256 of the whole text; one compression.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.text.as_bytes())
    }

    /// An owned, self-wiping copy, for a program that must keep the token it was given.
    pub fn to_secret(&self) -> Secret {
        Secret::new(Zeroizing::new(self.text.to_owned()), self.token_type)
    }
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Presented({}, …{})", self.token_type, self.hint())
    }
}

/// Bytes of any token with this prefix.
pub(crate) fn token_bytes(prefix: &Prefix) -> usize {
    prefix.len() + 2 + RANDOM_CHARS + CHECKSUM_CHARS
}

/// The grammar itself. Bytes that pass are all ASCII.
pub(crate) fn check(prefix: &Prefix, text: &[u8]) -> Result<TokenType, Malformed> {
    if text.len() != token_bytes(prefix) {
        return Err(Malformed::Length);
    }
    let (head, rest) = text.split_at(prefix.len());
    if head != prefix.as_bytes() {
        return Err(Malformed::Prefix);
    }
    let [letter, b'_', tail @ ..] = rest else {
        return Err(Malformed::Type);
    };
    let token_type = TokenType::from_letter(char::from(*letter)).ok_or(Malformed::Type)?;
    if !base62::all_digits(tail) {
        return Err(Malformed::Alphabet);
    }
    let (covered, digits) = text.split_at(text.len() - CHECKSUM_CHARS);
    if base62::decode(digits) != u64::from(checksum(covered)) {
        return Err(Malformed::Checksum);
    }
    Ok(token_type)
}

/// CRC32 (IEEE 802.3, reflected) of everything before the checksum. It is public knowledge and protects nothing.
pub(crate) fn checksum(covered: &[u8]) -> u32 {
    crc32fast::hash(covered)
}

// === impl Malformed ===

impl Malformed {
    /// Every reason, in the order of the checks.
    pub const ALL: [Self; 5] = [
        Self::Length,
        Self::Prefix,
        Self::Type,
        Self::Alphabet,
        Self::Checksum,
    ];

    /// The reason's stable name: `length`, `prefix`, `type`, `alphabet` or `checksum`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Prefix => "prefix",
            Self::Type => "type",
            Self::Alphabet => "alphabet",
            Self::Checksum => "checksum",
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "the text has not the length of a token",
            Self::Prefix => "the text does not begin with this installation's prefix",
            Self::Type => "the text names no known token type",
            Self::Alphabet => "the text holds a character that no token has",
            Self::Checksum => "the checksum does not match, so a character was changed",
        })
    }
}

impl Error for Malformed {}
