//! Looking for secrets in bytes, in every form in which they could have been written.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Bytes by which a needle is first recognised.
const HEAD: usize = 8;

/// Needles: every secret in every form.
pub(crate) struct Scanner {
    /// Whether some needle begins with these two bytes: most places are passed by after one look.
    pairs: Vec<bool>,
    heads: HashMap<[u8; HEAD], Vec<usize>>,
    needles: Vec<(&'static str, Vec<u8>)>,
}

impl Scanner {
    /// A scanner for these secrets.
    pub(crate) fn of<'a>(secrets: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let needles: Vec<_> = secrets.into_iter().flat_map(forms).collect();
        let mut heads: HashMap<[u8; HEAD], Vec<usize>> = HashMap::new();
        let mut pairs = vec![false; 1 << 16];
        for (place, (_, needle)) in needles.iter().enumerate() {
            pairs[pair(needle)] = true;
            heads
                .entry(*needle.first_chunk().expect("a secret is long"))
                .or_default()
                .push(place);
        }
        Self {
            pairs,
            heads,
            needles,
        }
    }

    /// The forms in which secrets were found, one per occurrence.
    pub(crate) fn hits(&self, bytes: &[u8]) -> Vec<&'static str> {
        let mut found = Vec::new();
        for (place, window) in bytes.windows(HEAD).enumerate() {
            if !self.pairs[pair(window)] {
                continue;
            }
            let Some(candidates) = self.heads.get(window) else {
                continue;
            };
            let matching = candidates.iter().map(|candidate| &self.needles[*candidate]);
            found.extend(
                matching
                    .filter(|(_, needle)| bytes[place..].starts_with(needle))
                    .map(|(form, _)| *form),
            );
        }
        found
    }

    /// The files below `directory` that hold a secret, with the forms; `skip` names files that may hold anything. Panics when
    /// fewer than `at_least` bytes were there to be read.
    pub(crate) fn files(
        &self,
        directory: &Path,
        skip: &[&str],
        at_least: usize,
    ) -> Vec<(PathBuf, Vec<&'static str>)> {
        let mut found = Vec::new();
        let mut open = vec![directory.to_owned()];
        let mut read = 0;
        while let Some(path) = open.pop() {
            if skip.iter().any(|name| path.ends_with(name)) {
                continue;
            }
            if path.is_dir() {
                open.extend(
                    std::fs::read_dir(&path)
                        .unwrap()
                        .map(|entry| entry.unwrap().path()),
                );
                continue;
            }
            // Sockets and files that went away meanwhile hold nothing.
            let Ok(bytes) = std::fs::read(&path) else { continue };
            read += bytes.len();
            let hits = self.hits(&bytes);
            if !hits.is_empty() {
                found.push((path, hits));
            }
        }
        assert!(read >= at_least, "{read} bytes below {}", directory.display());
        found
    }
}

/// Bytes in lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of a hex text.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let pairs = text
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn pair(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

/// A secret raw, in base64 at its three alignments, in hex, URL-encoded and JSON-escaped throughout.
fn forms(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let hex = hex(secret);
    let percent: String = secret.iter().map(|byte| format!("%{byte:02X}")).collect();
    let escaped: String = secret.iter().map(|byte| format!("\\u{byte:04x}")).collect();
    let mut forms = vec![
        ("raw", secret.to_vec()),
        ("hex", hex.clone().into_bytes()),
        ("upper-case hex", hex.to_uppercase().into_bytes()),
        ("URL-encoded", percent.clone().into_bytes()),
        ("URL-encoded in lower case", percent.to_lowercase().into_bytes()),
        ("JSON-escaped", escaped.into_bytes()),
        ("reversed", secret.iter().rev().copied().collect()),
    ];
    for (shift, name) in ["base64", "base64 shifted by 1", "base64 shifted by 2"]
        .into_iter()
        .enumerate()
    {
        let shifted: Vec<u8> = std::iter::repeat_n(0, shift)
            .chain(secret.iter().copied())
            .collect();
        // Characters at both ends depend on the neighbours as well.
        let inner = |text: String| {
            text.into_bytes()[if shift == 0 { 0 } else { shift + 1 }..]
                .split_last_chunk::<2>()
                .expect("long")
                .0
                .to_vec()
        };
        let standard = inner(STANDARD_NO_PAD.encode(&shifted));
        let url_safe = inner(URL_SAFE_NO_PAD.encode(&shifted));
        if standard != url_safe {
            forms.push((name, url_safe));
        }
        forms.push((name, standard));
    }
    forms
}

#[test]
fn the_scanner_finds_every_form_wherever_it_stands() {
    let secret = b"clvp_9WNZJ1Iy0SEZ4zIEaMnK5QUUfBkzZTb9w4rYbA";
    let scanner = Scanner::of([secret.as_slice()]);

    for before in ["", "x", "xy", "xyz"] {
        let text = [before.as_bytes(), secret, b"after"].concat();
        assert_eq!(scanner.hits(&text), ["raw"], "{before}");
        assert_eq!(
            scanner.hits(STANDARD_NO_PAD.encode(&text).as_bytes()).len(),
            1,
            "base64 after {before:?}"
        );
        assert_eq!(
            scanner.hits(URL_SAFE_NO_PAD.encode(&text).as_bytes()).len(),
            1,
            "base64url after {before:?}"
        );
    }
    assert!(scanner.hits(&secret[1..]).is_empty());
    assert!(scanner.hits(b"nothing to see here").is_empty());
}
