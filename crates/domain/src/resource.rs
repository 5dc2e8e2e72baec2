//! Resources: what an organization's own actions are done to, and how a role assignment names them.
//!
//! Claviger's own kinds (`deployments`, `tokens`, …) are governed by scopes; an organization's (`applications`, `cluster`, …) by roles.
//! A resource has a kind, a place and a name; a name has segments (`c1/ns1/apps/Deployment/web`), so that one pattern can mean all of a
//! namespace. Invariant: texts are compared in their normal form only, and no text but an explicit `*` means "all".

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::authority::Place;
use crate::name::NameKey;
use crate::{FieldError, Scope, Sorted};

/// The longest kind, action or role name, in bytes.
pub const WORD_MAX_BYTES: usize = 64;
/// The longest resource name or pattern, in bytes of its normal form.
pub const RESOURCE_NAME_MAX_BYTES: usize = 256;
/// The most segments of a resource name.
pub const MAX_SEGMENTS: usize = 8;

/// The name of a kind or an action: 1–64 of `a-z 0-9 - . _`, a letter first. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(Arc<str>);

/// A resource's name in its normal form: segments between slashes, none of them empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceName(NameKey);

/// Names that are alike, in normal form: each segment is a text or `*`, which stands for any one segment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern {
    text: Box<str>,
    /// True when a segment stands for any.
    has_any: bool,
}

/// A segment of a pattern that stands for any one segment.
const ANY: &str = "*";

/// Which names: all, or those that match a pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Names {
    /// `*`: every name, and what has none.
    All,
    /// These and no others.
    Listed(Sorted<Pattern>),
}

/// Something that someone wants to do to something.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The action.
    pub action: &'a str,
    /// The kind of the resource.
    pub kind: &'a str,
    /// Where the resource is.
    pub place: Place,
    /// Its name.
    pub name: Option<&'a ResourceName>,
    governed: Governed,
}

/// What decides about a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Governed {
    /// A scope: the kind is one of Claviger's own.
    ByScope(Scope),
    /// Nothing: the kind is one of Claviger's own and has no such action.
    ByNothing,
    /// Roles.
    ByRoles,
}

// === impl Word ===

impl Word {
    /// Parses the word in `field`.
    ///
    /// # Errors
    /// `word_malformed`.
    pub fn parse(field: &str, text: &str) -> Result<Self, FieldError> {
        let fits = text.len() <= WORD_MAX_BYTES
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte));
        if fits {
            return Ok(Self(text.into()));
        }
        let detail = format!("1–{WORD_MAX_BYTES} of a–z, 0–9, `-`, `.` and `_`, a letter first");
        Err(FieldError::new(field, "word_malformed", detail))
    }

    /// A word of this program.
    pub(crate) fn known(text: &'static str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse("word", &text).map_err(|error| de::Error::custom(error.detail))
    }
}

impl Borrow<str> for Word {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl ResourceName ===

impl ResourceName {
    /// Parses the name in `field`.
    ///
    /// # Errors
    /// `resource_name_malformed`: empty, too long, an empty segment, too many segments; `resource_name_ambiguous` for a character that
    /// becomes `*` or `/`.
    pub fn parse(field: &str, text: &str) -> Result<Self, FieldError> {
        let key = normal(field, text)?;
        segments(field, key.as_str())?;
        Ok(Self(key))
    }
}

/// The normal form, unless it has more `*` or `/` than the text: characters that only look like them, such as `＊` and `／`, must not
/// become a wildcard or part a segment in two.
fn normal(field: &str, text: &str) -> Result<NameKey, FieldError> {
    let key = NameKey::of(text);
    for sign in ['*', '/'] {
        if key.as_str().matches(sign).count() != text.matches(sign).count() {
            let detail = format!(
                "a character that looks like `{sign}` would become one; write `{sign}` or another character"
            );
            return Err(FieldError::new(field, "resource_name_ambiguous", detail));
        }
    }
    Ok(key)
}

fn segments<'a>(field: &str, text: &'a str) -> Result<Vec<&'a str>, FieldError> {
    let segments: Vec<&str> = text.split('/').collect();
    let fits = text.len() <= RESOURCE_NAME_MAX_BYTES
        && segments.len() <= MAX_SEGMENTS
        && !segments.iter().any(|segment| segment.is_empty())
        && !text.chars().any(char::is_control);
    if fits {
        return Ok(segments);
    }
    let detail = format!(
        "1–{MAX_SEGMENTS} segments between slashes, none of them empty, at most {RESOURCE_NAME_MAX_BYTES} bytes"
    );
    Err(FieldError::new(field, "resource_name_malformed", detail))
}

// === impl Pattern ===

impl Pattern {
    /// Parses the pattern in `field`: a name, or one with `*` for whole segments.
    ///
    /// # Errors
    /// `resource_name_malformed`, `resource_name_ambiguous`; `pattern_malformed` for a `*` within a segment.
    pub fn parse(field: &str, text: &str) -> Result<Self, FieldError> {
        let key = normal(field, text)?;
        let is_part = |segment: &str| segment != ANY && segment.contains(ANY);
        if segments(field, key.as_str())?.into_iter().any(is_part) {
            let detail = "`*` stands for a whole segment";
            return Err(FieldError::new(field, "pattern_malformed", detail));
        }
        Ok(Self {
            has_any: key.as_str().contains(ANY),
            text: key.as_str().into(),
        })
    }

    /// True for a name of as many segments, each of which is as the pattern says.
    pub fn matches(&self, name: &ResourceName) -> bool {
        self.spans(name.0.as_str())
    }

    /// True when every name that `other` matches is matched here too.
    fn covers(&self, other: &Self) -> bool {
        self.spans(&other.text)
    }

    /// True when `text` has as many segments, and each is the same or stands for less.
    fn spans(&self, text: &str) -> bool {
        if !self.has_any {
            return *self.text == *text;
        }
        let mut others = text.split('/');
        let fits = |own| others.next().is_some_and(|other| own == ANY || own == other);
        self.text.split('/').all(fits) && others.next().is_none()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

// === impl Names ===

impl Names {
    /// True when the name is meant; what has no name is meant by everything only.
    pub fn matches(&self, name: Option<&ResourceName>) -> bool {
        match self {
            Self::All => true,
            Self::Listed(patterns) => {
                name.is_some_and(|name| patterns.iter().any(|pattern| pattern.matches(name)))
            }
        }
    }

    /// True when no name is meant.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Listed(patterns) if patterns.is_empty())
    }

    /// All names as one part, or each pattern as a part.
    pub(crate) fn parts(&self) -> Vec<Self> {
        match self {
            Self::All => vec![Self::All],
            Self::Listed(patterns) => patterns
                .iter()
                .map(|pattern| Self::Listed([pattern.clone()].into_iter().collect()))
                .collect(),
        }
    }

    /// True when all that a part means is meant here too. A pattern with `*` matches names that no list can enumerate, so it is
    /// covered only by a pattern that has `*` there: one pattern covers a part, or none does.
    pub(crate) fn covers_part(&self, part: &Self) -> bool {
        match (self, part) {
            (Self::All, _) => true,
            (Self::Listed(_), Self::All) => false,
            (Self::Listed(own), Self::Listed(theirs)) => theirs
                .iter()
                .all(|theirs| own.iter().any(|own| own.covers(theirs))),
        }
    }
}

// === impl Asked ===

impl<'a> Asked<'a> {
    /// To do `action` to a resource of this kind.
    pub fn new(action: &'a str, kind: &'a str, place: Place, name: Option<&'a ResourceName>) -> Self {
        Self {
            action,
            kind,
            place,
            name,
            governed: Governed::of(kind, action),
        }
    }

    /// What decides about it.
    pub const fn governed(&self) -> Governed {
        self.governed
    }
}

/// For each length, the first letters that a kind of Claviger's own has: bit 0 is `a`. Most other kinds are told from them by that alone.
const OWN_BEGINNINGS: [u32; WORD_MAX_BYTES + 1] = {
    let mut beginnings = [0; WORD_MAX_BYTES + 1];
    let mut place = 0;
    while place < Scope::ALL.len() {
        let text = Scope::ALL[place].as_str().as_bytes();
        let mut length = 0;
        while text[length] != b':' {
            length += 1;
        }
        beginnings[length] |= 1 << (text[0] - b'a');
        place += 1;
    }
    beginnings
};

/// False for most kinds that are not Claviger's own.
fn begins_as_own(kind: &str) -> bool {
    let letter = kind.bytes().next().map(|first| first.wrapping_sub(b'a'));
    let beginnings = OWN_BEGINNINGS.get(kind.len()).copied().unwrap_or_default();
    letter.is_some_and(|letter| letter < 26 && beginnings & (1 << letter) != 0)
}

impl Governed {
    fn of(kind: &str, action: &str) -> Self {
        if !begins_as_own(kind) {
            return Self::ByRoles;
        }
        let mut found = Self::ByRoles;
        for scope in Scope::ALL {
            let text = scope.as_str();
            if let Some(verb) = text.strip_prefix(kind).and_then(|rest| rest.strip_prefix(':')) {
                if verb == action {
                    return Self::ByScope(*scope);
                }
                found = Self::ByNothing;
            }
        }
        found
    }
}

/// True for a kind of Claviger's own.
pub fn is_own_kind(kind: &str) -> bool {
    Governed::of(kind, "") != Governed::ByRoles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse("names", text).unwrap()
    }

    fn matches(wanted: &str, name: &str) -> bool {
        pattern(wanted).matches(&ResourceName::parse("name", name).unwrap())
    }

    #[test]
    fn a_star_stands_for_one_segment() {
        assert!(matches("c1/*/apps", "c1/ns1/apps"));
        assert!(!matches("c1/*", "c1"));
        assert!(!matches("c1/*", "c1/ns1/apps"));
        assert!(!matches("c1/ns1", "c1/ns2"));
        assert!(matches("*", "anything"));
        assert!(!matches("*", "two/segments"));
    }

    #[test]
    fn names_are_compared_in_their_normal_form() {
        assert!(matches("Search-API", "search-api"));
        assert!(matches("ﬁle", "file"));
    }

    #[test]
    fn no_character_becomes_a_wildcard_or_a_slash_by_its_normal_form() {
        for text in ["c1/＊", "c1／ns1", "℀", "*/＊", "a\u{fe61}b", "*／*"] {
            let refused = [
                Pattern::parse("names", text).unwrap_err(),
                ResourceName::parse("name", text).unwrap_err(),
            ];
            assert_eq!(
                refused.map(|error| error.code),
                ["resource_name_ambiguous"; 2],
                "{text}"
            );
        }
        assert!(matches("½", "½"), "its slash is another sign");
        assert!(matches("c1/*", "c1/*"));
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for text in [
            "",
            "/",
            "a//b",
            "a/",
            "1/2/3/4/5/6/7/8/9",
            &"x".repeat(257),
            "a\u{7}",
        ] {
            let error = ResourceName::parse("name", text).unwrap_err();
            assert_eq!(error.code, "resource_name_malformed", "{text:?}");
        }
        assert_eq!(
            Pattern::parse("names", "a*").unwrap_err().code,
            "pattern_malformed"
        );
        assert!(ResourceName::parse("name", "1/2/3/4/5/6/7/8").is_ok());
        for text in ["", "1a", "A", "a b", "ä", &"x".repeat(65)] {
            assert_eq!(
                Word::parse("kind", text).unwrap_err().code,
                "word_malformed",
                "{text:?}"
            );
        }
        assert!(Word::parse("kind", &"x".repeat(64)).is_ok());
    }

    #[test]
    fn a_kind_of_our_own_is_governed_by_its_scopes_alone() {
        assert_eq!(
            Governed::of("deployments", "write"),
            Governed::ByScope(Scope::DeploymentsWrite)
        );
        assert_eq!(Governed::of("deployments", "trigger"), Governed::ByNothing);
        assert_eq!(Governed::of("applications", "trigger"), Governed::ByRoles);
        assert_eq!(Governed::of("deploy", "ments:write"), Governed::ByRoles);
        assert!(is_own_kind("tokens") && !is_own_kind("token"));
    }
}
