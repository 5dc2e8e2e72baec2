//! Deployments: a version that was put into an environment.

use serde::{Deserialize, Serialize};

use crate::name::Label;
use crate::owner::Principal;
use crate::{DeploymentId, FieldError, OrgId, Timestamp};

/// The environment when the caller names none.
pub const DEFAULT_ENVIRONMENT: &str = "production";

/// How a deployment went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentResult {
    /// The version runs.
    Succeeded,
    /// It does not.
    Failed,
    /// It was taken back.
    RolledBack,
    /// It was stopped before it finished.
    Canceled,
}

/// What a caller reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDeployment {
    /// The service, by name.
    pub service: Label,
    /// The version, as its team writes it.
    pub version: Label,
    /// The commit or tag.
    pub reference: Option<Label>,
    /// The environment, by name.
    pub environment: Label,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Timestamp,
    /// How it went.
    pub result: DeploymentResult,
}

/// A reported deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// The handle.
    pub id: DeploymentId,
    /// The tenant.
    pub org: OrgId,
    /// What was reported.
    pub report: NewDeployment,
    /// The token that reported it, a person's too; the person, when they were signed in.
    pub reported_by: Principal,
    /// When the report arrived.
    pub created_at: Timestamp,
}

impl DeploymentResult {
    /// Every result.
    pub const ALL: [Self; 4] = [Self::Succeeded, Self::Failed, Self::RolledBack, Self::Canceled];

    /// The stored and shown text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::RolledBack => "rolled_back",
            Self::Canceled => "canceled",
        }
    }

    /// Reads the stored text.
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|result| result.as_str() == text)
    }
}

impl NewDeployment {
    /// Checks the order of the two instants, and that the deployment is not reported before it ended.
    ///
    /// A sender's clock may run a little ahead: five minutes are forgiven.
    ///
    /// # Errors
    /// `deployment_ends_before_start`, `deployment_in_future`.
    pub fn check(&self, now: Timestamp) -> Result<(), FieldError> {
        if self.started_at.is_some_and(|start| start > self.finished_at) {
            return Err(FieldError::new(
                "started_at",
                "deployment_ends_before_start",
                "`started_at` lies after `finished_at`",
            ));
        }
        if self.finished_at > now + std::time::Duration::from_secs(300) {
            return Err(FieldError::new(
                "finished_at",
                "deployment_in_future",
                "`finished_at` lies in the future",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(started: Option<i64>, finished: i64) -> NewDeployment {
        let label = |text| Label::parse("field", text).unwrap();
        NewDeployment {
            service: label("search"),
            version: label("1.4.2"),
            reference: None,
            environment: label("production"),
            started_at: started.map(Timestamp::from_seconds),
            finished_at: Timestamp::from_seconds(finished),
            result: DeploymentResult::Succeeded,
        }
    }

    #[test]
    fn a_deployment_ends_after_it_began_and_before_it_is_reported() {
        let now = Timestamp::from_seconds(1_000);

        assert!(report(Some(900), 1_000).check(now).is_ok());
        assert!(
            report(None, 1_300).check(now).is_ok(),
            "a clock five minutes ahead is forgiven"
        );
        assert_eq!(
            report(Some(950), 949).check(now).unwrap_err().code,
            "deployment_ends_before_start"
        );
        assert_eq!(
            report(None, 1_301).check(now).unwrap_err().code,
            "deployment_in_future"
        );
    }
}
