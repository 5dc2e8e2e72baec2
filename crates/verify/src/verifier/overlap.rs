//! Overlaps on the path of a check: when the old secret is still good, and how the first use of the new one ends it.
//!
//! Invariant: whoever is answered that the new secret is accepted has ended the overlap before, if its first use ends it.

use claviger_domain::{Timestamp, TokenId};

use super::Verifier;
use crate::index::{Hit, Look};
use crate::uses::SecretRole;

/// The secret is the old one of an overlap; `expires_at` is its own.
pub(super) const PREVIOUS: u32 = 4;
/// The secret is the new one of an overlap, or a regeneration's that was not used before.
pub(super) const SUCCESSOR: u32 = 8;
/// The overlap ends at the first use of the new secret: set on both, told by [`Overlaps`](crate::index::Overlaps).
pub(super) const UNTIL_FIRST_USE: u32 = 16;

impl Verifier {
    /// Hands over the tokens whose overlap ended at the first use of the new secret since the last call, so that the store learns of it.
    /// Cost: the tokens handed over.
    pub fn drain_first_uses(&self, tell: &mut impl FnMut(TokenId)) {
        self.overlaps.drain_ended(&mut |id| tell(TokenId::from_i64(id)));
    }

    /// True when the token's overlap ended at the first use of its new secret and the store does not know yet.
    pub fn overlap_ended(&self, token: TokenId) -> bool {
        self.overlaps.is_over(token.get())
    }

    /// Whether the old secret of an overlap is still good, whatever else is to be said of its token.
    #[cold]
    pub(super) fn look_at_overlap(&self, old: &Hit<'_>, now: Timestamp) -> Look {
        let fields = &old.snapshot.fields;
        if now.micros() >= fields.expires_at {
            return Look::Over;
        }
        if fields.flags & UNTIL_FIRST_USE == 0 {
            return Look::Open;
        }
        self.overlaps.look(fields.id, || self.index.is_current(old))
    }

    /// Before an accepted secret is answered: if it is the new one of an overlap that its first use ends, the old one stops here.
    #[inline]
    pub(super) fn end_overlap(&self, accepted: &Hit<'_>, second: u32) -> Look {
        let fields = &accepted.snapshot.fields;
        if fields.flags & (SUCCESSOR | UNTIL_FIRST_USE) != SUCCESSOR | UNTIL_FIRST_USE {
            return Look::Over;
        }
        let is_current = || self.index.is_current(accepted);
        self.overlaps.end_at_first_use(fields.id, second, is_current)
    }
}

/// What a secret is to its token, by its record's flags.
pub(super) fn role_of(flags: u32) -> SecretRole {
    if flags & PREVIOUS != 0 {
        SecretRole::Previous
    } else if flags & SUCCESSOR != 0 {
        SecretRole::Successor
    } else {
        SecretRole::Sole
    }
}
