//! Counts of decisions. Threads count in lines of their own, so that counting makes no line travel between cores and locks none; whoever
//! scrapes pays for the sum.
//!
//! Invariant: but for the last line, which is shared, one thread alone ever writes to a line. Called at the end of every
//! [`crate::Verifier::check`].

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crossbeam_utils::CachePadded;

/// The lines. All threads that come when none is left share the last one; their counts are exact too, and cost a little more.
const LINES: usize = 64;
const SHARED: usize = LINES - 1;

/// One count per decision code, by its place in [`crate::decision::CODES`].
pub(crate) struct Counters<const CODES: usize> {
    lines: Box<[CachePadded<[AtomicU64; CODES]>]>,
}

static NEXT_LINE: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// This thread's line; `usize::MAX` before its first count.
    static LINE: Cell<usize> = const { Cell::new(usize::MAX) };
}

impl<const CODES: usize> Counters<CODES> {
    pub(crate) fn new() -> Self {
        let line = || CachePadded::new([const { AtomicU64::new(0) }; CODES]);
        Self {
            lines: (0..LINES).map(|_| line()).collect(),
        }
    }

    #[inline]
    pub(crate) fn count(&self, code: usize) {
        let number = line();
        let Some(counter) = self.lines.get(number).and_then(|line| line.get(code)) else {
            return;
        };
        if number == SHARED {
            counter.fetch_add(1, Ordering::Relaxed);
        } else {
            // Nobody else writes here.
            counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
    }

    /// The sums over all threads. A count made meanwhile may or may not be in.
    pub(crate) fn sums(&self) -> [u64; CODES] {
        std::array::from_fn(|code| {
            self.lines
                .iter()
                .map(|line| line[code].load(Ordering::Relaxed))
                .sum()
        })
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        size_of_val(&*self.lines)
    }
}

#[inline]
fn line() -> usize {
    LINE.with(|line| match line.get() {
        usize::MAX => {
            let chosen = NEXT_LINE.fetch_add(1, Ordering::Relaxed).min(SHARED);
            line.set(chosen);
            chosen
        }
        chosen => chosen,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_many_threads_add_up() {
        let counters: Counters<2> = Counters::new();

        std::thread::scope(|scope| {
            for _ in 0..2 * LINES {
                scope.spawn(|| (0..1_000).for_each(|_| counters.count(1)));
            }
        });

        assert_eq!(counters.sums(), [0, 128_000]);
    }
}
