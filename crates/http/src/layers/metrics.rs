//! What the HTTP door counts: answers by route and status class, and how long they took.
//!
//! A route is its pattern (`/v1/tokens/{id}`), never a path: the number of series is bounded by the code, not by callers.

use std::fmt::Write;
use std::time::Duration;

use http::{Method, StatusCode};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Counters and histograms of the HTTP door. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct RequestMetrics {
    requests: Family<Answered, Counter>,
    durations: Family<Routed, Histogram, fn() -> Histogram>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: KnownMethod,
    route: String,
    status: StatusClass,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Routed {
    route: String,
}

/// A method of the API; callers can invent others, which count as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct KnownMethod(&'static str);

/// `2xx` and its like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct StatusClass(u16);

impl RequestMetrics {
    /// Registers them under their documented names.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(new_histogram),
        };
        registry.register(
            "claviger_http_requests",
            "Requests answered",
            metrics.requests.clone(),
        );
        registry.register_with_unit(
            "claviger_http_request_duration",
            "From a request's header to its answer's header",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        metrics
    }

    /// Counts one answer. Cost: two shared locks and a copy of `route`.
    pub(crate) fn count(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let route = route.to_owned();
        let answered = Answered {
            method: KnownMethod(known(method)),
            route: route.clone(),
            status: StatusClass(status.as_u16() / 100),
        };
        self.requests.get_or_create(&answered).inc();
        self.durations
            .get_or_create(&Routed { route })
            .observe(took.as_secs_f64());
    }

    /// The counters of one route by status class, `1xx` first: for a door that counts by itself.
    pub(crate) fn classes_of(&self, method: &Method, route: &str) -> [Counter; 5] {
        [1, 2, 3, 4, 5].map(|class| {
            let answered = Answered {
                method: KnownMethod(known(method)),
                route: route.to_owned(),
                status: StatusClass(class),
            };
            self.requests.get_or_create_owned(&answered)
        })
    }
}

/// 50 µs to 1.6 s, doubling.
fn new_histogram() -> Histogram {
    Histogram::new((0..16).map(|step| 50e-6 * f64::from(1_u32 << step)))
}

/// The methods that are told apart.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// The method's name, or `other` for one that a caller made up.
pub(super) fn known(method: &Method) -> &'static str {
    METHODS
        .into_iter()
        .find(|known| *known == method.as_str())
        .unwrap_or("other")
}

impl EncodeLabelValue for KnownMethod {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        encoder.write_str(self.0)
    }
}

impl EncodeLabelValue for StatusClass {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        write!(encoder, "{}xx", self.0)
    }
}
