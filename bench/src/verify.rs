//! The bench `verify`: what checking a token costs, and what issuing and revoking costs beside it.
//!
//! One file per part. Each gives the figures of the goals that it is about; the goals and their limits stand with the measurement.

mod changes;
mod http;
mod in_process;
mod start;

use crate::Part;

/// The parts in the order in which they are measured: first what needs this process's memory for itself, then the start from databases as
/// they were made.
pub(crate) const PARTS: &[Part] = &[
    Part {
        name: "in-process",
        run: in_process::measure,
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
        name: "changes",
        run: changes::measure,
    },
];
