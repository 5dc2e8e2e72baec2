//! Keys as text: 64 hexadecimal digits, in configuration and key file.

use claviger_service::keys::Key;

/// Fewer different bytes than this in 32 do not come from a random source: the chance is below 10^-24.
const FEWEST_DIFFERENT_BYTES: usize = 12;

/// Reads a key of exactly 32 bytes; `None` for anything else.
pub(crate) fn key(text: &str) -> Option<Key> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(Key::new(bytes))
}

/// Writes a key. The text is as secret as the key.
pub(crate) fn text(key: &Key) -> zeroize::Zeroizing<String> {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let mut text = zeroize::Zeroizing::new(String::with_capacity(64));
    for &byte in key.expose() {
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 15)]);
    }
    text
}

/// Whether the key was typed rather than drawn: hardly any different bytes.
pub(crate) fn is_weak(key: &Key) -> bool {
    let mut bytes = zeroize::Zeroizing::new(key.expose().to_vec());
    bytes.sort_unstable();
    bytes.dedup();
    bytes.len() < FEWEST_DIFFERENT_BYTES
}

fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        b'A'..=b'F' => Some(letter - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_text_form() {
        let bytes = std::array::from_fn(|place| u8::try_from(place * 7).unwrap());

        let written = text(&Key::new(bytes));

        assert_eq!(key(&written).unwrap().expose(), &bytes);
        assert_eq!(key(&written.to_uppercase()).unwrap().expose(), &bytes);
    }

    #[test]
    fn shorter_longer_and_other_texts_are_no_keys() {
        assert!(key(&"a".repeat(63)).is_none());
        assert!(key(&"a".repeat(66)).is_none());
        assert!(key(&"g".repeat(64)).is_none());
        assert!(key(&"é".repeat(32)).is_none());
    }

    #[test]
    fn a_typed_key_is_weak() {
        assert!(is_weak(&key(&"0".repeat(64)).unwrap()));
        assert!(is_weak(&key(&"deadbeef".repeat(8)).unwrap()));
        assert!(!is_weak(&Key::new(std::array::from_fn(|place| u8::try_from(
            place
        )
        .unwrap()))));
    }
}
