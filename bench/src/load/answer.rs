//! Finding the end of an HTTP/1.1 answer, at next to no cost when it looks like the one before.
//!
//! Only answers with a `content-length` are understood: the servers measured here send no others.

use anyhow::{Context as _, Result, ensure};

/// An answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    /// `200` and the like.
    pub(crate) status: u16,
    /// What follows the header.
    pub(crate) body: &'a [u8],
    /// All of it.
    pub(crate) wire: &'a [u8],
}

/// Where the parts of the last answer were. The next one nearly always has them in the same places.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    /// The first digit of the length.
    length: usize,
    /// The first byte of the body.
    body: usize,
    /// Bytes of the whole answer.
    total: usize,
}

const LENGTH: &[u8] = b"content-length:";
const END: &[u8] = b"\r\n\r\n";

// === impl Answer ===

impl<'a> Answer<'a> {
    /// The parts of a whole answer that `shape` fits.
    ///
    /// # Errors
    /// When it has no status.
    pub(crate) fn of(wire: &'a [u8], shape: &Shape) -> Result<Self> {
        let digits = wire
            .get(9..12)
            .and_then(number)
            .context("the answer has no status")?;
        Ok(Self {
            status: u16::try_from(digits)?,
            body: wire.get(shape.body..).unwrap_or_default(),
            wire,
        })
    }
}

// === impl Shape ===

impl Shape {
    /// Bytes of the whole answer that begins with `bytes`; `None` while its header is incomplete. Takes the shape of the answer.
    ///
    /// # Errors
    /// When the answer does not say how long it is.
    pub(crate) fn total(&mut self, bytes: &[u8]) -> Result<Option<usize>> {
        if self.fits(bytes) {
            return Ok(Some(self.total));
        }
        let Some(body) = find(bytes, END).map(|end| end + END.len()) else {
            return Ok(None);
        };
        let head = &bytes[..body];
        let field = head
            .windows(LENGTH.len())
            .position(|name| name.eq_ignore_ascii_case(LENGTH))
            .context("the answer does not say how long it is")?;
        let spaces = head[field + LENGTH.len()..]
            .iter()
            .take_while(|byte| **byte == b' ')
            .count();
        let length = field + LENGTH.len() + spaces;
        let digits = head[length..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let bytes_of_body = number(&head[length..length + digits]).context("the length is no number")?;
        ensure!(digits > 0, "the length is no number");
        *self = Self {
            length,
            body,
            total: body + bytes_of_body,
        };
        Ok(Some(self.total))
    }

    /// True when the length and the end of the header stand where they stood, and the length is the same.
    fn fits(&self, bytes: &[u8]) -> bool {
        let Some(before) = self.length.checked_sub(LENGTH.len() + 1) else {
            return false;
        };
        let name = bytes.get(before..self.length - 1);
        let end = bytes.get(self.body - END.len()..self.body);
        if !name.is_some_and(|name| name.eq_ignore_ascii_case(LENGTH)) || end != Some(END) {
            return false;
        }
        let digits = bytes[self.length..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        number(&bytes[self.length..self.length + digits]) == Some(self.total - self.body)
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_found_only_when_the_header_is_complete() {
        let wire = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\ndate: x\r\n\r\nhello";
        let mut shape = Shape::default();

        for cut in 0..wire.len() - 5 {
            assert_eq!(shape.total(&wire[..cut]).unwrap(), None, "{cut}");
        }
        assert_eq!(shape.total(wire).unwrap(), Some(wire.len()));

        let answer = Answer::of(wire, &shape).unwrap();
        assert_eq!((answer.status, answer.body), (200, &b"hello"[..]));
    }

    #[test]
    fn a_shape_never_passes_for_another_answers() {
        let mut shape = Shape::default();
        let answers = [
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx: y\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx: y\r\n\r\nworld",
            "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nx: y\r\n\r\nfour",
            "HTTP/1.1 200 OK\r\ncontent-length: 12\r\nx: \r\n\r\ntwelve bytes",
            "HTTP/1.1 404 Not Found\r\nx: y\r\ncontent-length: 0\r\n\r\n",
        ];

        for wire in answers {
            assert_eq!(shape.total(wire.as_bytes()).unwrap(), Some(wire.len()), "{wire}");
        }
    }

    #[test]
    fn an_answer_without_a_length_is_refused() {
        assert!(Shape::default().total(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
