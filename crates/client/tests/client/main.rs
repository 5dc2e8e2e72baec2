//! What the client puts on the wire and how it reads what comes back, against a server that answers from a script.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod requests;
mod stub;
