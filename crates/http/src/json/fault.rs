//! Turns what serde says about an input into a field, a stable code and a sentence.
//!
//! serde's messages have a fixed set of beginnings, which the tests below pin. What the caller sent is left out of the sentence:
//! it may be a secret in the wrong place. Used for bodies and for query strings.

use claviger_domain::FieldError;

/// The longest name that an answer repeats: longer than any of ours, and shorter than any token.
const ECHO_CHARS: usize = 40;
/// What is repeated of a longer one: it may be a secret in the wrong place.
const CUT_CHARS: usize = 8;

/// The refused field for serde's `message` at `path` (`scopes[1]`; `.` for the whole input).
pub(crate) fn field_error(path: &str, message: &str) -> FieldError {
    let message = message
        .rsplit_once(" at line ")
        .map_or(message, |(before, _)| before);
    if let Some(name) = quoted_after(message, "missing field `") {
        return FieldError::new(join(path, name), "field_missing", "this field is required");
    }
    if let Some(name) = quoted_after(message, "unknown field `") {
        let detail = expectation(message).map_or_else(
            || "there is no such field".to_owned(),
            |known| format!("there is no such field; expected {known}"),
        );
        return FieldError::new(join(path, name), "field_unknown", detail);
    }
    if let Some(name) = quoted_after(message, "duplicate field `") {
        return FieldError::new(join(path, name), "field_invalid", "this field is given twice");
    }
    let said_with_input = [
        "invalid type: ",
        "invalid value: ",
        "invalid length ",
        "unknown variant `",
    ];
    let detail = if said_with_input.iter().any(|head| message.starts_with(head)) {
        expectation(message).map_or_else(
            || "this value is not accepted".to_owned(),
            |known| format!("expected {known}"),
        )
    } else {
        message.to_owned()
    };
    FieldError::new(join(path, ""), "field_invalid", detail)
}

/// A caller's text when it is short enough to be a name, else its beginning.
pub(crate) fn shortened(text: &str) -> String {
    if text.chars().nth(ECHO_CHARS).is_none() {
        return text.to_owned();
    }
    let beginning: String = text.chars().take(CUT_CHARS).collect();
    format!("{beginning}…")
}

/// The text between `head` (at the beginning) and the backtick that closes it.
fn quoted_after<'a>(message: &'a str, head: &str) -> Option<&'a str> {
    let rest = message.strip_prefix(head)?;
    let end = rest.find("`, ").or_else(|| rest.rfind('`'))?;
    Some(&rest[..end])
}

fn expectation(message: &str) -> Option<&str> {
    message.rsplit_once(", expected ").map(|(_, known)| known)
}

fn join(path: &str, name: &str) -> String {
    let path = if path == "." { "" } else { path };
    // For an unknown field the path already ends in it.
    let named = path
        .strip_suffix(name)
        .is_some_and(|head| head.is_empty() || head.ends_with('.'));
    if named || name.is_empty() {
        shortened(path)
    } else if path.is_empty() {
        shortened(name)
    } else {
        format!("{}.{}", shortened(path), shortened(name))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only what serde says about it matters")]
    struct Outer {
        name: String,
        #[serde(default)]
        inner: Option<Inner>,
        #[serde(default)]
        list: Vec<u32>,
        #[serde(default)]
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only what serde says about it matters")]
    struct Inner {
        size: u32,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Personal,
        Global,
    }

    fn fault(body: &str) -> (String, &'static str, String) {
        let mut json = serde_json::Deserializer::from_str(body);
        let error = serde_path_to_error::deserialize::<_, Outer>(&mut json).unwrap_err();
        let field = field_error(&error.path().to_string(), &error.inner().to_string());
        (field.field, field.code, field.detail)
    }

    #[test]
    fn a_missing_field_is_named_with_its_path() {
        assert_eq!(
            fault("{}"),
            ("name".into(), "field_missing", "this field is required".into())
        );
        assert_eq!(
            fault(r#"{"name":"a","inner":{}}"#),
            (
                "inner.size".into(),
                "field_missing",
                "this field is required".into()
            )
        );
    }

    #[test]
    fn an_unknown_field_is_named_with_those_there_are() {
        assert_eq!(
            fault(r#"{"name":"a","inner":{"sise":1}}"#),
            (
                "inner.sise".into(),
                "field_unknown",
                "there is no such field; expected `size`".into()
            )
        );
        let (field, code, detail) = fault(r#"{"nam":"a"}"#);
        assert_eq!((field.as_str(), code), ("nam", "field_unknown"));
        assert!(detail.contains("`name`"), "{detail}");
    }

    #[test]
    fn a_value_of_another_type_is_not_repeated() {
        let (field, code, detail) = fault(r#"{"name":"a","list":[1,"clvp_secret"]}"#);

        assert_eq!(
            (field.as_str(), code, detail.as_str()),
            ("list[1]", "field_invalid", "expected u32")
        );
    }

    #[test]
    fn an_unknown_word_is_answered_with_the_known_ones() {
        assert_eq!(
            fault(r#"{"name":"a","kind":"clvp_secret"}"#),
            (
                "kind".into(),
                "field_invalid",
                "expected `personal` or `global`".into()
            )
        );
    }

    #[test]
    fn a_long_name_is_cut() {
        let body = format!(r#"{{"{}":1}}"#, "x".repeat(5_000));

        assert_eq!(fault(&body).0, "xxxxxxxx…");
    }

    #[test]
    fn a_token_in_place_of_a_name_is_not_repeated() {
        let token = "clvp_000000000000000000000000000000003vAJbq";
        let body = format!(r#"{{"name":"a","{token}":1}}"#);

        let (field, _, detail) = fault(&body);

        assert_eq!(field, "clvp_000…");
        assert!(!detail.contains(token), "{detail}");
    }
}
