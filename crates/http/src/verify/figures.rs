//! What the verify door counts: answers by status class, and how long they took.
//!
//! Every thread counts in a place of its own, so that no cache line is passed around between cores; the sums are made when somebody looks
//! (performance.md, traps).

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use crossbeam_utils::CachePadded;
use http::StatusCode;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Unit;

/// Places; more threads than this share.
const SHARDS: usize = 64;
/// Upper bounds of the buckets: 1 µs, doubling to 16 ms; the last bucket has none.
const BUCKETS: usize = 16;

/// The figures of the verify door.
pub(crate) struct VerifyFigures(Box<[CachePadded<Shard>]>);

#[derive(Default)]
struct Shard {
    classes: [AtomicU64; 5],
    buckets: [AtomicU64; BUCKETS],
    nanoseconds: AtomicU64,
}

impl VerifyFigures {
    pub(crate) fn new() -> Self {
        Self((0..SHARDS).map(|_| CachePadded::default()).collect())
    }

    /// Counts one answer.
    pub(crate) fn count(&self, status: StatusCode, took: Duration) {
        thread_local! {
            static PLACE: usize = {
                static NEXT: AtomicUsize = AtomicUsize::new(0);
                NEXT.fetch_add(1, Relaxed) % SHARDS
            };
        }
        let shard = &self.0[PLACE.with(|place| *place)];
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = shard.classes.get(class) {
            counter.fetch_add(1, Relaxed);
        }
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        shard.buckets[bucket(nanoseconds)].fetch_add(1, Relaxed);
        shard.nanoseconds.fetch_add(nanoseconds, Relaxed);
    }

    /// Moves the counts of answers into the counters of the route.
    pub(crate) fn drain_into(&self, classes: &[Counter; 5]) {
        for shard in &self.0 {
            for (counted, counter) in shard.classes.iter().zip(classes) {
                counter.inc_by(counted.swap(0, Relaxed));
            }
        }
    }
}

/// The bucket of a duration: by the number of its bits above a microsecond.
fn bucket(nanoseconds: u64) -> usize {
    let microseconds_up = nanoseconds.div_ceil(1_000).max(1);
    let place = (microseconds_up - 1).checked_ilog2().map_or(0, |bits| bits + 1);
    usize::try_from(place).map_or(BUCKETS - 1, |place| place.min(BUCKETS - 1))
}

impl Collector for VerifyFigures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let sum = |read: &dyn Fn(&Shard) -> &AtomicU64| {
            self.0.iter().map(|shard| read(shard).load(Relaxed)).sum::<u64>()
        };
        let counts: [u64; BUCKETS] = std::array::from_fn(|place| sum(&|shard| &shard.buckets[place]));
        let bound = |place: usize| match u32::try_from(place) {
            Ok(place) if usize::try_from(place).is_ok_and(|place| place < BUCKETS - 1) => {
                1e-6 * f64::from(1_u32 << place)
            }
            _ => f64::INFINITY,
        };
        let buckets: [(f64, u64); BUCKETS] = std::array::from_fn(|place| (bound(place), counts[place]));
        let seconds = Duration::from_nanos(sum(&|shard| &shard.nanoseconds)).as_secs_f64();
        encoder
            .encode_descriptor(
                "claviger_verify_request_duration",
                "From the header of a verify request to its answer",
                Some(&Unit::Seconds),
                MetricType::Histogram,
            )?
            .encode_histogram::<NoLabelSet>(seconds, counts.iter().sum(), &buckets, None)
    }
}

impl fmt::Debug for VerifyFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifyFigures")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_bucket_that_it_does_not_exceed() {
        for (nanoseconds, expected) in [
            (0, 0),
            (1_000, 0),
            (1_001, 1),
            (2_000, 1),
            (2_001, 2),
            (4_000, 2),
            (16_384_000, 14),
        ] {
            assert_eq!(bucket(nanoseconds), expected, "{nanoseconds} ns");
        }
        assert_eq!(bucket(16_384_001), BUCKETS - 1);
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn counts_move_into_the_counters_once() {
        let figures = VerifyFigures::new();
        let classes: [Counter; 5] = Default::default();
        figures.count(StatusCode::OK, Duration::from_micros(3));
        figures.count(StatusCode::UNAUTHORIZED, Duration::from_micros(3));

        figures.drain_into(&classes);
        figures.drain_into(&classes);

        assert_eq!(classes.map(|counter| counter.get()), [0, 1, 0, 1, 0]);
    }
}
