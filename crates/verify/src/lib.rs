//! The hot path: digest to record to decision, in memory, without waiting.
