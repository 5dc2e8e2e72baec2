//! Secrets that are no API tokens: invitations and password resets, which travel in a link and are used once, calendar feeds, which travel in
//! a link too, and the secret of a sign-in session, which lives in a browser's cookie.
//!
//! A ticket has the grammar of a token with a letter that no token has, so a reader and a scanner know it by its head, and a
//! ticket presented as a token is malformed. Invariant: it is digested like a token and never stored. Called by `service`.

use std::fmt;

use zeroize::Zeroizing;

use crate::{
    Prefix, RandomSource, RandomUnavailable, TokenHash, base62,
    generate::push_random_chars,
    text::{CHECKSUM_CHARS, RANDOM_CHARS, checksum},
};

/// What a ticket is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TicketKind {
    /// Joining an organization; letter `i`.
    Invitation,
    /// Choosing a new password; letter `w`.
    PasswordReset,
    /// Acting as the person who signed in with this browser; letter `b`.
    Session,
    /// Reading a calendar feed, until it is ended; letter `k`.
    CalendarFeed,
}

/// The whole text of a well-formed ticket. It does not print itself, cannot be copied, and is wiped on drop.
pub struct Ticket {
    text: Zeroizing<String>,
    kind: TicketKind,
}

/// Makes a ticket of this kind: 190.5 bits from `random`, checksum appended.
///
/// # Errors
/// As [`crate::generate()`].
pub fn generate_ticket(
    prefix: &Prefix,
    kind: TicketKind,
    random: &dyn RandomSource,
) -> Result<Ticket, RandomUnavailable> {
    // Reserved once at its final size: a String that grew would leave its old buffer unwiped.
    let mut text = Zeroizing::new(String::with_capacity(size(prefix)));
    text.push_str(prefix.as_str());
    text.push(kind.letter());
    text.push('_');
    push_random_chars(&mut text, random)?;
    let checksum = base62::encode_u32(checksum(text.as_bytes()));
    text.extend(checksum.iter().map(|&digit| char::from(digit)));
    Ok(Ticket { text, kind })
}

// === impl TicketKind ===

impl TicketKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::Invitation,
        Self::PasswordReset,
        Self::Session,
        Self::CalendarFeed,
    ];

    /// The letter in the ticket's text.
    pub const fn letter(self) -> char {
        match self {
            Self::Invitation => 'i',
            Self::PasswordReset => 'w',
            Self::Session => 'b',
            Self::CalendarFeed => 'k',
        }
    }
}

// === impl Ticket ===

impl Ticket {
    /// Reads a presented text; `None` when it is no ticket of this kind and installation. Does not trim.
    pub fn parse(prefix: &Prefix, kind: TicketKind, text: &str) -> Option<Self> {
        let mark = format!("{prefix}{}_", kind.letter());
        let tail = text.strip_prefix(&mark).filter(|_| text.len() == size(prefix))?;
        // Only ASCII passes, so the cut below is between characters.
        if !base62::all_digits(tail.as_bytes()) {
            return None;
        }
        let (covered, digits) = text.split_at(text.len() - CHECKSUM_CHARS);
        let is_intact = base62::decode(digits.as_bytes()) == u64::from(checksum(covered.as_bytes()));
        is_intact.then(|| Self {
            text: Zeroizing::new(text.to_owned()),
            kind,
        })
    }

    /// The plaintext. Whoever calls this hands it over, once, and keeps nothing.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What it is good for.
    pub const fn kind(&self) -> TicketKind {
        self.kind
    }

    /// SHA-256 of the text, the way to its digest.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.text.as_bytes())
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({:?}, …)", self.kind)
    }
}

/// Bytes of any ticket with this prefix.
fn size(prefix: &Prefix) -> usize {
    prefix.len() + 2 + RANDOM_CHARS + CHECKSUM_CHARS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Malformed, Presented, RESERVED_LETTERS, TokenType};

    struct Constant(u8);

    impl RandomSource for Constant {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
            bytes.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn a_ticket_is_read_as_its_own_kind_only() {
        let prefix = Prefix::default();
        for kind in TicketKind::ALL {
            let ticket = generate_ticket(&prefix, kind, &Constant(7)).unwrap();

            for read in TicketKind::ALL {
                let parsed = Ticket::parse(&prefix, read, ticket.expose());
                assert_eq!(parsed.is_some(), read == kind);
            }
            assert_eq!(
                Presented::parse(&prefix, ticket.expose()).unwrap_err(),
                Malformed::Type
            );
            assert!(RESERVED_LETTERS.contains(&kind.letter()));
            assert_eq!(TokenType::from_letter(kind.letter()), None);
        }
    }

    #[test]
    fn a_changed_ticket_is_none() {
        let prefix = Prefix::default();
        let ticket = generate_ticket(&prefix, TicketKind::Invitation, &Constant(7)).unwrap();
        let text = ticket.expose();

        for (place, letter) in text.char_indices() {
            let mut changed = text.to_owned();
            changed.replace_range(place..=place, if letter == '8' { "9" } else { "8" });
            assert!(
                Ticket::parse(&prefix, TicketKind::Invitation, &changed).is_none(),
                "{place}"
            );
        }
        for other in ["", &text[1..], &format!("{text}0"), &text.replace('7', "é")] {
            assert!(Ticket::parse(&prefix, TicketKind::Invitation, other).is_none());
        }
    }

    #[test]
    fn a_ticket_does_not_print_itself() {
        let ticket = generate_ticket(&Prefix::default(), TicketKind::PasswordReset, &Constant(7)).unwrap();

        assert_eq!(format!("{ticket:?}"), "Ticket(PasswordReset, …)");
    }
}
