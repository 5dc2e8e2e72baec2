//! `spec/vectors/token.json`: tokens, digests and refusals that every other implementation of the grammar can check
//! itself against. Made from a written seed; `UPDATE_EXPECT=1 cargo test -p claviger-token` rewrites the file.

use std::{env, fs, path::PathBuf};

use claviger_token::{Malformed, Pepper, Prefix, Presented, RESERVED_LETTERS, TokenType};
use serde::{Deserialize, Serialize};

use crate::{grammar::hex, seeded::Seeded};

const SEED: u64 = 0x5EED_0F70_4E25;
const PEPPER_KEY: [u8; 32] = *b"pepper of the public vectors, v1";

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Vectors {
    about: String,
    pepper: PepperVector,
    tokens: Vec<TokenVector>,
    malformed: Vec<MalformedVector>,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct PepperVector {
    key: String,
    id: String,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct TokenVector {
    text: String,
    prefix: String,
    #[serde(rename = "type")]
    token_type: String,
    hint: String,
    crc32: String,
    sha256: String,
    digest: String,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct MalformedVector {
    text: String,
    prefix: String,
    reason: String,
    why: String,
}

#[test]
fn the_shared_vectors_hold() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../spec/vectors/token.json");
    let made = made_from_the_seed();
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(
            &path,
            format!("{}\n", serde_json::to_string_pretty(&made).unwrap()),
        )
        .unwrap();
    }
    let read: Vectors = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();

    let pepper = Pepper::new(PEPPER_KEY);
    assert_eq!(
        read.pepper,
        PepperVector {
            key: hex(&PEPPER_KEY),
            id: pepper.id().to_string()
        }
    );
    assert!(read.tokens.len() >= 12 && read.malformed.len() >= 20);
    for token in &read.tokens {
        check_token(&pepper, token);
    }
    for malformed in &read.malformed {
        let prefix = malformed.prefix.parse::<Prefix>().unwrap();
        let refused = Presented::parse(&prefix, &malformed.text).unwrap_err();
        assert_eq!(refused.as_str(), malformed.reason, "{malformed:?}");
    }
    assert_eq!(
        read, made,
        "run again with UPDATE_EXPECT=1 and look at the difference"
    );
}

fn check_token(pepper: &Pepper, vector: &TokenVector) {
    let prefix = vector.prefix.parse::<Prefix>().unwrap();
    let presented = Presented::parse(&prefix, &vector.text).unwrap();

    assert_eq!(presented.token_type().as_str(), vector.token_type);
    assert_eq!(presented.hint().as_str(), vector.hint);
    assert_eq!(hex(presented.hash().as_bytes()), vector.sha256);
    assert_eq!(hex(pepper.digest(&presented.hash()).as_bytes()), vector.digest);
    let covered = &vector.text[..vector.text.len() - 6];
    assert_eq!(
        format!("{:08x}", crc32fast::hash(covered.as_bytes())),
        vector.crc32
    );
}

fn made_from_the_seed() -> Vectors {
    let seeded = Seeded::new(SEED);
    let pepper = Pepper::new(PEPPER_KEY);
    let tokens = ["ab", "clv", "k9", "abcdefg8"]
        .iter()
        .flat_map(|prefix| {
            TokenType::ALL.map(|token_type| token_vector(&seeded, &pepper, prefix, token_type))
        })
        .collect();
    Vectors {
        about: "tokens of no installation, made from a public seed; see README.md".to_owned(),
        pepper: PepperVector {
            key: hex(&PEPPER_KEY),
            id: pepper.id().to_string(),
        },
        tokens,
        malformed: malformed_vectors(seeded.token("clv", TokenType::Personal).expose()),
    }
}

fn token_vector(seeded: &Seeded, pepper: &Pepper, prefix: &str, token_type: TokenType) -> TokenVector {
    let secret = seeded.token(prefix, token_type);
    let text = secret.expose().to_owned();
    TokenVector {
        prefix: prefix.to_owned(),
        token_type: token_type.to_string(),
        hint: secret.hint().to_string(),
        crc32: format!("{:08x}", crc32fast::hash(&text.as_bytes()[..text.len() - 6])),
        sha256: hex(secret.hash().as_bytes()),
        digest: hex(pepper.digest(&secret.hash()).as_bytes()),
        text,
    }
}

/// Characters of a well-formed `clv` token replaced: where, by what, and the check that must find it.
const REPLACED: &[(usize, &str, Malformed, &str)] = &[
    (0, "CLV", Malformed::Prefix, "the prefix is case-sensitive"),
    (2, "w", Malformed::Prefix, "another installation's prefix"),
    (3, "P", Malformed::Type, "the type is case-sensitive"),
    (3, "x", Malformed::Type, "no such type"),
    (4, "-", Malformed::Type, "no underscore after the type"),
    (20, "_", Malformed::Alphabet, "an underscore in the random part"),
    (20, "+", Malformed::Alphabet, "base64 is not base62"),
    (42, "=", Malformed::Alphabet, "padding in the checksum"),
    (10, "é", Malformed::Alphabet, "not ASCII, right number of bytes"),
    (36, "\0", Malformed::Alphabet, "a zero byte"),
    (37, "zzzzzz", Malformed::Checksum, "a checksum above 32 bits"),
    (
        3,
        "g",
        Malformed::Checksum,
        "another type with the same random part",
    ),
];

/// Places of one character that is changed to another digit.
const CHANGED: &[(usize, &str)] = &[
    (5, "first random character changed"),
    (36, "last random character changed"),
    (37, "first checksum character changed"),
    (42, "last checksum character changed"),
];

/// One well-formed token of prefix `clv`, spoilt in every way that the parser tells apart.
fn malformed_vectors(good: &str) -> Vec<MalformedVector> {
    let mut spoilt = wrong_lengths(good);
    for &(at, new, reason, why) in REPLACED {
        spoilt.push(MalformedVector::of(replaced(good, at, new), reason, why));
    }
    for &(at, why) in CHANGED {
        let digit = if good[at..].starts_with('a') { "b" } else { "a" };
        spoilt.push(MalformedVector::of(
            replaced(good, at, digit),
            Malformed::Checksum,
            why,
        ));
    }
    for letter in RESERVED_LETTERS {
        let text = replaced(good, 3, &letter.to_string());
        spoilt.push(MalformedVector::of(
            text,
            Malformed::Type,
            "a letter reserved for another credential",
        ));
    }
    let unequal = (6..36)
        .find(|&at| good.as_bytes()[at] != good.as_bytes()[at + 1])
        .unwrap();
    let swapped: String = good[unequal..unequal + 2].chars().rev().collect();
    let swapped = replaced(good, unequal, &swapped);
    spoilt.push(MalformedVector::of(
        swapped,
        Malformed::Checksum,
        "two neighbours swapped",
    ));
    spoilt.push(MalformedVector::of(
        good.to_lowercase(),
        Malformed::Checksum,
        "lower-cased",
    ));
    spoilt
}

fn wrong_lengths(good: &str) -> Vec<MalformedVector> {
    let short = &good[..good.len() - 1];
    let texts = [
        (String::new(), "empty"),
        (short.to_owned(), "last character missing"),
        (format!("{good}0"), "one character more"),
        (format!("{good}\n"), "a line end is not trimmed"),
        (format!(" {good}"), "a space is not trimmed"),
        (format!("{short}é"), "length counts bytes"),
        (format!("Bearer {good}"), "the scheme is not part of the token"),
    ];
    texts
        .map(|(text, why)| MalformedVector::of(text, Malformed::Length, why))
        .into()
}

/// The text with as many bytes as `new` has replaced from `at` on.
fn replaced(text: &str, at: usize, new: &str) -> String {
    format!("{}{new}{}", &text[..at], &text[at + new.len()..])
}

impl MalformedVector {
    fn of(text: String, reason: Malformed, why: &str) -> Self {
        Self {
            text,
            prefix: "clv".to_owned(),
            reason: reason.as_str().to_owned(),
            why: why.to_owned(),
        }
    }
}
