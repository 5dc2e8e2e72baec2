//! The grammar holds for every token, and no small mistake in one goes unseen.

use std::collections::HashSet;

use claviger_token::{Malformed, Pepper, Prefix, Presented, RANDOM_CHARS, TokenHash, TokenType};
use proptest::prelude::*;

use crate::seeded::Seeded;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn parse(prefix: &str, text: &str) -> Result<TokenType, Malformed> {
    Presented::parse(&prefix.parse::<Prefix>().unwrap(), text).map(|presented| presented.token_type())
}

fn any_type() -> impl Strategy<Value = TokenType> {
    prop::sample::select(TokenType::ALL.as_slice())
}

proptest! {
    #[test]
    fn what_is_generated_parses(seed: u64, prefix in "[a-z][a-z0-9]{1,7}", token_type in any_type()) {
        let secret = Seeded::new(seed).token(&prefix, token_type);
        let installation = prefix.parse::<Prefix>().unwrap();
        let presented = Presented::parse(&installation, secret.expose()).unwrap();

        prop_assert_eq!(presented.token_type(), token_type);
        prop_assert_eq!(secret.token_type(), token_type);
        prop_assert_eq!(presented.hint(), secret.hint());
        prop_assert!(secret.expose().ends_with(secret.hint().as_str()));
        prop_assert!(presented.hash().as_bytes() == secret.hash().as_bytes());
        prop_assert!(presented.to_secret().expose() == secret.expose());
        prop_assert!(secret.expose().len() <= 48);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,60}", prefix in "[a-z][a-z0-9]{1,7}") {
        let _ = parse(&prefix, &text);
        let _ = parse(&prefix, &format!("{prefix}p_{text}"));
    }

    #[test]
    fn another_installations_token_is_refused(seed: u64, token_type in any_type()) {
        let theirs = Seeded::new(seed).token("abc", token_type);

        prop_assert_eq!(parse("clv", theirs.expose()), Err(Malformed::Prefix));
        prop_assert_eq!(parse("ab", theirs.expose()), Err(Malformed::Length));
    }
}

#[test]
fn every_edit_of_one_character_is_found() {
    let seeded = Seeded::new(1);
    for token_type in TokenType::ALL {
        let text = seeded.token("clv", token_type).expose().as_bytes().to_vec();
        for at in 0..text.len() {
            for byte in 0..128u8 {
                let mut edited = text.clone();
                edited[at] = byte;
                let refused = parse("clv", &String::from_utf8(edited).unwrap()).is_err();

                assert_eq!(refused, byte != text[at], "byte {byte} at {at}");
            }
        }
    }
}

#[test]
fn every_swap_of_neighbours_is_found() {
    let seeded = Seeded::new(2);
    for _ in 0..1_000 {
        let text = seeded
            .token("clv", TokenType::Personal)
            .expose()
            .as_bytes()
            .to_vec();
        for at in 0..text.len() - 1 {
            let mut swapped = text.clone();
            swapped.swap(at, at + 1);
            let accepted = parse("clv", &String::from_utf8(swapped.clone()).unwrap()).is_ok();

            assert_eq!(accepted, swapped == text, "swap at {at}");
        }
    }
}

#[test]
fn a_token_cut_or_lengthened_by_one_character_is_refused() {
    let secret = Seeded::new(3).token("clv", TokenType::Team);
    let text = secret.expose();

    assert_eq!(parse("clv", &text[1..]), Err(Malformed::Length));
    assert_eq!(parse("clv", &text[..text.len() - 1]), Err(Malformed::Length));
    assert_eq!(parse("clv", &format!("{text} ")), Err(Malformed::Length));
    assert_eq!(parse("clv", ""), Err(Malformed::Length));
}

/// χ² over a million characters: 61 degrees of freedom, 99.9 % of fair sources stay below 100.9 and above 32.5.
#[test]
fn a_million_random_characters_are_uniform() {
    let seeded = Seeded::new(0x0C1A_71E5);
    let mut counts = [0u32; 128];
    for _ in 0..1_000_000 / RANDOM_CHARS {
        let secret = seeded.token("clv", TokenType::Global);
        for byte in secret.expose().bytes().skip("clvg_".len()).take(RANDOM_CHARS) {
            counts[usize::from(byte)] += 1;
        }
    }
    let expected = 1_000_000.0 / 62.0;
    let chi_squared: f64 = BASE62
        .iter()
        .map(|&digit| (f64::from(counts[usize::from(digit)]) - expected).powi(2) / expected)
        .sum();

    assert_eq!(counts.iter().sum::<u32>(), 1_000_000);
    assert!((32.5..100.9).contains(&chi_squared), "χ² = {chi_squared:.1}");
}

#[test]
fn digests_of_a_hundred_thousand_tokens_all_differ() {
    let seeded = Seeded::new(4);
    let (one, other) = (Pepper::new([1; 32]), Pepper::new([2; 32]));
    let mut keys = HashSet::new();
    for _ in 0..50_000 {
        let hash = seeded.token("clv", TokenType::Service).hash();
        keys.insert(one.digest(&hash).index_key());
        keys.insert(other.digest(&hash).index_key());
    }

    assert_eq!(keys.len(), 100_000);
    assert_ne!(one.id(), other.id());
}

/// RFC 4231 has no case with a key of 32 bytes; this one was computed with another implementation (Python's `hmac`).
#[test]
fn a_digest_is_hmac_sha256_of_the_sha256_of_the_text() {
    let digest =
        Pepper::new(*b"0123456789abcdef0123456789abcdef").digest(&TokenHash::of(b"what do ya want?"));

    assert_eq!(
        hex(digest.as_bytes()),
        "59155d8560ff2579113559cc35d063417f1c7361edb1e8a2ceba2130b41a1851"
    );
}

#[test]
fn nothing_prints_a_key_or_a_whole_digest() {
    let pepper = Pepper::new([0xAB; 32]);
    let hash = TokenHash::of(b"secret");
    let digest = pepper.digest(&hash);

    assert_eq!(format!("{pepper:?}"), format!("Pepper({}, …)", pepper.id()));
    assert_eq!(format!("{hash:?}"), "TokenHash(…)");
    assert_eq!(format!("{digest:?}").len(), "Digest(00000000…)".len());
    assert_eq!(pepper.id().to_string(), format!("{:08x}", pepper.id().get()));
}

#[test]
fn digests_are_equal_when_all_their_bytes_are() {
    let digest = Pepper::new([5; 32]).digest(&TokenHash::of(b"x"));
    for at in 0..32 {
        let mut bytes = *digest.as_bytes();
        bytes[at] ^= 1;

        assert_ne!(claviger_token::Digest::from_bytes(bytes), digest);
    }
    assert_eq!(claviger_token::Digest::from_slice(digest.as_bytes()), Ok(digest));
    assert!(claviger_token::Digest::from_slice(&digest.as_bytes()[1..]).is_err());
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
