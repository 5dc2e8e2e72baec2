//! The limits of a JSON body, checked in one pass over its bytes before anything is built from them.
//!
//! The pass neither recurses nor allocates by the input: its stack ends at the allowed depth, so a million `[` cost a few bytes.
//! It is no validator: what is not JSON at all is left for the parser to refuse. Called by [`crate::json`] and the verify door.

use std::borrow::Cow;
use std::collections::BTreeSet;

/// How large and how nested a JSON body may be (security.md §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonLimits {
    /// Objects and arrays within each other. Default 64.
    pub depth: u32,
    /// Objects, arrays, strings, numbers and literals in all; keys do not count. Default 10,000.
    pub nodes: u32,
    /// Strings directly in one array. Default 1,000.
    pub strings_per_array: u32,
}

impl Default for JsonLimits {
    fn default() -> Self {
        Self {
            depth: 64,
            nodes: 10_000,
            strings_per_array: 1_000,
        }
    }
}

/// The first limit that a body breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ShapeFault {
    /// Nested too deeply.
    Depth,
    /// Too many values.
    Nodes,
    /// Too many strings in one array.
    Strings,
    /// An object names this key twice; which one counts would be anybody's guess.
    DuplicateKey(String),
}

/// An object or array that is not closed yet.
enum Open<'a> {
    Object {
        keys: BTreeSet<Cow<'a, [u8]>>,
        key_next: bool,
    },
    Array {
        strings: u32,
    },
}

/// Checks `body` against `limits`. Cost: linear in its length, times the logarithm of an object's keys.
///
/// # Errors
/// The first limit that is broken.
pub(crate) fn check(body: &[u8], limits: &JsonLimits) -> Result<(), ShapeFault> {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut nodes = 0;
    let mut at = 0;
    while let Some(&byte) = body.get(at) {
        let begins_at = at;
        at += 1;
        match byte {
            b'{' | b'[' => {
                count(&mut nodes, limits.nodes, ShapeFault::Nodes)?;
                if open.len() >= limits.depth as usize {
                    return Err(ShapeFault::Depth);
                }
                open.push(if byte == b'{' {
                    Open::Object {
                        keys: BTreeSet::new(),
                        key_next: true,
                    }
                } else {
                    Open::Array { strings: 0 }
                });
            }
            b'}' | b']' => drop(open.pop()),
            b',' => {
                if let Some(Open::Object { key_next, .. }) = open.last_mut() {
                    *key_next = true;
                }
            }
            b'"' => {
                at = end_of_string(body, at);
                string(&body[begins_at..at], &mut open, &mut nodes, limits)?;
            }
            b':' | b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => {
                count(&mut nodes, limits.nodes, ShapeFault::Nodes)?;
                at = end_of_literal(body, at);
            }
        }
    }
    Ok(())
}

fn count(counter: &mut u32, limit: u32, fault: ShapeFault) -> Result<(), ShapeFault> {
    *counter += 1;
    if *counter > limit { Err(fault) } else { Ok(()) }
}

/// A string with its quotes: a key where one is due, else a value.
fn string<'a>(
    quoted: &'a [u8],
    open: &mut [Open<'a>],
    nodes: &mut u32,
    limits: &JsonLimits,
) -> Result<(), ShapeFault> {
    match open.last_mut() {
        Some(Open::Object { keys, key_next }) if *key_next => {
            *key_next = false;
            let key = unescaped(quoted);
            if keys.contains(&key) {
                return Err(ShapeFault::DuplicateKey(
                    String::from_utf8_lossy(&key).into_owned(),
                ));
            }
            keys.insert(key);
            return Ok(());
        }
        Some(Open::Array { strings }) => {
            count(strings, limits.strings_per_array, ShapeFault::Strings)?;
        }
        _ => {}
    }
    count(nodes, limits.nodes, ShapeFault::Nodes)
}

/// The key's own characters: `"\u0061"` and `"a"` are the same key.
fn unescaped(quoted: &[u8]) -> Cow<'_, [u8]> {
    if quoted.contains(&b'\\')
        && let Ok(text) = serde_json::from_slice::<String>(quoted)
    {
        return Cow::Owned(text.into_bytes());
    }
    Cow::Borrowed(quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or(quoted))
}

/// The place after the closing quote, or the end of the body.
fn end_of_string(body: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = body.get(at) {
        at += match byte {
            b'"' => return at + 1,
            b'\\' => 2,
            _ => 1,
        };
    }
    body.len()
}

/// The place after a number, `true`, `false`, `null` or whatever stands in their stead.
fn end_of_literal(body: &[u8], at: usize) -> usize {
    let is_end = |byte: &u8| b"{}[],:\" \t\r\n".contains(byte);
    body[at..]
        .iter()
        .position(is_end)
        .map_or(body.len(), |more| at + more)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limited(body: &str) -> Result<(), ShapeFault> {
        check(body.as_bytes(), &JsonLimits::default())
    }

    #[test]
    fn the_depth_ends_at_its_limit() {
        assert_eq!(limited(&format!("{}{}", "[".repeat(64), "]".repeat(64))), Ok(()));
        assert_eq!(limited(&"[".repeat(65)), Err(ShapeFault::Depth));
        assert_eq!(limited(&r#"{"a":"#.repeat(65)), Err(ShapeFault::Depth));
    }

    #[test]
    fn a_million_brackets_are_refused_without_recursion() {
        assert_eq!(limited(&"[".repeat(1_000_000)), Err(ShapeFault::Depth));
        assert_eq!(limited(&"[]".repeat(1_000_000)), Err(ShapeFault::Nodes));
        assert_eq!(
            limited(&"]".repeat(1_000_000)),
            Ok(()),
            "not JSON; the parser says so"
        );
    }

    #[test]
    fn the_values_end_at_their_limit() {
        let numbers = |count: usize| format!("[{}]", vec!["1"; count].join(","));

        assert_eq!(limited(&numbers(9_999)), Ok(()));
        assert_eq!(
            limited(&numbers(10_000)),
            Err(ShapeFault::Nodes),
            "the array is a value too"
        );
    }

    #[test]
    fn the_strings_of_an_array_end_at_their_limit() {
        let strings = |count: usize| format!("[{}]", vec![r#""a""#; count].join(","));

        assert_eq!(limited(&strings(1_000)), Ok(()));
        assert_eq!(limited(&strings(1_001)), Err(ShapeFault::Strings));
        assert_eq!(
            limited(&format!("[{},{}]", strings(1_000), strings(1_000))),
            Ok(()),
            "each array has its own"
        );
    }

    #[test]
    fn a_key_may_stand_once_however_it_is_written() {
        let duplicate = Err(ShapeFault::DuplicateKey("a".to_owned()));

        assert_eq!(limited(r#"{"a":1,"b":{"a":2},"c":["a","a"]}"#), Ok(()));
        assert_eq!(limited(r#"{"a":1,"a":1}"#), duplicate);
        assert_eq!(limited(r#"{"a":"x","\u0061":1}"#), duplicate);
        assert_eq!(limited(r#"[{"b":[{}],"a":{},"a":1}]"#), duplicate);
    }

    #[test]
    fn brackets_and_quotes_within_strings_are_text() {
        let body = format!(r#"{{"a":"{}","b":"\"{{","c":"\\"}}"#, "[".repeat(1_000));

        assert_eq!(limited(&body), Ok(()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = check(&body, &JsonLimits { depth: 3, nodes: 20, strings_per_array: 2 });
        }

        #[test]
        fn structural_noise_does_not_make_it_panic(body in r#"[\[\]{},:"\\a1 ]{0,60}"#) {
            let _ = limited(&body);
        }
    }
}
