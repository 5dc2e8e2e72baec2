//! Texts that people give: names, descriptions, e-mail addresses, labels. Parsed once, in one normal form.
//!
//! A name is kept in NFC as it was written, and compared by its [`NameKey`] (NFKC, lower case), so that two spellings that
//! look alike are one name. Control and bidirectional characters are refused everywhere: they make a text look like another.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use crate::FieldError;

/// The longest name, in characters.
pub const NAME_MAX_CHARACTERS: usize = 128;
/// The shortest name of a token, in characters.
pub const NAME_MIN_CHARACTERS: usize = 3;
/// The longest description, in characters.
pub const DESCRIPTION_MAX_CHARACTERS: usize = 350;
/// The longest reason or label, in characters.
pub const LABEL_MAX_CHARACTERS: usize = 128;
/// The longest e-mail address, in bytes (RFC 5321 §4.5.3.1.3).
pub const EMAIL_MAX_BYTES: usize = 254;

/// A token's name: 3–128 characters, one line, NFC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

/// A name's normal form, by which uniqueness is judged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameKey(String);

/// A description: at most 350 characters, line breaks allowed, NFC. Empty is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Description(String);

/// A short text of one line: 1–128 characters, NFC. Reasons, services, environments, versions, references.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(String);

/// An e-mail address, checked for its shape only: whether it reaches somebody, a message shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

macro_rules! text {
    ($($name:ident),+) => {$(
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, owned.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

text!(Name, NameKey, Description, Label, Email);

impl Name {
    /// Parses the name in `field`. Space at the ends is dropped.
    ///
    /// # Errors
    /// `name_too_short`, `name_too_long`, `text_control_character`, `text_bidirectional_character`.
    pub fn parse(field: &str, text: &str) -> Result<Self, FieldError> {
        let text = normalized(field, text.trim(), false)?;
        let characters = text.chars().count();
        if characters < NAME_MIN_CHARACTERS {
            return Err(FieldError::new(
                field,
                "name_too_short",
                format!("a name has at least {NAME_MIN_CHARACTERS} characters"),
            ));
        }
        if characters > NAME_MAX_CHARACTERS {
            return Err(FieldError::new(
                field,
                "name_too_long",
                format!("a name has at most {NAME_MAX_CHARACTERS} characters"),
            ));
        }
        Ok(Self(text))
    }

    /// The form in which names are compared.
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.0)
    }
}

impl NameKey {
    /// The normal form of any text: NFKC, lower case, NFKC again (lower-casing can undo the form). For ASCII, which is in that form, it
    /// is lower case alone.
    pub fn of(text: &str) -> Self {
        if text.is_ascii() {
            return Self(text.to_ascii_lowercase());
        }
        Self(text.nfkc().flat_map(char::to_lowercase).nfkc().collect())
    }
}

impl Description {
    /// Parses the description in `field`.
    ///
    /// # Errors
    /// `description_too_long`, `text_control_character`, `text_bidirectional_character`.
    pub fn parse(field: &str, text: &str) -> Result<Self, FieldError> {
        let text = normalized(field, text.trim(), true)?;
        if text.chars().count() > DESCRIPTION_MAX_CHARACTERS {
            let detail = format!("a description has at most {DESCRIPTION_MAX_CHARACTERS} characters");
            return Err(FieldError::new(field, "description_too_long", detail));
        }
        Ok(Self(text))
    }
}

impl Label {
    /// Parses the short text in `field`.
    ///
    /// # Errors
    /// `text_empty`, `text_too_long`, `text_control_character`, `text_bidirectional_character`.
    pub fn parse(field: &str, text: &str) -> Result<Self, FieldError> {
        let text = normalized(field, text.trim(), false)?;
        if text.is_empty() {
            return Err(FieldError::new(
                field,
                "text_empty",
                "this field may not be empty",
            ));
        }
        if text.chars().count() > LABEL_MAX_CHARACTERS {
            return Err(FieldError::new(
                field,
                "text_too_long",
                format!("at most {LABEL_MAX_CHARACTERS} characters"),
            ));
        }
        Ok(Self(text))
    }

    /// The form in which labels that must be unique are compared.
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.0)
    }
}

impl Email {
    /// Parses the address in `field`: one `@`, something before it, a domain after it, no space, at most 254 bytes.
    ///
    /// # Errors
    /// `email_invalid`, and those of every text.
    pub fn parse(field: &str, text: &str) -> Result<Self, FieldError> {
        let text = normalized(field, text.trim(), false)?;
        let shaped = text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && !domain.is_empty()
                && !domain.contains('@')
                && !domain.starts_with('.')
                && !domain.ends_with('.')
                && !text.contains(char::is_whitespace)
        });
        if !shaped || text.len() > EMAIL_MAX_BYTES {
            return Err(FieldError::new(
                field,
                "email_invalid",
                "not an e-mail address such as `ada@example.org`",
            ));
        }
        Ok(Self(text))
    }

    /// The form in which addresses are compared.
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.0)
    }
}

/// The text in NFC, refused when it holds a control or bidirectional character.
fn normalized(field: &str, text: &str, lines: bool) -> Result<String, FieldError> {
    for character in text.chars() {
        let allowed_break = lines && matches!(character, '\n' | '\t');
        if is_control(character) && !allowed_break {
            let detail = format!(
                "the control character U+{:04X} is not allowed",
                u32::from(character)
            );
            return Err(FieldError::new(field, "text_control_character", detail));
        }
        if is_bidirectional(character) {
            let detail = format!(
                "the bidirectional character U+{:04X} is not allowed",
                u32::from(character)
            );
            return Err(FieldError::new(field, "text_bidirectional_character", detail));
        }
    }
    Ok(text.nfc().collect())
}

/// Control characters, line and paragraph separators, and the invisible ones that make two names look alike.
fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The explicit formatting characters of UAX #9 §2.
fn is_bidirectional(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_measured_in_characters_at_both_ends() {
        assert_eq!(Name::parse("name", "ab").unwrap_err().code, "name_too_short");
        assert!(Name::parse("name", "äöü").is_ok());
        assert!(Name::parse("name", &"ß".repeat(128)).is_ok());
        assert_eq!(
            Name::parse("name", &"a".repeat(129)).unwrap_err().code,
            "name_too_long"
        );
    }

    #[test]
    fn characters_that_disguise_a_name_are_refused() {
        for (text, code) in [
            ("ci\u{0}bot", "text_control_character"),
            ("ci\nbot", "text_control_character"),
            ("ci\u{200b}bot", "text_control_character"),
            ("ci\u{202e}bot", "text_bidirectional_character"),
            ("ci\u{2067}bot", "text_bidirectional_character"),
        ] {
            assert_eq!(Name::parse("name", text).unwrap_err().code, code, "{text:?}");
        }
    }

    #[test]
    fn spellings_that_look_alike_are_one_name() {
        let key = |text| Name::parse("name", text).unwrap().key();

        assert_eq!(key("Release Bot"), key("release bot"));
        assert_eq!(key("cafe\u{301}"), key("café"));
        assert_eq!(key("ﬁle"), key("file"));
        assert_ne!(key("release-bot"), key("release bot"));
    }

    #[test]
    fn ascii_has_the_normal_form_of_every_text() {
        for byte in 0..=0x7f_u8 {
            let text = char::from(byte).to_string();
            let long: String = text.nfkc().flat_map(char::to_lowercase).nfkc().collect();

            assert_eq!(NameKey::of(&text).as_str(), long, "{text:?}");
        }
    }

    #[test]
    fn descriptions_may_have_lines_and_be_empty() {
        assert!(Description::parse("description", "two\nlines").is_ok());
        assert!(Description::parse("description", "").is_ok());
        assert!(Description::parse("description", &"x".repeat(351)).is_err());
    }

    #[test]
    fn addresses_have_a_local_part_and_a_domain() {
        assert!(Email::parse("email", "ada@example.org").is_ok());
        for text in ["ada", "@x", "ada@", "a@b@c", "ada @x.org", "ada@.org"] {
            assert_eq!(
                Email::parse("email", text).unwrap_err().code,
                "email_invalid",
                "{text}"
            );
        }
    }
}
