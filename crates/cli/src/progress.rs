//! Signs of life during long work, on the standard error and only when that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often the sign turns.
const TICK: Duration = Duration::from_millis(120);

/// A turning sign. It vanishes when dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Begins to show that something is going on: `what` it is, in the present (`verifying`).
    pub(crate) fn begin(what: &'static str) -> Self {
        Self::styled("{spinner} {msg}", what)
    }

    /// The same, with a count behind `what` is counted (`files scanned:`).
    pub(crate) fn counting(what: &'static str) -> Self {
        Self::styled("{spinner} {msg} {pos}", what)
    }

    fn styled(template: &'static str, what: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        // The templates are constants; were one wrong, the library's own would do.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what);
        if !bar.is_hidden() {
            bar.enable_steady_tick(TICK);
        }
        Self { bar }
    }

    /// Counts so many more.
    pub(crate) fn advance(&self, count: u64) {
        self.bar.inc(count);
    }

    /// Prints while the sign is out of the way.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
