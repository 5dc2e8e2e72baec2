//! The bench `verify`: what checking a token costs, and what issuing and revoking costs beside it.
//!
//! One file per part. Each gives the figures of the goals that it is about; the goals and their limits stand with the measurement.

mod changes;
mod http;
mod in_process;
mod limits;
mod owners;
mod start;

use anyhow::Result;

use crate::Part;
use crate::seeded::{self, Lot};

/// The parts in the order in which they are measured: first what needs this process's memory for itself, then the start from databases as
/// they were made.
pub(crate) const PARTS: &[Part] = &[
    Part {
        name: "in-process",
        run: in_process::measure,
    },
    Part {
        name: "owners",
        run: owners::measure,
    },
    Part {
        name: "start",
        run: start::measure,
    },
    Part {
        name: "http",
        run: http::measure,
    },
    Part {
        name: "limits",
        run: limits::measure,
    },
    Part {
        name: "changes",
        run: changes::measure,
    },
];

/// What comes before the body of a question about a token; the body has that many bytes. The administrator asks.
fn head(body: usize) -> Result<Vec<u8>> {
    let caller = seeded::secret(Lot::Caller, 0)?;
    let text = format!(
        "POST /v1/verify HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: {body}\r\n\r\n",
        caller.expose()
    );
    Ok(text.into_bytes())
}
