//! Identifiers: one 64-bit number per thing, one newtype per noun.
//!
//! The number is made by [`IdSequence`]: 43 bits of milliseconds, 6 bits of node, 14 bits of counter. It sorts by time of
//! creation, is eight bytes in the token index, and needs no translation between inside and outside. Outside it is written
//! as a typed prefix and 13 lower-case Crockford base32 characters: `tok_01k9zv5m3r000`. An id is a handle, never a secret.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Serialize};

use crate::Timestamp;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const TEXT_LENGTH: usize = 13;
const COUNTER_BITS: u32 = 14;
const NODE_BITS: u32 = 6;

/// The text was not an id of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MalformedId {
    /// The prefix that was expected, without the underscore.
    pub expected: &'static str,
}

impl fmt::Display for MalformedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not an id of the form `{}_…`", self.expected)
    }
}

impl std::error::Error for MalformedId {}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// The prefix of the text form, without the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// The id with this number. Every non-negative number is an id.
            pub const fn from_i64(number: i64) -> Self {
                Self(number)
            }

            /// The number, as stored.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_text(f, $prefix, self.0)
            }
        }

        impl FromStr for $name {
            type Err = MalformedId;

            fn from_str(text: &str) -> Result<Self, MalformedId> {
                parse_text($prefix, text).map(Self).ok_or(MalformedId { expected: $prefix })
            }
        }
    )+};
}

ids! {
    /// A token's record; its handle in every management call.
    TokenId = "tok";
    /// A person.
    UserId = "usr";
    /// An organization, the tenant.
    OrgId = "org";
    /// A group of people who own services.
    TeamId = "team";
    /// A thing that is deployed and breaks.
    ServiceId = "svc";
    /// Where services run.
    EnvironmentId = "env";
    /// One step of a release, in order.
    StageId = "stg";
    /// A reported deployment.
    DeploymentId = "dep";
    /// An invitation into an organization.
    InvitationId = "inv";
    /// A sign-in session of a person.
    SessionId = "ses";
    /// A place that is told of events.
    WebhookId = "whk";
    /// One event on its way to one recipient.
    DeliveryId = "dlv";
    /// A calendar that programs may read.
    CalendarFeedId = "cal";
}

/// The principal that a token acts as: a user's id for personal tokens, the token's own id for global ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OwnerId(i64);

impl OwnerId {
    /// The owner with this number.
    pub const fn from_i64(number: i64) -> Self {
        Self(number)
    }

    /// The number, as stored.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl From<UserId> for OwnerId {
    fn from(user: UserId) -> Self {
        Self(user.get())
    }
}

impl From<TokenId> for OwnerId {
    fn from(token: TokenId) -> Self {
        Self(token.get())
    }
}

/// Makes ids: unique in the process, growing, and unique between nodes that have different numbers.
#[derive(Debug)]
pub struct IdSequence {
    last: AtomicI64,
    node: i64,
}

impl IdSequence {
    /// A sequence for `node` (0–63) that starts above `last`, the greatest id in the store.
    pub const fn new(node: u8, last: i64) -> Self {
        Self {
            last: AtomicI64::new(last),
            node: (node & 0x3f) as i64,
        }
    }

    /// The least number that any node makes at this instant or later: ids below it are older.
    pub const fn first_at(instant: Timestamp) -> i64 {
        instant.millis() << (NODE_BITS + COUNTER_BITS)
    }

    /// The next id's number. It follows the clock, and never goes back when the clock does.
    pub fn next(&self, now: Timestamp) -> i64 {
        let floor = (now.millis().max(0) << (NODE_BITS + COUNTER_BITS)) | (self.node << COUNTER_BITS);
        let step = |last: i64| Some(self.after(last).max(floor));
        match self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step) {
            Ok(last) | Err(last) => self.after(last).max(floor),
        }
    }

    /// The number after `last` that still bears this node's bits: a full counter carries into the milliseconds.
    fn after(&self, last: i64) -> i64 {
        let counter_mask = (1i64 << COUNTER_BITS) - 1;
        let millis = last >> (NODE_BITS + COUNTER_BITS);
        let counter = last & counter_mask;
        if counter == counter_mask {
            ((millis + 1) << (NODE_BITS + COUNTER_BITS)) | (self.node << COUNTER_BITS)
        } else {
            (millis << (NODE_BITS + COUNTER_BITS)) | (self.node << COUNTER_BITS) | (counter + 1)
        }
    }
}

fn write_text(f: &mut fmt::Formatter<'_>, prefix: &str, number: i64) -> fmt::Result {
    let mut text = [b'0'; TEXT_LENGTH];
    let mut rest = number.cast_unsigned();
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
    }
    f.write_str(prefix)?;
    f.write_str("_")?;
    // In one piece, since every verify writes some; the alphabet is ASCII, so nothing is lost.
    f.write_str(std::str::from_utf8(&text).unwrap_or_default())
}

fn parse_text(prefix: &str, text: &str) -> Option<i64> {
    let digits = text.strip_prefix(prefix)?.strip_prefix('_')?.as_bytes();
    if digits.len() != TEXT_LENGTH {
        return None;
    }
    let mut number: u64 = 0;
    for &digit in digits {
        let value = ALPHABET.iter().position(|&letter| letter == digit)?;
        number = number.checked_mul(32)?.checked_add(u64::try_from(value).ok()?)?;
    }
    i64::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_form() {
        for number in [0, 1, 31, 32, 1 << 40, i64::MAX] {
            let id = TokenId::from_i64(number);

            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(id.to_string().len(), 4 + TEXT_LENGTH);
        }
    }

    #[test]
    fn ids_of_another_kind_or_shape_are_refused() {
        let text = UserId::from_i64(7).to_string();

        assert!(text.parse::<TokenId>().is_err());
        assert!("tok_".parse::<TokenId>().is_err());
        assert!("tok_000000000000".parse::<TokenId>().is_err());
        assert!("tok_zzzzzzzzzzzzz".parse::<TokenId>().is_err(), "above 63 bits");
        assert!(
            "tok_000000000000U".parse::<TokenId>().is_err(),
            "upper case has no second meaning"
        );
    }

    #[test]
    fn ids_grow_even_when_the_clock_goes_back() {
        let ids = IdSequence::new(5, 0);
        let later = Timestamp::from_micros(1_790_000_000_000_000);
        let earlier = Timestamp::from_micros(1_780_000_000_000_000);

        let mut last = 0;
        for turn in 0..50_000 {
            let id = ids.next(if turn % 3 == 0 { earlier } else { later });
            assert!(id > last);
            assert_eq!((id >> COUNTER_BITS) & 0x3f, 5, "the node's bits stay");
            last = id;
        }
    }
}
