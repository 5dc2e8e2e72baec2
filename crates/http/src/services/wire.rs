//! Between the wire types of services and the domain's.

use claviger_api::services as api;
use claviger_domain::service::Service;

use crate::idempotency::render;

/// A service.
pub(crate) fn service(service: &Service) -> api::Service {
    api::Service {
        id: service.id.to_string(),
        name: service.name.as_str().to_owned(),
        team: service.team.to_string(),
        description: service.description.as_str().to_owned(),
        created_at: service.created_at.to_string(),
        updated_at: service.updated_at.to_string(),
    }
}

/// The same as bytes: an idempotent answer is kept as such.
pub(crate) fn rendered(made: &Service) -> Vec<u8> {
    render(&service(made))
}
