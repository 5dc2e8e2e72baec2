//! The scanner finds every token, and finds the same however the stream is cut.

use claviger_token::{Prefix, TokenType, scan::Scanner};
use proptest::prelude::*;

use crate::seeded::Seeded;

/// Offset and text of each finding, and the count of bad checksums.
fn scan<'a>(prefix: &str, chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<(u64, String)>, u64) {
    let mut found = Vec::new();
    let mut scanner = Scanner::new(prefix.parse::<Prefix>().unwrap());
    for chunk in chunks {
        scanner.feed(chunk, |finding| {
            assert!(finding.secret.expose().ends_with(finding.hint.as_str()));
            assert_eq!(finding.secret.token_type(), finding.token_type);
            found.push((finding.offset, finding.secret.expose().to_owned()));
        });
    }
    (found, scanner.bad_checksums())
}

/// A stream with tokens, broken tokens, heads of tokens and binary noise, and where the whole tokens are.
fn stream(seeded: &Seeded, prefix: &str, pieces: usize) -> (Vec<u8>, Vec<(u64, String)>, u64) {
    let (mut bytes, mut tokens, mut broken) = (Vec::new(), Vec::new(), 0);
    for _ in 0..pieces {
        let text = seeded
            .token(prefix, TokenType::ALL[seeded.below(4)])
            .expose()
            .to_owned();
        match seeded.below(5) {
            0 | 1 => {
                tokens.push((u64::try_from(bytes.len()).unwrap(), text.clone()));
                bytes.extend(text.as_bytes());
            }
            2 => {
                broken += 1;
                let mut text = text.into_bytes();
                text[prefix.len() + 4] = if text[prefix.len() + 4] == b'x' {
                    b'y'
                } else {
                    b'x'
                };
                bytes.extend(text);
                // Ends the run: what follows cannot be taken for its last characters.
                bytes.push(b'"');
            }
            3 => bytes.extend(&text.as_bytes()[..seeded.below(text.len() - 6)]),
            _ => bytes.extend((0..seeded.below(100)).map(|_| seeded.next().to_le_bytes()[0])),
        }
    }
    (bytes, tokens, broken)
}

#[test]
fn all_tokens_are_found_in_binary_noise() {
    let seeded = Seeded::new(11);
    let (bytes, tokens, broken) = stream(&seeded, "clv", 2_000);

    let (found, bad_checksums) = scan("clv", [bytes.as_slice()]);

    assert_eq!(found, tokens);
    assert!(tokens.len() > 700);
    // A cut token followed by base62 noise counts as broken too.
    assert!(bad_checksums >= broken);
}

#[test]
fn every_single_cut_of_a_stream_gives_the_same_findings() {
    let seeded = Seeded::new(12);
    let (bytes, ..) = stream(&seeded, "ab", 20);
    let whole = scan("ab", [bytes.as_slice()]);

    for at in 0..=bytes.len() {
        assert_eq!(scan("ab", [&bytes[..at], &bytes[at..]]), whole, "cut at {at}");
    }
    assert_eq!(scan("ab", bytes.chunks(1)), whole);
}

#[test]
fn tokens_that_touch_are_all_found() {
    let seeded = Seeded::new(13);
    let texts: Vec<_> = (0..3)
        .map(|_| seeded.token("abcdefgh", TokenType::Team).expose().to_owned())
        .collect();

    let (found, _) = scan("abcdefgh", [texts.concat().as_bytes()]);

    assert_eq!(
        found,
        [
            (0, texts[0].clone()),
            (48, texts[1].clone()),
            (96, texts[2].clone())
        ]
    );
}

#[test]
fn another_installations_tokens_are_left_alone() {
    let theirs = Seeded::new(14).token("acme", TokenType::Team);

    assert_eq!(scan("clv", [theirs.expose().as_bytes()]), (vec![], 0));
}

proptest! {
    #[test]
    fn findings_do_not_depend_on_the_chunks(seed: u64, prefix in "[a-z][a-z0-9]{1,7}", largest in 1usize..200) {
        let seeded = Seeded::new(seed);
        let (bytes, ..) = stream(&seeded, &prefix, 30);
        let (mut chunks, mut rest) = (Vec::new(), bytes.as_slice());
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(seeded.below(largest + 1).min(rest.len()));
            chunks.push(chunk);
            rest = after;
        }

        prop_assert_eq!(scan(&prefix, chunks), scan(&prefix, [bytes.as_slice()]));
    }
}
