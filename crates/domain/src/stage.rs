//! Stages: the steps of a release, in order, each in an environment.
//!
//! The positions of an organization's stages are 1, 2, 3, … without a gap; whoever inserts or moves one shifts the others.

use crate::name::Label;
use crate::{EnvironmentId, FieldError, OrgId, StageId, Timestamp};

/// The most stages of an organization.
pub const MAX_STAGES: u64 = 100;

/// A stage to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStage {
    /// Unique in the organization.
    pub name: Label,
    /// Where the release runs at this step.
    pub environment: EnvironmentId,
    /// Its place, counted from 1; `None` = after the last.
    pub position: Option<u32>,
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The handle.
    pub id: StageId,
    /// The tenant.
    pub org: OrgId,
    /// Unique in the organization.
    pub name: Label,
    /// Where the release runs at this step.
    pub environment: EnvironmentId,
    /// Its place, counted from 1.
    pub position: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When name, environment or its own place was last changed.
    pub updated_at: Timestamp,
}

/// Checks a wished place among stages whose last place is `last`, the wished one included.
///
/// # Errors
/// `position_out_of_range`.
pub fn check_position(position: u32, last: u32) -> Result<u32, FieldError> {
    if (1..=last).contains(&position) {
        return Ok(position);
    }
    Err(FieldError::new(
        "position",
        "position_out_of_range",
        format!("between 1 and {last}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_between_the_first_and_the_last() {
        assert_eq!(check_position(1, 1), Ok(1));
        assert_eq!(check_position(3, 3), Ok(3));
        for (position, last) in [(0, 3), (4, 3), (u32::MAX, 3), (1, 0)] {
            assert_eq!(
                check_position(position, last).unwrap_err().code,
                "position_out_of_range"
            );
        }
    }
}
