//! The state of the router: the operations, the figures, and what the layers need. Made once by `server`; cheap to clone.

use std::sync::Arc;

use claviger_domain::Timestamp;
use claviger_service::Service;
use claviger_token::RandomUnavailable;
use claviger_verify::Verifier;
use prometheus_client::registry::Registry;

use crate::layers::Edge;
use crate::layers::body::RequestLimits;
use crate::layers::metrics::RequestMetrics;
use crate::layers::request_id::RequestIds;

/// The state of the router.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    service: Service,
    registry: Registry,
    edge: Arc<Edge>,
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
    ) -> Result<Self, RandomUnavailable> {
        let edge = Edge {
            ids: RequestIds::new(&**service.random())?,
            clock: Arc::clone(service.clock()),
            metrics: RequestMetrics::register(&mut registry),
            limits,
        };
        Ok(Self(Arc::new(Inner {
            service,
            registry,
            edge: Arc::new(edge),
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
}
