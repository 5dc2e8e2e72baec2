//! Cursors: an opaque place in a list, bound to the filter it belongs to and checked for integrity.
//!
//! The form is base64url of `tag (8 bytes) · place`, the tag an HMAC over filter and place: a caller can neither forge a place
//! nor carry it to another list. A cursor is no secret.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Error, Result};
use crate::keys::KeyRing;

const TAG: usize = 8;

/// Writes the cursor of `place` in the list that `filter` describes.
pub(crate) fn write(keys: &KeyRing, filter: &str, place: &str) -> String {
    let mut bytes = tag(keys, filter, place);
    bytes.extend_from_slice(place.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads the place of a cursor.
///
/// # Errors
/// `cursor_invalid` when it is malformed, or belongs to another filter or order.
pub(crate) fn read(keys: &KeyRing, filter: &str, cursor: &str) -> Result<String> {
    let refused = || {
        Error::field(
            "cursor",
            "cursor_invalid",
            "the cursor does not belong to this list; begin without one",
        )
    };
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
    let (given, place) = bytes.split_at_checked(TAG).ok_or_else(refused)?;
    let place = std::str::from_utf8(place).map_err(|_| refused())?;
    if aws_lc_rs::constant_time::verify_slices_are_equal(given, &tag(keys, filter, place)).is_err() {
        return Err(refused());
    }
    Ok(place.to_owned())
}

fn tag(keys: &KeyRing, filter: &str, place: &str) -> Vec<u8> {
    let message = format!("claviger cursor v1\0{}\0{filter}{place}", filter.len());
    let mut tag = keys.seal_head(message.as_bytes());
    tag.truncate(TAG);
    tag
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Key, PepperKeys};

    #[test]
    fn a_cursor_is_good_for_its_own_list_only() {
        let keys = KeyRing::new(
            PepperKeys {
                current: Key::new([1; 32]),
                previous: None,
            },
            Key::new([2; 32]),
        );
        let cursor = write(&keys, "state=live", "42");

        assert_eq!(read(&keys, "state=live", &cursor).unwrap(), "42");
        assert!(read(&keys, "state=dead", &cursor).is_err());
        assert!(read(&keys, "state=live", &cursor[..cursor.len() - 1]).is_err());
        assert!(read(&keys, "state=live", "!").is_err());
    }
}
