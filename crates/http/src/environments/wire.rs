//! Between the wire types of environments and the domain's.

use claviger_api::environments as api;
use claviger_domain::environment::Environment;

use crate::idempotency::render;

/// An environment.
pub(crate) fn environment(environment: &Environment) -> api::Environment {
    api::Environment {
        id: environment.id.to_string(),
        name: environment.name.as_str().to_owned(),
        production: environment.is_production,
        description: environment.description.as_str().to_owned(),
        created_at: environment.created_at.to_string(),
        updated_at: environment.updated_at.to_string(),
    }
}

/// The same as bytes: an idempotent answer is kept as such.
pub(crate) fn rendered(made: &Environment) -> Vec<u8> {
    render(&environment(made))
}
