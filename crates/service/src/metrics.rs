//! What the operations count. Static handles; `http` serves them, and adds the verifier's own counters.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::reminders::Tried;

/// Counters and histograms of the operations.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// From the durable commit of a narrowing change until every verifier had it.
    pub revocation_visibility: Histogram,
    /// Tokens issued.
    pub issued: Counter,
    /// Tokens revoked.
    pub revoked: Counter,
    /// Idempotent answers that were repeated.
    pub replayed: Counter,
    /// Last uses written.
    pub uses_flushed: Counter,
    /// Password hashes made, those for nothing included.
    pub password_hashes: Counter,
    /// Sign-ins and confirmations that failed, those that were not looked at included.
    pub failed_sign_ins: Counter,
    /// Background work that failed and will be tried again.
    pub job_failures: Counter,
    /// Tries to tell a webhook or a person, by channel and outcome.
    pub deliveries: Family<Tried, Counter>,
}

impl Metrics {
    /// Registers all of them under their documented names.
    pub fn register(registry: &mut Registry) -> Self {
        // 50 µs to 1.6 s, doubling.
        let buckets = (0..16).map(|step| 50e-6 * f64::from(1 << step));
        let metrics = Self {
            revocation_visibility: Histogram::new(buckets),
            issued: Counter::default(),
            revoked: Counter::default(),
            replayed: Counter::default(),
            uses_flushed: Counter::default(),
            password_hashes: Counter::default(),
            failed_sign_ins: Counter::default(),
            job_failures: Counter::default(),
            deliveries: Family::default(),
        };
        registry.register_with_unit(
            "claviger_revocation_visibility",
            "From the durable commit of a narrowing change until every verifier had it",
            Unit::Seconds,
            metrics.revocation_visibility.clone(),
        );
        registry.register("claviger_tokens_issued", "Tokens issued", metrics.issued.clone());
        registry.register(
            "claviger_tokens_revoked",
            "Tokens revoked",
            metrics.revoked.clone(),
        );
        registry.register(
            "claviger_idempotent_replays",
            "Answers repeated for an Idempotency-Key",
            metrics.replayed.clone(),
        );
        registry.register(
            "claviger_last_uses_flushed",
            "Last uses written to the store",
            metrics.uses_flushed.clone(),
        );
        registry.register(
            "claviger_password_hashes",
            "Password hashes made",
            metrics.password_hashes.clone(),
        );
        registry.register(
            "claviger_failed_sign_ins",
            "Sign-ins that failed",
            metrics.failed_sign_ins.clone(),
        );
        registry.register(
            "claviger_job_failures",
            "Background work that failed and is tried again",
            metrics.job_failures.clone(),
        );
        registry.register(
            "claviger_delivery_attempts",
            "Tries to tell a webhook or, by mail, a person",
            metrics.deliveries.clone(),
        );
        metrics
    }
}
