//! The grammar of a token string, and what is kept of it: nothing here does I/O, reads a clock or owns a random source.
//!
//! A token is `<prefix><type>_` + 32 random base62 characters + 6 base62 characters of the CRC32 of all before them:
//!
//! ```text
//! clvp_ 7Qm2ZtB4xkVw0LrN9sYc3HfGj8PaDe5U 1kR0aB        at most 48 bytes
//! ├┘│   └ 190.5 bits                     └ typo detector, most significant digit first
//! │ └ type: p personal, g global, t team, s service
//! └ prefix of the installation, 2–8 characters
//! ```
//!
//! The map: [`Prefix`] and [`TokenType`] name the head · [`generate()`] makes a [`Secret`] from a [`RandomSource`] ·
//! [`Presented::parse`] accepts or refuses a caller's text without allocating · [`TokenHash`], [`Pepper`] and
//! [`Digest`] turn it into what the store and the verifier know · [`scan`] finds leaked tokens in any bytes · a [`Ticket`] is
//! made like a token and is none: an invitation, a password reset, the secret of a sign-in session.
//!
//! Invariant: a text that `parse` accepts is one SHA-256 block, so its digest costs three compressions.
//!
//! ```
//! use claviger_token::{generate, Pepper, Prefix, Presented, RandomSource, RandomUnavailable, TokenType};
//!
//! struct Fixed; // A real source is the operating system's; only the server has it.
//! impl RandomSource for Fixed {
//!     fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
//!         bytes.fill(7);
//!         Ok(())
//!     }
//! }
//!
//! let prefix = Prefix::default();
//! let secret = generate(&prefix, TokenType::Personal, &Fixed)?;
//! let presented = Presented::parse(&prefix, secret.expose())?;
//! assert_eq!(presented.token_type(), TokenType::Personal);
//!
//! let pepper = Pepper::new([1; 32]);
//! assert_eq!(pepper.digest(&presented.hash()), pepper.digest(&secret.hash()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod base62;
mod digest;
mod generate;
mod prefix;
pub mod scan;
mod secret;
mod text;
mod ticket;
mod token_type;

pub use digest::{Digest, Pepper, PepperId, TokenHash, WrongLength};
pub use generate::{RandomSource, RandomUnavailable, generate};
pub use prefix::{InvalidPrefix, Prefix};
pub use secret::{Hint, InvalidHint, Secret};
pub use text::{CHECKSUM_CHARS, MAX_TOKEN_BYTES, Malformed, Presented, RANDOM_CHARS};
pub use ticket::{Ticket, TicketKind, generate_ticket};
pub use token_type::{RESERVED_LETTERS, TokenType, UnknownTokenType};
