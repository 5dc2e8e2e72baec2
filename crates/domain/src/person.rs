//! People: their accounts, and the invitations by which they come.
//!
//! What a person may do is in [`crate::owner`]; what a password must be, in [`crate::password`].

use std::time::Duration;

use crate::owner::{Membership, Principal, Role};
use crate::role::Assignment;
use crate::terms::RateLimit;
use crate::{FieldError, InvitationId, OrgId, TeamId, Timestamp, UserId};

/// How long an invitation is good for, in days, unless the caller says less.
pub const INVITATION_DAYS: u32 = 7;
/// The most teams that one invitation names.
pub const INVITATION_MAX_TEAMS: usize = 100;
/// Days that the first token of a new person lives.
pub const FIRST_TOKEN_DAYS: u32 = 30;
/// How long a password reset is good for.
pub const RESET_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// Whether a person may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonState {
    /// May act.
    Active,
    /// May not: every token of theirs is refused.
    Deactivated,
}

/// A team that a person belongs to, as the person's record shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonTeam {
    /// The handle.
    pub team: TeamId,
    /// Its name.
    pub name: String,
    /// What the person is there.
    pub role: crate::owner::TeamRole,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The handle.
    pub id: UserId,
    /// The tenant.
    pub org: OrgId,
    /// The address, as it was given.
    pub email: String,
    /// The name; `None` until somebody says it.
    pub name: Option<String>,
    /// What the person is in the organization.
    pub role: Role,
    /// What the person is in teams, by the teams' names.
    pub teams: Vec<PersonTeam>,
    /// What else the person may do, to which resources of the organization's own kinds.
    pub roles: Vec<Assignment>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it was deactivated.
    pub deactivated_at: Option<Timestamp>,
    /// How often all of the person's tokens together are accepted.
    pub rate_limit: Option<RateLimit>,
    /// True when there is a password.
    pub has_password: bool,
}

/// Where an invitation stands at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationState {
    /// It can be accepted.
    Open,
    /// It was.
    Accepted,
    /// It was taken back.
    Withdrawn,
    /// Its time is over.
    Expired,
}

/// An invitation into an organization. The secret is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The handle.
    pub id: InvitationId,
    /// The tenant.
    pub org: OrgId,
    /// Whom it is for.
    pub email: String,
    /// The role that its bearer gets.
    pub role: Role,
    /// The teams that its bearer joins.
    pub teams: Vec<Membership>,
    /// Who invited.
    pub created_by: Principal,
    /// When.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was accepted.
    pub accepted_at: Option<Timestamp>,
    /// When it was taken back.
    pub withdrawn_at: Option<Timestamp>,
}

// === impl PersonState ===

impl PersonState {
    /// The shown text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deactivated => "deactivated",
        }
    }
}

// === impl Person ===

impl Person {
    /// Whether the person may act.
    pub const fn state(&self) -> PersonState {
        match self.deactivated_at {
            None => PersonState::Active,
            Some(_) => PersonState::Deactivated,
        }
    }
}

// === impl Invitation ===

impl Invitation {
    /// Where it stands at `now`. What somebody did is said before what time did; expired means `now >= expires_at`.
    pub fn state(&self, now: Timestamp) -> InvitationState {
        if self.accepted_at.is_some() {
            InvitationState::Accepted
        } else if self.withdrawn_at.is_some() {
            InvitationState::Withdrawn
        } else if now >= self.expires_at {
            InvitationState::Expired
        } else {
            InvitationState::Open
        }
    }
}

/// The end of a new invitation.
///
/// # Errors
/// `invitation_days_out_of_range` unless `days` is 1 to 7.
pub fn invitation_end(days: Option<u32>, now: Timestamp) -> Result<Timestamp, FieldError> {
    let days = days.unwrap_or(INVITATION_DAYS);
    if (1..=INVITATION_DAYS).contains(&days) {
        return Ok(now.plus_days(days).truncated_to_millis());
    }
    Err(FieldError::new(
        "expires_in_days",
        "invitation_days_out_of_range",
        format!("an invitation is good for 1 to {INVITATION_DAYS} days"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_ends_once_and_for_one_reason() {
        let at = Timestamp::from_seconds;
        let open = Invitation {
            id: InvitationId::from_i64(1),
            org: OrgId::from_i64(1),
            email: "ada@example.org".into(),
            role: Role::Member,
            teams: Vec::new(),
            created_by: Principal::User(UserId::from_i64(1)),
            created_at: at(0),
            expires_at: at(100),
            accepted_at: None,
            withdrawn_at: None,
        };
        let accepted = Invitation {
            accepted_at: Some(at(50)),
            ..open.clone()
        };
        let withdrawn = Invitation {
            withdrawn_at: Some(at(50)),
            ..open.clone()
        };

        assert_eq!(open.state(at(99)), InvitationState::Open);
        assert_eq!(open.state(at(100)), InvitationState::Expired);
        assert_eq!(accepted.state(at(100)), InvitationState::Accepted);
        assert_eq!(withdrawn.state(at(99)), InvitationState::Withdrawn);
    }

    #[test]
    fn an_invitation_lives_one_to_seven_days() {
        let now = Timestamp::from_seconds(0);

        assert_eq!(invitation_end(None, now), invitation_end(Some(7), now));
        assert_eq!(invitation_end(Some(1), now), Ok(Timestamp::from_seconds(86_400)));
        for days in [0, 8, u32::MAX] {
            let refused = invitation_end(Some(days), now).unwrap_err();
            assert_eq!(refused.code, "invitation_days_out_of_range", "{days}");
        }
    }
}
