//! What a password must be (ASVS 5.0 §6.2): long, not one of the common ones, and nothing else: no rules of composition.
//!
//! Compared and hashed in NFC, so that two keyboards give one password. Invariant: a [`Password`] does not print itself and is
//! wiped when it goes. Parsed at the door for new passwords; [`Password::presented`] is for one that is to be checked.

mod common;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::FieldError;

/// The shortest password, in code points.
pub const PASSWORD_MIN_CHARACTERS: usize = 12;
/// The longest password, in code points.
pub const PASSWORD_MAX_CHARACTERS: usize = 128;

/// A password in NFC.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

// === impl Password ===

impl Password {
    /// Parses a new password in `field` for the person with this address.
    ///
    /// # Errors
    /// `password_too_short`, `password_too_long`, `password_common`, `password_is_email`. None of them repeats the password.
    pub fn parse(field: &str, text: &str, email: &str) -> Result<Self, FieldError> {
        let password = Self(Zeroizing::new(text.nfc().collect()));
        let refused = |code, detail: String| Err(FieldError::new(field, code, detail));
        let characters = password.0.chars().count();
        if characters < PASSWORD_MIN_CHARACTERS {
            let detail = format!("a password has at least {PASSWORD_MIN_CHARACTERS} characters");
            return refused("password_too_short", detail);
        }
        if characters > PASSWORD_MAX_CHARACTERS {
            let detail = format!("a password has at most {PASSWORD_MAX_CHARACTERS} characters");
            return refused("password_too_long", detail);
        }
        let lower = Zeroizing::new(password.0.to_lowercase());
        if *lower == email.nfc().collect::<String>().to_lowercase() {
            let detail = "a password is not the e-mail address".to_owned();
            return refused("password_is_email", detail);
        }
        if common::is_common(&lower) {
            let detail = "this is one of the passwords that are tried first; choose another".to_owned();
            return refused("password_common", detail);
        }
        Ok(password)
    }

    /// A password as somebody presents it. One that is longer than any can be becomes the empty one, which nobody has.
    pub fn presented(text: &str) -> Self {
        let fits = text.chars().count() <= 4 * PASSWORD_MAX_CHARACTERS;
        let text: String = if fits { text.nfc().collect() } else { String::new() };
        Self(Zeroizing::new(text))
    }

    /// The bytes that are hashed. Whoever calls this keeps no copy.
    pub fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> &'static str {
        Password::parse("new", text, "ada.lovelace@example.org").map_or_else(|error| error.code, |_| "ok")
    }

    /// That many different characters.
    fn various(characters: u32) -> String {
        (0..characters)
            .filter_map(|place| char::from_u32(0x4e00 + 7 * place))
            .collect()
    }

    #[test]
    fn a_password_is_measured_in_code_points_at_both_ends() {
        assert_eq!(code("abcdefghijk"), "password_too_short");
        assert_eq!(code("fjord amber2"), "ok");
        assert_eq!(code(&various(128)), "ok");
        assert_eq!(code(&various(129)), "password_too_long");
        // What is typed as two code points and is one in NFC counts as one.
        assert_eq!(code(&format!("{}e\u{301}", various(127))), "ok");
        assert_eq!(code(&"e\u{301}".repeat(11)), "password_too_short");
    }

    #[test]
    fn nothing_is_asked_of_its_characters() {
        for text in [
            "correct horse battery staple",
            "              tab\t and space",
            "ラーメンを食べに行きましょう。",
            "0f8c21b79a4e3d56",
        ] {
            assert_eq!(code(text), "ok", "{text}");
        }
    }

    #[test]
    fn what_is_tried_first_is_refused_in_any_case() {
        for text in [
            "password1234",
            "PASSWORD1234",
            "passwordpassword",
            "qwertyuiop123",
            "123456789012",
            "aaaaaaaaaaaaa",
            "letmein2026!!",
            "claviger12345",
        ] {
            assert_eq!(code(text), "password_common", "{text}");
        }
        assert_eq!(code("Ada.Lovelace@example.org"), "password_is_email");
    }

    #[test]
    fn both_normal_forms_are_one_password() {
        let composed = Password::presented("caf\u{e9} au lait noir");
        let decomposed = Password::parse("new", "cafe\u{301} au lait noir", "x@example.org").unwrap();

        assert_eq!(composed.expose(), decomposed.expose());
        assert_eq!(Password::presented(&"x".repeat(1_000)).expose(), b"");
        assert_eq!(format!("{composed:?}"), "Password(…)");
    }
}
