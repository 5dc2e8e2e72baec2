//! The atomics that the index is built from: the processor's, or `loom`'s under `--cfg loom`.
//!
//! `OnceLock` stays the standard library's in both: it only publishes memory, and `loom`, which does not see that edge, then
//! explores more orders than there are, never fewer. Used by everything under [`crate::index`].

#[cfg(not(loom))]
pub(crate) use core::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};

/// Reading a value that the same function is about to replace.
///
/// To the processor this is a load. `loom` 0.7 remembers only the last access of each atomic, so a writer's own load hides a
/// reader's load before it, and the order "that store, then that load" is never tried: models would pass without having explored
/// it. As a read-modify-write that changes nothing the access counts as a store. It adds no order: a release sequence goes on
/// through it.
pub(crate) trait LoadToChange<T> {
    /// The present value, acquired.
    fn load_to_change(&self) -> T;
}

macro_rules! load_to_change {
    ($($atomic:ident = $value:ty;)+) => {$(
        impl LoadToChange<$value> for $atomic {
            #[cfg(not(loom))]
            #[inline]
            fn load_to_change(&self) -> $value {
                self.load(Ordering::Acquire)
            }

            #[cfg(loom)]
            fn load_to_change(&self) -> $value {
                self.fetch_or(0, Ordering::Acquire)
            }
        }
    )+};
}

load_to_change! {
    AtomicU32 = u32;
    AtomicU64 = u64;
}
