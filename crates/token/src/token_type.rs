//! The type of a token, told by one letter between prefix and underscore.
//!
//! Invariant: a released letter keeps its meaning for ever, because tokens in the wild carry it. Called from the
//! parser, from `domain` (what each type may do) and from the doors that name the type in answers.

use std::{error::Error, fmt, str::FromStr};

/// Letters that no API token may carry, kept for other credentials: `a` OAuth access token, `r` refresh token,
/// `c` client secret, `d` device code, `v` verifier credential, and the letters of [`crate::TicketKind`]. The parser refuses them as
/// [`crate::Malformed::Type`].
pub const RESERVED_LETTERS: [char; 9] = ['a', 'r', 'c', 'd', 'v', 'i', 'w', 'b', 'k'];

/// Whom a token acts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenType {
    /// Acts as the user who owns it; letter `p`.
    Personal,
    /// Acts as itself, across the organization; letter `g`.
    Global,
    /// Acts as itself, for the teams it names; letter `t`.
    Team,
    /// Acts as itself, for the services it names; letter `s`.
    Service,
}

/// A text or letter that names no token type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownTokenType;

impl TokenType {
    /// Every type, in the order of the reference documentation.
    pub const ALL: [Self; 4] = [Self::Personal, Self::Global, Self::Team, Self::Service];

    /// The letter in the token's text: `p`, `g`, `t` or `s`.
    pub const fn letter(self) -> char {
        match self {
            Self::Personal => 'p',
            Self::Global => 'g',
            Self::Team => 't',
            Self::Service => 's',
        }
    }

    /// The type a letter stands for; `None` for the [`RESERVED_LETTERS`] as for any other.
    pub const fn from_letter(letter: char) -> Option<Self> {
        match letter {
            'p' => Some(Self::Personal),
            'g' => Some(Self::Global),
            't' => Some(Self::Team),
            's' => Some(Self::Service),
            _ => None,
        }
    }

    /// The type's name in the API and in the store: `personal`, `global`, `team` or `service`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Global => "global",
            Self::Team => "team",
            Self::Service => "service",
        }
    }
}

impl FromStr for TokenType {
    type Err = UnknownTokenType;

    fn from_str(text: &str) -> Result<Self, UnknownTokenType> {
        Self::ALL
            .into_iter()
            .find(|token_type| token_type.as_str() == text)
            .ok_or(UnknownTokenType)
    }
}

impl fmt::Display for TokenType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for UnknownTokenType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a token type is `personal`, `global`, `team` or `service`")
    }
}

impl Error for UnknownTokenType {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_known_by_its_letter_and_by_its_name() {
        for token_type in TokenType::ALL {
            assert_eq!(TokenType::from_letter(token_type.letter()), Some(token_type));
            assert_eq!(token_type.to_string().parse(), Ok(token_type));
        }
    }

    #[test]
    fn reserved_letters_name_no_type() {
        for letter in RESERVED_LETTERS {
            assert_eq!(TokenType::from_letter(letter), None);
        }
        assert_eq!("verifier".parse::<TokenType>(), Err(UnknownTokenType));
    }
}
