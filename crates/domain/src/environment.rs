//! Environments: where services run.

use crate::name::{Description, Label};
use crate::{EnvironmentId, OrgId, Timestamp};

/// The most environments of an organization.
pub const MAX_ENVIRONMENTS: u64 = 100;
/// The names, in normal form, of environments that are production unless somebody says otherwise.
const PRODUCTION_NAMES: [&str; 2] = ["production", "prod"];

/// An environment to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEnvironment {
    /// Unique in the organization.
    pub name: Label,
    /// True when what breaks there breaks for customers.
    pub is_production: bool,
    /// For people.
    pub description: Description,
}

/// An environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// The handle.
    pub id: EnvironmentId,
    /// The tenant.
    pub org: OrgId,
    /// Unique in the organization.
    pub name: Label,
    /// True when what breaks there breaks for customers.
    pub is_production: bool,
    /// For people.
    pub description: Description,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl NewEnvironment {
    /// An environment to create. Unless `production` says, one called "production" or "prod", in any spelling, is production.
    pub fn new(name: Label, production: Option<bool>, description: Description) -> Self {
        let is_production = production.unwrap_or_else(|| PRODUCTION_NAMES.contains(&name.key().as_str()));
        Self {
            name,
            is_production,
            description,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_production(name: &str, said: Option<bool>) -> bool {
        let name = Label::parse("name", name).unwrap();
        NewEnvironment::new(name, said, Description::default()).is_production
    }

    #[test]
    fn a_production_name_makes_production_unless_somebody_says_otherwise() {
        for name in ["production", "Prod", "ＰＲＯＤ"] {
            assert!(is_production(name, None), "{name}");
            assert!(!is_production(name, Some(false)), "{name}");
        }
        for name in ["staging", "pre-production", "production 2"] {
            assert!(!is_production(name, None), "{name}");
            assert!(is_production(name, Some(true)), "{name}");
        }
    }
}
