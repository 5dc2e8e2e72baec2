//! Request ids: the name of one request in the answer, the log and the audit trail.
//!
//! A client's own id (`x-request-id`) is kept when it is well-formed, so that it can follow its request through our log; else one is
//! made. An id is a name, not a secret: one draw from the random source at the start, then a counter, scrambled.

use std::sync::atomic::{AtomicU64, Ordering};

use claviger_token::{CHECKSUM_CHARS, RANDOM_CHARS, RandomSource, RandomUnavailable};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Where the id travels, in both directions.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from a client, in characters.
pub(crate) const MAX_REQUEST_ID_CHARS: usize = 128;

/// The length of an id that is made here.
pub(crate) const MADE_ID_BYTES: usize = 22;

/// The id of one request: 1–128 visible ASCII characters. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The text.
    pub fn as_str(&self) -> &str {
        // Both ways to make one admit visible ASCII only, for which `to_str` does not fail.
        self.0.to_str().unwrap_or_default()
    }

    /// The id of bytes that [`RequestIds::made`] gave or [`is_well_formed`] found good.
    pub(crate) fn from_checked(text: &[u8]) -> Self {
        Self(HeaderValue::from_bytes(text).unwrap_or(HeaderValue::from_static("req_0")))
    }

    /// The value for the answer's header.
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    /// A fixed id.
    #[cfg(test)]
    pub(crate) const fn for_test(text: &'static str) -> Self {
        Self(HeaderValue::from_static(text))
    }
}

/// Makes the ids of a process.
#[derive(Debug)]
pub(crate) struct RequestIds {
    /// 25 bits that tell processes apart, as five characters.
    process: [u8; 5],
    start: u64,
    made: AtomicU64,
}

impl RequestIds {
    /// Ids that start at a random place.
    ///
    /// # Errors
    /// When the random source gives nothing.
    pub(crate) fn new(random: &dyn RandomSource) -> Result<Self, RandomUnavailable> {
        let mut seed = [0; 16];
        random.fill(&mut seed)?;
        let number = u128::from_be_bytes(seed);
        let mut process = [0; 5];
        write_base32(&mut process, number >> 64);
        let [.., a, b, c, d, e, f, g, h] = seed;
        Ok(Self {
            process,
            start: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            made: AtomicU64::new(0),
        })
    }

    /// The client's id if it is well-formed, else a new one.
    pub(crate) fn of(&self, headers: &HeaderMap) -> RequestId {
        match headers.get(X_REQUEST_ID) {
            Some(value) if is_well_formed(value.as_bytes()) => RequestId(value.clone()),
            _ => self.next(),
        }
    }

    /// A new id, `req_` and 18 characters. Different from all others of this process.
    pub(crate) fn next(&self) -> RequestId {
        // Only characters of the alphabet: visible ASCII.
        RequestId::from_checked(&self.made())
    }

    /// The bytes of a new id.
    pub(crate) fn made(&self) -> [u8; MADE_ID_BYTES] {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let mut text = *b"req_000000000000000000";
        text[4..9].copy_from_slice(&self.process);
        write_base32(
            &mut text[9..],
            u128::from(scrambled(self.start.wrapping_add(number))),
        );
        text
    }
}

/// A bijection of 64 bits (the finalizer of MurmurHash3), so that neighbours do not look alike in a log.
const fn scrambled(mut number: u64) -> u64 {
    number ^= number >> 33;
    number = number.wrapping_mul(0xff51_afd7_ed55_8ccd);
    number ^= number >> 33;
    number = number.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    number ^ (number >> 33)
}

fn write_base32(text: &mut [u8], mut number: u128) {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(number & 31) as usize];
        number >>= 5;
    }
}

/// Visible ASCII, not too long, and nothing that could be a token: ids are logged.
pub(crate) fn is_well_formed(value: &[u8]) -> bool {
    let visible =
        !value.is_empty() && value.len() <= MAX_REQUEST_ID_CHARS && value.iter().all(u8::is_ascii_graphic);
    visible && !resembles_token(value)
}

/// True when an underscore is followed by as many base62 characters as a token has.
fn resembles_token(value: &[u8]) -> bool {
    value.split(|&byte| byte == b'_').skip(1).any(|part| {
        let run = part
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric())
            .count();
        run >= RANDOM_CHARS + CHECKSUM_CHARS
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    struct Sevens;

    impl RandomSource for Sevens {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
            bytes.fill(7);
            Ok(())
        }
    }

    fn id_for(value: &str) -> String {
        let ids = RequestIds::new(&Sevens).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, HeaderValue::from_str(value).unwrap());
        ids.of(&headers).as_str().to_owned()
    }

    #[test]
    fn a_well_formed_id_is_kept() {
        for value in [
            "a",
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "web/1:2+3=@",
            &"x".repeat(128),
        ] {
            assert_eq!(id_for(value), value);
        }
    }

    #[test]
    fn any_other_id_is_replaced() {
        for value in [
            "",
            "two words",
            &"x".repeat(129),
            &format!("clvp_{}", "a".repeat(38)),
        ] {
            assert_eq!(id_for(value).len(), 22, "{value:?}");
        }
    }

    #[test]
    fn made_ids_differ() {
        let ids = RequestIds::new(&Sevens).unwrap();

        let made: HashSet<String> = (0..10_000).map(|_| ids.next().as_str().to_owned()).collect();

        assert_eq!(made.len(), 10_000);
        assert!(made.iter().all(|id| id.starts_with("req_") && id.len() == 22));
    }
}
