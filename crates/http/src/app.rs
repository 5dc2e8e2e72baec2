//! The state of the router: the operations, the figures, and what the layers need. Made once by `server`; cheap to clone.

use std::sync::Arc;

use claviger_domain::Timestamp;
use claviger_service::Service;
use claviger_token::RandomUnavailable;
use claviger_verify::Verifier;
use http::Method;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use crate::clients::{ClientRules, Clients};
use crate::layers::Edge;
use crate::layers::body::RequestLimits;
use crate::layers::metrics::RequestMetrics;
use crate::layers::request_id::RequestIds;
use crate::system::figures::Figures;
use crate::verify::door;
use crate::verify::figures::VerifyFigures;

/// The state of the router.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    service: Service,
    registry: Registry,
    edge: Arc<Edge>,
    verify_figures: Arc<VerifyFigures>,
    verify_answers: [Counter; 5],
}

impl App {
    /// The state for `service`. `registry` holds what the other rooms count; the figures of this one are added.
    ///
    /// # Errors
    /// When the random source gives nothing to begin the request ids with.
    pub fn new(
        service: Service,
        mut registry: Registry,
        limits: RequestLimits,
        clients: ClientRules,
    ) -> Result<Self, RandomUnavailable> {
        let metrics = RequestMetrics::register(&mut registry);
        let verify_figures = Arc::new(VerifyFigures::new());
        registry.register_collector(Box::new(Arc::clone(&verify_figures)));
        registry.register_collector(Box::new(Figures(service.clone())));
        let verify_answers = metrics.classes_of(&Method::POST, door::PATH);
        let edge = Arc::new(Edge {
            ids: RequestIds::new(&**service.random())?,
            clock: Arc::clone(service.clock()),
            metrics,
            limits,
            clients: Clients::new(clients),
        });
        Ok(Self(Arc::new(Inner {
            service,
            registry,
            edge,
            verify_figures,
            verify_answers,
        })))
    }

    /// The operations.
    pub fn service(&self) -> &Service {
        &self.0.service
    }

    /// The verifier that every door asks.
    pub fn verifier(&self) -> &Verifier {
        self.0.service.verifier()
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        self.0.service.clock().now()
    }

    /// The figures of all rooms.
    pub(crate) fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// What the layers need.
    pub(crate) fn edge(&self) -> &Arc<Edge> {
        &self.0.edge
    }

    /// What the verify door counts.
    pub(crate) fn verify_figures(&self) -> &VerifyFigures {
        &self.0.verify_figures
    }

    /// Brings the counters up to date that are kept elsewhere while nobody looks.
    pub(crate) fn gather(&self) {
        self.0.verify_figures.drain_into(&self.0.verify_answers);
    }
}
