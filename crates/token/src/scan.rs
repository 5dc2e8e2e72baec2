//! Finding this installation's tokens in a stream of bytes: logs, dumps, images, repositories; no server needed.
//!
//! Invariant: what is found does not depend on how the stream was cut into chunks, memory stays below 100 bytes, and a
//! finding is a well-formed token, checksum included. Called by the CLI's `scan` and by the leak endpoints.

use std::fmt;

use zeroize::Zeroizing;

use crate::{
    Hint, Malformed, Prefix, Secret, TokenType,
    text::{MAX_TOKEN_BYTES, check, token_bytes},
};

/// Bytes that must be kept between chunks: all of a token but its last byte.
const CARRY_BYTES: usize = MAX_TOKEN_BYTES - 1;

/// A streaming search for the tokens of one installation.
///
/// ```
/// use claviger_token::{scan::Scanner, Prefix};
///
/// let mut found = Vec::new();
/// let mut scanner = Scanner::new(Prefix::default());
/// scanner.feed(b"TOKEN=clvp_000000000000000000", |finding| found.push(finding.offset));
/// scanner.feed(b"000000000000003vAJbq\n", |finding| found.push(finding.offset));
/// assert_eq!(found, [6]);
/// ```
pub struct Scanner {
    prefix: Prefix,
    /// The last bytes seen, fewer than a token has; they may hold most of a secret and are wiped on drop.
    carry: Zeroizing<[u8; CARRY_BYTES]>,
    carry_len: usize,
    /// Bytes fed so far.
    seen: u64,
    bad_checksums: u64,
}

/// A token that was found.
#[derive(Debug)]
pub struct Finding {
    /// Bytes of the stream before the token.
    pub offset: u64,
    /// The type its text names.
    pub token_type: TokenType,
    /// Its last 4 characters.
    pub hint: Hint,
    /// Its whole text.
    pub secret: Secret,
}

impl Scanner {
    /// A scanner at the beginning of a stream.
    pub fn new(prefix: Prefix) -> Self {
        Self {
            prefix,
            carry: Zeroizing::new([0; CARRY_BYTES]),
            carry_len: 0,
            seen: 0,
            bad_checksums: 0,
        }
    }

    /// Searches the next bytes of the stream and reports every token that ends in them, by rising offset. Linear in
    /// the chunk; a chunk may have any size, also none.
    pub fn feed(&mut self, chunk: &[u8], mut report: impl FnMut(Finding)) {
        let keep = token_bytes(&self.prefix) - 1;
        // Tokens that began before this chunk: the carry followed by as much of the chunk as they can reach.
        let mut border = Zeroizing::new([0; 2 * CARRY_BYTES]);
        let reach = chunk.len().min(keep);
        let border_len = self.carry_len + reach;
        border[..self.carry_len].copy_from_slice(&self.carry[..self.carry_len]);
        border[self.carry_len..border_len].copy_from_slice(&chunk[..reach]);
        let carried = to_u64(self.carry_len);
        self.search(
            &border[..border_len],
            self.carry_len,
            self.seen - carried,
            &mut report,
        );
        // Tokens that lie wholly in this chunk.
        self.search(chunk, chunk.len(), self.seen, &mut report);
        self.remember(&border[..border_len], chunk, keep);
        self.seen += to_u64(chunk.len());
    }

    /// Texts so far that looked like a token of ours, but whose checksum was wrong: typos, cuts, made-up examples.
    pub fn bad_checksums(&self) -> u64 {
        self.bad_checksums
    }

    /// Reports the tokens that start in the first `starts` bytes of `bytes`, which begin at `offset` in the stream.
    fn search(&mut self, bytes: &[u8], starts: usize, offset: u64, report: &mut impl FnMut(Finding)) {
        let size = token_bytes(&self.prefix);
        // The underscore is the rarest fixed byte of a token: most text is passed over at the speed of this search.
        let mut from = self.prefix.len() + 1;
        while let Some(step) = bytes
            .get(from..)
            .and_then(|rest| rest.iter().position(|&byte| byte == b'_'))
        {
            let start = from + step - self.prefix.len() - 1;
            from += step + 1;
            if start >= starts {
                return;
            }
            let Some(text) = bytes.get(start..start + size) else {
                return;
            };
            match check(&self.prefix, text) {
                Ok(token_type) => report(Finding::new(text, token_type, offset + to_u64(start))),
                Err(Malformed::Checksum) => self.bad_checksums += 1,
                Err(_) => {}
            }
        }
    }

    /// Keeps the end of the stream, one byte less than a token: `border` is the old carry and the head of `chunk`.
    fn remember(&mut self, border: &[u8], chunk: &[u8], keep: usize) {
        let end = if chunk.len() >= keep { chunk } else { border };
        let kept = &end[end.len().saturating_sub(keep)..];
        self.carry[..kept.len()].copy_from_slice(kept);
        self.carry_len = kept.len();
    }
}

impl Finding {
    /// Takes a text that passed [`check`].
    fn new(text: &[u8], token_type: TokenType, offset: u64) -> Self {
        let mut owned = Zeroizing::new(String::with_capacity(text.len()));
        owned.extend(text.iter().map(|&byte| char::from(byte)));
        Self {
            offset,
            token_type,
            hint: Hint::last_of(text),
            secret: Secret::new(owned, token_type),
        }
    }
}

impl fmt::Debug for Scanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scanner({}, {} bytes seen)", self.prefix, self.seen)
    }
}

/// A position in memory as one in the stream; no machine has more than 64 bits of memory.
fn to_u64(position: usize) -> u64 {
    u64::try_from(position).unwrap_or(u64::MAX)
}
