//! Figures that other rooms keep, read when somebody looks: the verifier's and the store's.

use std::fmt;

use claviger_service::Service;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

/// Reads the verifier and the store at every scrape.
pub(crate) struct Figures(pub(crate) Service);

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let verifier = self.0.verifier();
        let help = "Checks of presented tokens, by decision";
        let mut decisions =
            encoder.encode_descriptor("claviger_verify_decisions", help, None, MetricType::Counter)?;
        for (code, count) in verifier.decisions() {
            decisions
                .encode_family(&[("code", code)])?
                .encode_counter::<NoLabelSet, _, u64>(&count, None)?;
        }
        let mut gauge = |name, help, value: u64| {
            encoder
                .encode_descriptor(name, help, None, MetricType::Gauge)?
                .encode_gauge(&value)
        };
        gauge(
            "claviger_verify_tokens",
            "Tokens that the verifier knows",
            verifier.len(),
        )?;
        let bytes = u64::try_from(verifier.memory_bytes()).unwrap_or(u64::MAX);
        gauge("claviger_verify_memory_bytes", "Memory of the token index", bytes)?;

        let store = self.0.store().stats();
        gauge(
            "claviger_store_queue",
            "Changes that wait for the writer",
            store.queue_length,
        )?;
        gauge(
            "claviger_store_writer_stopped",
            "1 when a failed commit stopped the writer",
            u64::from(store.writer_stopped),
        )?;
        gauge(
            "claviger_store_disconnected",
            "1 while the database cannot be reached",
            u64::from(store.disconnected),
        )?;
        let mut counter = |name, help, value: u64| {
            encoder
                .encode_descriptor(name, help, None, MetricType::Counter)?
                .encode_counter::<NoLabelSet, _, u64>(&value, None)
        };
        counter(
            "claviger_store_commits",
            "Commits, each of one or more changes",
            store.batches,
        )?;
        counter(
            "claviger_store_changes",
            "Changes run in commits",
            store.operations,
        )?;
        counter(
            "claviger_store_failed_commits",
            "Commits that failed",
            store.failed_commits,
        )?;
        counter(
            "claviger_store_reconnects",
            "Times the database was taken again",
            store.reconnects,
        )
    }
}

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Figures")
    }
}
