//! Base62 as tokens use it: digits `0-9A-Za-z` in that order, so that the text sorts like the bytes.
//!
//! Invariant: every character is ASCII and a whole token is one word to a double click, a shell and a URL.
//! Called from `generate` (digits of random bytes) and `text` (alphabet and checksum).

/// The 62 digits in order of value.
pub(crate) const ALPHABET: [u8; 62] = *b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What [`VALUE`] holds for a byte that is no digit.
const NOT_A_DIGIT: u8 = 0xFF;

/// The value of each byte as a digit, or [`NOT_A_DIGIT`].
static VALUE: [u8; 256] = values();

/// Whether every byte is a digit; the time does not depend on where the first wrong byte is.
pub(crate) fn all_digits(bytes: &[u8]) -> bool {
    // Values stay below 62, so bit 7 is set by NOT_A_DIGIT alone: one OR instead of a branch per byte.
    bytes
        .iter()
        .fold(0, |seen, &byte| seen | VALUE[usize::from(byte)])
        & 0x80
        == 0
}

/// Six digits of a 32-bit number, most significant first, padded with `0` (62^6 > 2^32).
pub(crate) fn encode_u32(number: u32) -> [u8; 6] {
    let mut rest = number;
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[usize::try_from(rest % 62).unwrap_or(0)];
        rest /= 62;
    }
    digits
}

/// The number that base62 digits spell; meaningless unless [`all_digits`] holds. Ten digits fit.
pub(crate) fn decode(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |number, &digit| {
        number * 62 + u64::from(VALUE[usize::from(digit)])
    })
}

const fn values() -> [u8; 256] {
    let mut values = [NOT_A_DIGIT; 256];
    let mut value = 0u8;
    while value < 62 {
        values[ALPHABET[value as usize] as usize] = value;
        value += 1;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_encoding_at_the_edges() {
        for number in [0, 1, 61, 62, 62 * 62 - 1, u32::MAX - 1, u32::MAX] {
            assert_eq!(decode(&encode_u32(number)), u64::from(number));
        }
        assert_eq!(&encode_u32(61), b"00000z");
        assert_eq!(&encode_u32(u32::MAX), b"4gfFC3");
    }

    #[test]
    fn exactly_sixty_two_bytes_are_digits() {
        let digits = (0..=255u8).filter(|&byte| all_digits(&[byte])).count();

        assert_eq!(digits, 62);
        assert!((0..=255u8).all(|byte| all_digits(&[byte]) == byte.is_ascii_alphanumeric()));
    }
}
