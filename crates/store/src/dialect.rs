//! The one place that knows how SQLite and PostgreSQL write the same thing differently.
//!
//! SQL is written once, with `$1 … $n` for parameters and these words for what differs:
//!
//! | word | SQLite | PostgreSQL |
//! | --- | --- | --- |
//! | `{id}` | `INTEGER PRIMARY KEY` (the row id itself) | `BIGINT PRIMARY KEY` |
//! | `{blob}` | `BLOB` | `BYTEA` |
//! | `{text}` | `TEXT` (compared byte by byte) | `TEXT COLLATE "C"` |
//! | `{numbers:$1}` | the integers of a JSON array as rows of one column | the same |
//!
//! Called by both backends before a statement is prepared, and by the migrations.

use std::borrow::Cow;

/// Which database is behind the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// One file, one process.
    Sqlite,
    /// PostgreSQL 15 or later.
    Postgres,
}

/// A statement's text. Parameters are `$1 … $n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sql {
    /// Prepared once per connection.
    Fixed(&'static str),
    /// Made for one call (a list with filters), and planned for its own values.
    Made(String),
}

// === impl Sql ===

impl Sql {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Fixed(text) => text,
            Self::Made(text) => text,
        }
    }
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self::Fixed(text)
    }
}

impl From<String> for Sql {
    fn from(text: String) -> Self {
        Self::Made(text)
    }
}

// === impl Backend ===

impl Backend {
    /// The name for logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
        }
    }

    /// What begins a transaction that writes.
    pub(crate) const fn begin_write(self) -> &'static str {
        match self {
            // IMMEDIATE takes the write lock at once, so that a batch fails at its first statement or not at all.
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN ISOLATION LEVEL READ COMMITTED",
        }
    }

    /// What begins a transaction that reads one snapshot.
    pub(crate) const fn begin_read(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// Translates portable SQL. O(length).
    pub(crate) fn render(self, sql: &str) -> Cow<'_, str> {
        if self == Self::Postgres && !sql.contains('{') {
            return Cow::Borrowed(sql);
        }
        let mut rendered = String::with_capacity(sql.len() + 64);
        let mut rest = sql;
        let mut quoted = false;
        while let Some(place) = rest.find(['\'', '$', '{']) {
            let (before, special) = rest.split_at(place);
            rendered.push_str(before);
            let (mark, after) = special.split_at(1);
            rest = after;
            match mark {
                "$" if !quoted && self == Self::Sqlite => rendered.push('?'),
                "{" if !quoted => {
                    let (word, after) = after.split_once('}').unwrap_or((after, ""));
                    self.word(word, &mut rendered);
                    rest = after;
                }
                mark => {
                    quoted ^= mark == "'";
                    rendered.push_str(mark);
                }
            }
        }
        rendered.push_str(rest);
        Cow::Owned(rendered)
    }

    /// Writes what a word in braces stands for. An unknown word is left in braces: preparing the statement then fails.
    fn word(self, word: &str, rendered: &mut String) {
        let made = match (self, word) {
            (Self::Sqlite, "id") => "INTEGER PRIMARY KEY",
            (Self::Postgres, "id") => "BIGINT PRIMARY KEY",
            (Self::Sqlite, "blob") => "BLOB",
            (Self::Postgres, "blob") => "BYTEA",
            (Self::Sqlite, "text") => "TEXT",
            (Self::Postgres, "text") => "TEXT COLLATE \"C\"",
            _ => return self.word_with_argument(word, rendered),
        };
        rendered.push_str(made);
    }

    fn word_with_argument(self, word: &str, rendered: &mut String) {
        let made = match (self, word.split_once(":$")) {
            (Self::Sqlite, Some(("numbers", place))) => format!("(SELECT value FROM json_each(?{place}))"),
            // An array instead of rows of a JSON value: the planner then uses the index.
            (Self::Postgres, Some(("numbers", place))) => {
                format!("(SELECT unnest(translate(CAST(${place} AS TEXT), '[]', '{{}}')::bigint[]))")
            }
            _ => format!("{{{word}}}"),
        };
        rendered.push_str(&made);
    }
}

/// Integers as the JSON array that `{numbers:$n}` takes.
pub(crate) fn numbers(numbers: impl IntoIterator<Item = i64>) -> String {
    let mut text = String::from("[");
    for number in numbers {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&number.to_string());
    }
    text.push(']');
    text
}

/// The least text that sorts after every text beginning with `prefix`; `None` when there is none (an empty prefix, for one).
///
/// `column >= prefix AND column < prefix_end(prefix)` is a prefix search that uses an index and needs no escaping. Byte order
/// of UTF-8 is the order of code points, and both stores compare texts so.
pub(crate) fn prefix_end(prefix: &str) -> Option<String> {
    let mut characters: Vec<char> = prefix.chars().collect();
    while let Some(last) = characters.pop() {
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            last => char::from_u32(u32::from(last) + 1),
        };
        if let Some(next) = next {
            characters.push(next);
            return Some(characters.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_words_are_translated_outside_quotes_only() {
        let sql = "SELECT '$1 {id}', x FROM t WHERE a = $1 AND id IN {numbers:$12}";

        assert_eq!(
            Backend::Sqlite.render(sql),
            "SELECT '$1 {id}', x FROM t WHERE a = ?1 AND id IN (SELECT value FROM json_each(?12))"
        );
        assert_eq!(
            Backend::Postgres.render(sql),
            "SELECT '$1 {id}', x FROM t WHERE a = $1 AND id IN \
             (SELECT unnest(translate(CAST($12 AS TEXT), '[]', '{}')::bigint[]))"
        );
        assert_eq!(Backend::Sqlite.render("{nonsense}"), "{nonsense}");
    }

    #[test]
    fn the_end_of_a_prefix_follows_every_text_that_begins_with_it() {
        assert_eq!(prefix_end("ab").as_deref(), Some("ac"));
        assert_eq!(prefix_end("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(prefix_end("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(prefix_end(""), None);
        assert_eq!(prefix_end("\u{10ffff}"), None);
    }

    #[test]
    fn numbers_are_a_json_array() {
        assert_eq!(numbers([]), "[]");
        assert_eq!(
            numbers([i64::MIN, 0, i64::MAX]),
            "[-9223372036854775808,0,9223372036854775807]"
        );
    }
}
