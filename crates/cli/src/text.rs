//! Text of others on a terminal: names, notes, details and paths may hold anything.
//!
//! Invariant: what [`visible`] gives holds no character that moves a cursor, changes a colour, turns the direction of writing
//! or cannot be seen. Every line for people goes through it, in [`crate::output`].

use std::borrow::Cow;

/// The text with its control, bidirectional and invisible characters written as `\n`, `\t` or `\u{…}`.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_hidden(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Control characters, separators of lines, UAX #9's formatting characters, and what has no width.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_as_it_is() {
        for text in ["release pipeline", "Überprüfung", "日本", "🚀", r"C:\n"] {
            assert!(matches!(visible(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn characters_that_act_on_a_terminal_are_written_out() {
        assert_eq!(visible("\u{1b}[2Jok\r\n\t"), r"\u{1b}[2Jok\r\n\t");
        assert_eq!(visible("\u{9b}31m"), r"\u{9b}31m");
        assert_eq!(visible("ci\u{202e}gpj.exe"), r"ci\u{202e}gpj.exe");
        assert_eq!(
            visible("a\u{2066}b\u{200b}c\u{feff}"),
            r"a\u{2066}b\u{200b}c\u{feff}"
        );
    }
}
