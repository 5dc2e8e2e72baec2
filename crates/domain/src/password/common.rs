//! The passwords that are tried first, among those that are long enough to be one here.
//!
//! Short favourites are no danger: the least length refuses them. What is left are favourites made longer in the usual ways, and
//! those are patterns: a favourite word or two with a usual tail, one unit over and over, a walk along digits, letters or keys. The list is
//! spelled out by these patterns instead of being stored; every text that it holds is lower case.

/// Words that favourites begin with.
const HEADS: &[&str] = &[
    "password",
    "passw0rd",
    "p@ssw0rd",
    "p@ssword",
    "passwort",
    "motdepasse",
    "contrasena",
    "kennwort",
    "passphrase",
    "letmein",
    "welcome",
    "willkommen",
    "bienvenue",
    "administrator",
    "admin",
    "root",
    "superuser",
    "superadmin",
    "user",
    "guest",
    "login",
    "access",
    "secret",
    "changeme",
    "default",
    "master",
    "system",
    "server",
    "database",
    "security",
    "monkey",
    "dragon",
    "football",
    "baseball",
    "basketball",
    "superman",
    "batman",
    "spiderman",
    "pokemon",
    "starwars",
    "princess",
    "sunshine",
    "iloveyou",
    "whatever",
    "trustno1",
    "shadow",
    "michael",
    "jennifer",
    "jordan",
    "charlie",
    "thomas",
    "daniel",
    "jessica",
    "ashley",
    "computer",
    "internet",
    "google",
    "microsoft",
    "samsung",
    "facebook",
    "linkedin",
    "qwerty",
    "qwertz",
    "azerty",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1qaz2wsx",
    "qazwsx",
    "q1w2e3r4",
    "1q2w3e4r",
    "abc123",
    "abcd1234",
    "123456",
    "12345678",
    "1234567890",
    "summer",
    "winter",
    "spring",
    "autumn",
    "january",
    "october",
    "december",
    "monday",
    "friday",
    "claviger",
    "token",
    "company",
    "test",
    "testing",
    "hello",
    "helloworld",
    "demo",
    "temp",
    "temporary",
    "correcthorsebatterystaple",
];

/// What favourites are made longer with.
const TAILS: &[&str] = &[
    "",
    "1",
    "12",
    "123",
    "1234",
    "12345",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1234567890",
    "0",
    "00",
    "000",
    "0000",
    "01",
    "007",
    "11",
    "111",
    "1111",
    "321",
    "4321",
    "54321",
    "654321",
    "69",
    "99",
    "666",
    "777",
    "888",
    "999",
    "!",
    "!!",
    "!!!",
    "!1",
    "1!",
    "12!",
    "123!",
    "1234!",
    "12345!",
    "123456!",
    "@123",
    "@1234",
    "@12345",
    "#1",
    "#123",
    "*",
    "$",
    "?",
    ".",
    "abc",
    "abcd",
    "xyz",
    "me",
    "you",
    "now",
    "here",
    "forever",
];

/// Rows along which fingers walk.
const WALKS: &[&str] = &[
    "01234567890123456789012345678901234567890",
    "98765432109876543210987654321098765432109",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
    "zyxwvutsrqponmlkjihgfedcbazyxwvutsrqponmlkjihgfedcba",
    "qwertyuiopasdfghjklzxcvbnmqwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnmqwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbnazertyuiopqsdfghjklmwxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "1q2w3e4r5t6y7u8i9o0p",
];

/// The longest unit that is looked for over and over.
const UNIT_MAX_CHARACTERS: usize = 4;

/// True for a text, in lower case, that is one of the favourites. Cost: heads × heads at worst, some thousand comparisons.
pub(super) fn is_common(text: &str) -> bool {
    is_repetition(text) || WALKS.iter().any(|walk| walk.contains(text)) || is_made_of_favourites(text)
}

/// One to four characters over and over, the last time perhaps cut.
fn is_repetition(text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    (1..=UNIT_MAX_CHARACTERS).any(|unit| {
        let repeats = |(place, character): (usize, &char)| characters[place % unit] == *character;
        characters.iter().enumerate().all(repeats)
    })
}

/// One favourite or two, and a tail.
fn is_made_of_favourites(text: &str) -> bool {
    let mut rests = HEADS.iter().filter_map(|head| text.strip_prefix(head));
    rests.any(|rest| {
        let mut after_two = HEADS.iter().filter_map(|head| rest.strip_prefix(head));
        is_tail(rest) || after_two.any(is_tail)
    })
}

/// A usual tail, or a year with or without a mark or two behind it.
fn is_tail(text: &str) -> bool {
    if TAILS.contains(&text) {
        return true;
    }
    let year = text.trim_end_matches(['!', '.', '?', '#', '*']);
    text.len() - year.len() <= 2
        && year
            .parse::<u16>()
            .is_ok_and(|year| (1900..=2099).contains(&year))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::password::PASSWORD_MIN_CHARACTERS;

    /// The list that the patterns stand for, without repetitions and walks.
    fn favourites() -> HashSet<String> {
        let years: Vec<String> = (1900..=2099).map(|year: u16| year.to_string()).collect();
        let tails: Vec<&str> = TAILS
            .iter()
            .copied()
            .chain(years.iter().map(String::as_str))
            .collect();
        let firsts = HEADS.iter().map(|head| (*head).to_owned());
        let pairs = HEADS
            .iter()
            .flat_map(|first| HEADS.iter().map(move |second| format!("{first}{second}")));
        firsts
            .chain(pairs)
            .flat_map(|head| tails.iter().map(move |tail| format!("{head}{tail}")))
            .filter(|text| text.chars().count() >= PASSWORD_MIN_CHARACTERS)
            .collect()
    }

    #[test]
    fn the_list_is_longer_than_3000_and_all_of_it_is_refused() {
        let favourites = favourites();

        assert!(favourites.len() > 3_000, "{}", favourites.len());
        for text in favourites.iter().step_by(101) {
            assert!(is_common(text), "{text}");
        }
    }

    #[test]
    fn every_word_is_lower_case_or_it_would_never_be_found() {
        for word in HEADS.iter().chain(TAILS).chain(WALKS) {
            assert_eq!(*word, word.to_lowercase());
        }
    }

    #[test]
    fn a_favourite_inside_something_else_is_fine() {
        for text in [
            "my password is long",
            "password-of-the-lighthouse",
            "20260101aeolian",
            "abcabcabdabc",
        ] {
            assert!(!is_common(text), "{text}");
        }
    }
}
