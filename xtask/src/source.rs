//! Rust text taken apart just enough for the checks: what is code, what is in strings, where functions begin and end.
//!
//! Invariant: both views have exactly the bytes and lines of the original, with everything else blanked, so that a
//! position in one is a position in the file. No parser: rustc has already refused what is not Rust.

/// One Rust file in two views.
pub(crate) struct Source {
    /// Comments and the insides of strings and characters are spaces.
    pub code: String,
    /// Everything but the insides of strings is spaces.
    pub strings: String,
}

/// A function with a body.
pub(crate) struct Function {
    pub name: String,
    /// Line of the keyword `fn`, from 1.
    pub line: usize,
    /// Lines from `fn` to the closing brace, both counted.
    pub lines: usize,
}

impl Source {
    /// Takes a whole file apart.
    pub(crate) fn of(text: &str) -> Self {
        Splitter::new(text.as_bytes()).split()
    }

    /// The same without its test modules: inline `#[cfg(test)]` items are blanked.
    pub(crate) fn without_tests(text: &str) -> Self {
        let mut source = Self::of(text);
        let marks: Vec<usize> = source
            .code
            .match_indices("#[cfg(test)]")
            .map(|(at, _)| at)
            .collect();
        for start in marks {
            // Inside an item that is already blanked, there is nothing left to find.
            if !source.code[start..].starts_with("#[cfg(test)]") {
                continue;
            }
            let end = item_end(source.code.as_bytes(), start + "#[cfg(test)]".len());
            source.code = blank(&source.code, start, end);
            source.strings = blank(&source.strings, start, end);
        }
        source
    }

    /// Every function that has a body, outer and inner ones.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let code = self.code.as_bytes();
        words(&self.code, "fn")
            .filter_map(|start| {
                let name: String = self.code[start + 2..]
                    .trim_start()
                    .chars()
                    .take_while(|&c| is_word(c))
                    .collect();
                let open = body_start(code, start)?;
                let end = closing_brace(code, open);
                let line = line_of(&self.code, start);
                (!name.is_empty()).then(|| Function {
                    name,
                    line,
                    lines: line_of(&self.code, end) - line + 1,
                })
            })
            .collect()
    }
}

/// Where `word` stands in `text` as a word of its own; a side of it that is punctuation may touch anything.
pub(crate) fn words<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = usize> + 't {
    text.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let before = text[..at].chars().next_back().is_some_and(is_word);
        let after = text[at + word.len()..].chars().next().is_some_and(is_word);
        !(before && word.starts_with(is_word) || after && word.ends_with(is_word))
    })
}

/// The line of a position, from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at]
        .iter()
        .filter(|&&byte| byte == b'\n')
        .count()
        + 1
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Where a function's body opens, unless it has none. Brackets of parameters and array types are passed over.
fn body_start(code: &[u8], from: usize) -> Option<usize> {
    let mut depth = 0;
    for (at, byte) in code.iter().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(at),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The brace that closes the one at `open`; the end of the file if none does.
fn closing_brace(code: &[u8], open: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in code.iter().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return at,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    code.len().saturating_sub(1)
}

/// The end of the item that starts at `from`: its closing brace or its semicolon.
fn item_end(code: &[u8], from: usize) -> usize {
    match body_start(code, from) {
        Some(open) => closing_brace(code, open) + 1,
        None => code[from..]
            .iter()
            .position(|&byte| byte == b';')
            .map_or(code.len(), |at| from + at + 1),
    }
}

fn blank(text: &str, start: usize, end: usize) -> String {
    let blanked: String = text[start..end]
        .bytes()
        .map(|byte| if byte == b'\n' { '\n' } else { ' ' })
        .collect();
    format!("{}{blanked}{}", &text[..start], &text[end..])
}

/// Walks over the bytes once and sorts each into one of the views.
struct Splitter<'t> {
    text: &'t [u8],
    at: usize,
    code: Vec<u8>,
    strings: Vec<u8>,
}

/// Which view a byte belongs to.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Code,
    Text,
    Comment,
}

impl<'t> Splitter<'t> {
    fn new(text: &'t [u8]) -> Self {
        Self {
            text,
            at: 0,
            code: Vec::with_capacity(text.len()),
            strings: Vec::with_capacity(text.len()),
        }
    }

    fn split(mut self) -> Source {
        while let Some(&byte) = self.text.get(self.at) {
            let after_word = self.at > 0 && is_word(char::from(self.text[self.at - 1]));
            match byte {
                b'/' if self.starts_with(b"//") => self.line_comment(),
                b'/' if self.starts_with(b"/*") => self.block_comment(),
                b'"' => self.string(),
                b'r' | b'b' | b'c' if !after_word && self.raw_string() => {}
                b'\'' => self.character(),
                _ => self.take(1, Kind::Code),
            }
        }
        // Multi-byte characters are either kept or blanked byte by byte, never cut.
        let utf8 = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Source {
            code: utf8(&self.code),
            strings: utf8(&self.strings),
        }
    }

    fn starts_with(&self, prefix: &[u8]) -> bool {
        self.text[self.at..].starts_with(prefix)
    }

    /// Moves over `count` bytes of one kind; line ends stay in both views.
    fn take(&mut self, count: usize, kind: Kind) {
        let end = (self.at + count).min(self.text.len());
        for &byte in &self.text[self.at..end] {
            let keep = |wanted| {
                if kind == wanted || byte == b'\n' {
                    byte
                } else {
                    b' '
                }
            };
            self.code.push(keep(Kind::Code));
            self.strings.push(keep(Kind::Text));
        }
        self.at = end;
    }

    fn line_comment(&mut self) {
        let length = self.text[self.at..].iter().position(|&byte| byte == b'\n');
        self.take(length.unwrap_or(self.text.len() - self.at), Kind::Comment);
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        loop {
            if self.starts_with(b"/*") {
                depth += 1;
                self.take(2, Kind::Comment);
            } else if self.starts_with(b"*/") {
                depth -= 1;
                self.take(2, Kind::Comment);
            } else {
                self.take(1, Kind::Comment);
            }
            if depth == 0 || self.at == self.text.len() {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.take(1, Kind::Code);
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'\\' => self.take(2, Kind::Text),
                b'"' => return self.take(1, Kind::Code),
                _ => self.take(1, Kind::Text),
            }
        }
    }

    /// A string like `r#"…"#` or `br"…"`; false, with nothing taken, when there is none here.
    fn raw_string(&mut self) -> bool {
        let rest = &self.text[self.at..];
        let letters = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let hashes = rest[letters..].iter().take_while(|&&byte| byte == b'#').count();
        let is_raw = [&b"r"[..], b"br", b"cr"].contains(&&rest[..letters])
            && rest.get(letters + hashes) == Some(&b'"');
        if !is_raw {
            return false;
        }
        let close = format!("\"{}", "#".repeat(hashes));
        self.take(letters + hashes + 1, Kind::Code);
        while self.at < self.text.len() && !self.starts_with(close.as_bytes()) {
            self.take(1, Kind::Text);
        }
        self.take(close.len(), Kind::Code);
        true
    }

    /// `'x'`, `'\n'`, `'…'`, or the tick of a lifetime.
    fn character(&mut self) {
        let rest =
            String::from_utf8_lossy(&self.text[self.at + 1..self.text.len().min(self.at + 14)]).into_owned();
        let inside = if rest.starts_with('\\') {
            rest[2..].find('\'').map(|end| end + 2)
        } else {
            rest.chars()
                .next()
                .map(char::len_utf8)
                .filter(|&length| rest[length..].starts_with('\''))
        };
        self.take(1, Kind::Code);
        if let Some(length) = inside {
            self.take(length, Kind::Comment);
            self.take(1, Kind::Code);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r###"
fn one(a: [u8; 2]) -> char { // fn comment() {}
    let s = "fn text() { \" }"; /* } /* } */ */
    let r = r#"a " b"#;
    let lifetime: &'static str = "x";
    ['{', '\'', '\u{7d}', 'é'][0]
}
trait T { fn no_body(&self); }
#[cfg(test)]
mod tests { fn hidden() { ".await" } }
fn two() {}
"###;

    #[test]
    fn the_views_have_the_lines_of_the_file() {
        let source = Source::of(SAMPLE);

        assert_eq!(source.code.len(), SAMPLE.len());
        assert_eq!(source.code.lines().count(), SAMPLE.lines().count());
        assert!(!source.code.contains("comment") && !source.code.contains("text"));
        assert!(source.strings.contains(r#"fn text() { \" }"#) && source.strings.contains("a \" b"));
        assert!(!source.strings.contains("lifetime"));
    }

    #[test]
    fn functions_are_found_with_their_lengths() {
        let found: Vec<_> = Source::of(SAMPLE)
            .functions()
            .into_iter()
            .map(|f| (f.name, f.line, f.lines))
            .collect();

        assert_eq!(
            found,
            [
                ("one".to_owned(), 2, 6),
                ("hidden".to_owned(), 10, 1),
                ("two".to_owned(), 11, 1)
            ]
        );
    }

    #[test]
    fn test_modules_can_be_left_out() {
        let source = Source::without_tests(SAMPLE);

        assert!(!source.code.contains("hidden") && !source.strings.contains(".await"));
        assert!(source.code.contains("fn two"));
    }

    #[test]
    fn words_are_whole() {
        let at: Vec<_> = words("time xtime time_x x.time env::var std::env", "time").collect();

        assert_eq!(at, [0, 20]);
        assert_eq!(words("x.await; xawait", ".await").count(), 1);
    }
}
