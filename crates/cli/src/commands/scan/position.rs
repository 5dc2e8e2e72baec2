//! Where in a text an offset is: the line and the column, kept while the text streams by.
//!
//! Invariant: every byte is looked at once, and nothing of the text is kept. It relies on a token holding no line break.

/// How far into a file a NUL byte makes it a binary one: git's own rule.
const BINARY_WINDOW: usize = 8000;

/// The place that a stream has come to.
#[derive(Debug, Default)]
pub(super) struct Position {
    /// Offset of the current chunk.
    chunk: u64,
    /// Bytes of the current chunk that are counted.
    counted: usize,
    /// Line breaks so far.
    breaks: u64,
    /// Offset of the first byte of the current line.
    line_start: u64,
    binary: bool,
}

// === impl Position ===

impl Position {
    /// Begins the next chunk.
    pub(super) fn enter(&mut self, bytes: &[u8]) {
        if self.chunk == 0 {
            self.binary = bytes.iter().take(BINARY_WINDOW).any(|&byte| byte == 0);
        }
    }

    /// Line and column, from 1, of a token that ends in the current chunk; `None` in a binary file. Offsets may only rise.
    pub(super) fn of(&mut self, bytes: &[u8], offset: u64) -> Option<(u64, u64)> {
        // A token that began in an earlier chunk began on the line that this chunk begins on.
        let inside = usize::try_from(offset.saturating_sub(self.chunk)).unwrap_or(usize::MAX);
        self.count(bytes, inside.min(bytes.len()));
        (!self.binary).then(|| (self.breaks + 1, offset.saturating_sub(self.line_start) + 1))
    }

    /// Ends the chunk.
    pub(super) fn leave(&mut self, bytes: &[u8]) {
        self.count(bytes, bytes.len());
        self.chunk += to_u64(bytes.len());
        self.counted = 0;
    }

    fn count(&mut self, bytes: &[u8], end: usize) {
        let Some(fresh) = bytes.get(self.counted..end) else {
            return;
        };
        if let Some(last) = fresh.iter().rposition(|&byte| byte == b'\n') {
            self.breaks += to_u64(fresh.iter().filter(|&&byte| byte == b'\n').count());
            self.line_start = self.chunk + to_u64(self.counted + last + 1);
        }
        self.counted = end;
    }
}

/// A length in memory as one in a stream; no machine has more than 64 bits of memory.
fn to_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place of the first `@` after which the text is cut into chunks of `size`; the `@` may lie a chunk back.
    fn place(text: &str, size: usize, behind: usize) -> Option<(u64, u64)> {
        let offset = text.find('@').unwrap();
        let mut position = Position::default();
        let mut place = None;
        for (number, chunk) in text.as_bytes().chunks(size).enumerate() {
            position.enter(chunk);
            let begin = number * size;
            if (begin..begin + chunk.len()).contains(&(offset + behind)) {
                place = position.of(chunk, to_u64(offset));
            }
            position.leave(chunk);
        }
        place
    }

    #[test]
    fn a_place_does_not_depend_on_the_chunks() {
        let text = "one\n\nthree\r\n  @token and more\nfive\n";

        for size in 1..=text.len() {
            for behind in 0..=5 {
                assert_eq!(
                    place(text, size, behind),
                    Some((4, 3)),
                    "chunks of {size}, seen {behind} later"
                );
            }
        }
    }

    #[test]
    fn the_first_byte_is_line_one_column_one() {
        assert_eq!(place("@token", 3, 0), Some((1, 1)));
    }

    #[test]
    fn a_binary_file_has_no_lines() {
        assert_eq!(place("\0one\n@token", 64, 0), None);
    }
}
