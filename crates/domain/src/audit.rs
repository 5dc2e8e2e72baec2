//! The audit trail: one event per change, each bound to the one before it by a hash.
//!
//! This room knows what an event is and which bytes are hashed; `service::audit` computes the chain and keeps its head.

use crate::{OrgId, SessionId, Timestamp, TokenId, UserId};

/// What happened. The text is stable once released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The installation was set up.
    SetupCompleted,
    /// A token was issued.
    TokenIssued,
    /// Name, description, expiry or scopes changed.
    TokenUpdated,
    /// The secret was replaced.
    TokenRegenerated,
    /// The old secret of a token was ended before its time.
    TokenOverlapEnded,
    /// A token was ended by someone.
    TokenRevoked,
    /// A dead record was dropped.
    TokenDeleted,
    /// A deployment was reported.
    DeploymentReported,
    /// A team was made.
    TeamCreated,
    /// A team's name or description changed.
    TeamUpdated,
    /// A team was dissolved.
    TeamDeleted,
    /// A person joined a team.
    TeamMemberAdded,
    /// A person's role in a team changed.
    TeamMemberChanged,
    /// A person left a team.
    TeamMemberRemoved,
    /// A service was made.
    ServiceCreated,
    /// A service's name, description or team changed.
    ServiceUpdated,
    /// A service was dropped.
    ServiceDeleted,
    /// An environment was made.
    EnvironmentCreated,
    /// An environment changed.
    EnvironmentUpdated,
    /// An environment was dropped.
    EnvironmentDeleted,
    /// A stage was put into the order.
    StageCreated,
    /// A stage changed, or moved in the order.
    StageUpdated,
    /// A stage was taken out of the order.
    StageDeleted,
    /// A person was invited.
    UserInvited,
    /// An invitation was taken back.
    InvitationWithdrawn,
    /// A person accepted an invitation.
    UserJoined,
    /// A person's name changed.
    UserUpdated,
    /// A person's role changed.
    UserRoleChanged,
    /// A person may no longer act.
    UserDeactivated,
    /// A person may act again.
    UserReactivated,
    /// A person has a new password.
    UserPasswordChanged,
    /// Somebody was given the means to choose a new password for a person.
    UserPasswordResetIssued,
    /// A person was assigned other roles on resources.
    UserRolesAssigned,
    /// A role was written.
    RoleWritten,
    /// A role was dropped.
    RoleDeleted,
    /// A kind of resource was written.
    KindWritten,
    /// A kind of resource was dropped.
    KindDeleted,
    /// Somebody tried to sign in as a person and did not have the password.
    UserSignInFailed,
    /// A person signed in.
    SessionStarted,
    /// A signed-in person showed the password again.
    SessionConfirmed,
    /// A session was ended before its time.
    SessionEnded,
    /// A webhook was made.
    WebhookCreated,
    /// A webhook changed.
    WebhookUpdated,
    /// A webhook was dropped.
    WebhookDeleted,
    /// A webhook got a new signing secret.
    WebhookSecretRotated,
    /// A webhook said that it is gone, and is told nothing more.
    WebhookDisabled,
    /// A webhook was sent a test.
    WebhookTested,
    /// A delivery was sent once more.
    DeliveryRetried,
    /// A calendar feed was made.
    CalendarFeedCreated,
    /// A calendar feed was ended.
    CalendarFeedRevoked,
    /// The policy for new tokens was written.
    PolicyWritten,
    /// A new pepper took over.
    PepperRotated,
    /// The previous pepper was given up.
    PepperRetired,
    /// An older copy of the store was brought up to the revocation journal.
    StoreRestored,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 54] = [
        Self::SetupCompleted,
        Self::TokenIssued,
        Self::TokenUpdated,
        Self::TokenRegenerated,
        Self::TokenOverlapEnded,
        Self::TokenRevoked,
        Self::TokenDeleted,
        Self::DeploymentReported,
        Self::TeamCreated,
        Self::TeamUpdated,
        Self::TeamDeleted,
        Self::TeamMemberAdded,
        Self::TeamMemberChanged,
        Self::TeamMemberRemoved,
        Self::ServiceCreated,
        Self::ServiceUpdated,
        Self::ServiceDeleted,
        Self::EnvironmentCreated,
        Self::EnvironmentUpdated,
        Self::EnvironmentDeleted,
        Self::StageCreated,
        Self::StageUpdated,
        Self::StageDeleted,
        Self::UserInvited,
        Self::InvitationWithdrawn,
        Self::UserJoined,
        Self::UserUpdated,
        Self::UserRoleChanged,
        Self::UserDeactivated,
        Self::UserReactivated,
        Self::UserPasswordChanged,
        Self::UserPasswordResetIssued,
        Self::UserRolesAssigned,
        Self::RoleWritten,
        Self::RoleDeleted,
        Self::KindWritten,
        Self::KindDeleted,
        Self::UserSignInFailed,
        Self::SessionStarted,
        Self::SessionConfirmed,
        Self::SessionEnded,
        Self::WebhookCreated,
        Self::WebhookUpdated,
        Self::WebhookDeleted,
        Self::WebhookSecretRotated,
        Self::WebhookDisabled,
        Self::WebhookTested,
        Self::DeliveryRetried,
        Self::CalendarFeedCreated,
        Self::CalendarFeedRevoked,
        Self::PolicyWritten,
        Self::PepperRotated,
        Self::PepperRetired,
        Self::StoreRestored,
    ];

    /// The stored and shown text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SetupCompleted => "setup.completed",
            Self::TokenIssued => "token.issued",
            Self::TokenUpdated => "token.updated",
            Self::TokenRegenerated => "token.regenerated",
            Self::TokenOverlapEnded => "token.overlap_ended",
            Self::TokenRevoked => "token.revoked",
            Self::TokenDeleted => "token.deleted",
            Self::DeploymentReported => "deployment.reported",
            Self::TeamCreated => "team.created",
            Self::TeamUpdated => "team.updated",
            Self::TeamDeleted => "team.deleted",
            Self::TeamMemberAdded => "team.member_added",
            Self::TeamMemberChanged => "team.member_changed",
            Self::TeamMemberRemoved => "team.member_removed",
            Self::ServiceCreated => "service.created",
            Self::ServiceUpdated => "service.updated",
            Self::ServiceDeleted => "service.deleted",
            Self::EnvironmentCreated => "environment.created",
            Self::EnvironmentUpdated => "environment.updated",
            Self::EnvironmentDeleted => "environment.deleted",
            Self::StageCreated => "stage.created",
            Self::StageUpdated => "stage.updated",
            Self::StageDeleted => "stage.deleted",
            Self::UserInvited => "user.invited",
            Self::InvitationWithdrawn => "invitation.withdrawn",
            Self::UserJoined => "user.joined",
            Self::UserUpdated => "user.updated",
            Self::UserRoleChanged => "user.role_changed",
            Self::UserDeactivated => "user.deactivated",
            Self::UserReactivated => "user.reactivated",
            Self::UserPasswordChanged => "user.password_changed",
            Self::UserPasswordResetIssued => "user.password_reset_issued",
            Self::RoleWritten => "role.written",
            Self::RoleDeleted => "role.deleted",
            Self::KindWritten => "kind.written",
            Self::KindDeleted => "kind.deleted",
            Self::UserRolesAssigned => "user.roles_assigned",
            Self::UserSignInFailed => "user.sign_in_failed",
            Self::SessionStarted => "session.started",
            Self::SessionConfirmed => "session.confirmed",
            Self::SessionEnded => "session.ended",
            Self::WebhookCreated => "webhook.created",
            Self::WebhookUpdated => "webhook.updated",
            Self::WebhookDeleted => "webhook.deleted",
            Self::WebhookSecretRotated => "webhook.secret_rotated",
            Self::WebhookDisabled => "webhook.disabled",
            Self::WebhookTested => "webhook.tested",
            Self::DeliveryRetried => "delivery.retried",
            Self::CalendarFeedCreated => "calendar_feed.created",
            Self::CalendarFeedRevoked => "calendar_feed.revoked",
            Self::PolicyWritten => "policy.written",
            Self::PepperRotated => "pepper.rotated",
            Self::PepperRetired => "pepper.retired",
            Self::StoreRestored => "store.restored",
        }
    }
}

/// Who did it, in the form of the audit trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A person, through this token.
    User(UserId, TokenId),
    /// A person who is signed in.
    SignedIn(UserId, SessionId),
    /// A token that acts as itself.
    Token(TokenId),
    /// A person without token and session, who brought something else: an invitation, a password reset, the password.
    Person(UserId),
    /// Whoever held the token and nothing else: the finder of a leak.
    Holder(TokenId),
    /// The person at the machine, before there is any account.
    Operator,
    /// The server itself.
    System,
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(user, _) | Self::SignedIn(user, _) | Self::Person(user) => write!(f, "{user}"),
            Self::Token(token) => write!(f, "{token}"),
            Self::Holder(token) => write!(f, "holder:{token}"),
            Self::Operator => f.write_str("operator"),
            Self::System => f.write_str("system"),
        }
    }
}

/// One event as it is hashed, stored, listed and exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Place in the chain: 1, 2, 3, … without a gap.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The tenant.
    pub org: OrgId,
    /// Who, as [`Actor`] writes it.
    pub actor: String,
    /// The token or session that the actor presented, if any.
    pub via: Option<String>,
    /// What, as [`Action`] writes it.
    pub action: String,
    /// The thing that changed, by its id.
    pub subject: String,
    /// What changed, as a JSON object. Never a secret, never a digest.
    pub detail: String,
    /// The request that caused it.
    pub request_id: String,
    /// Whence the request came.
    pub address: Option<String>,
}

impl Event {
    /// The bytes whose hash, after the hash of the event before, is this event's link in the chain.
    ///
    /// Every field is written as its length (eight bytes, big endian) and its bytes, so that no two events have the same
    /// bytes. An absent field is the length `u64::MAX`.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(b"claviger audit v1\0");
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes.extend_from_slice(&self.at.micros().to_be_bytes());
        bytes.extend_from_slice(&self.org.get().to_be_bytes());
        let fields = [
            Some(&self.actor),
            self.via.as_ref(),
            Some(&self.action),
            Some(&self.subject),
            Some(&self.detail),
            Some(&self.request_id),
            self.address.as_ref(),
        ];
        for field in fields {
            match field {
                Some(text) => {
                    bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
                    bytes.extend_from_slice(text.as_bytes());
                }
                None => bytes.extend_from_slice(&u64::MAX.to_be_bytes()),
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_a_character_between_two_fields_changes_the_bytes() {
        let event = |actor: &str, via: Option<&str>| Event {
            seq: 1,
            at: Timestamp::from_micros(5),
            org: OrgId::from_i64(1),
            actor: actor.into(),
            via: via.map(str::to_owned),
            action: "token.issued".into(),
            subject: String::new(),
            detail: "{}".into(),
            request_id: String::new(),
            address: None,
        };

        assert_ne!(
            event("ab", Some("c")).canonical_bytes(),
            event("a", Some("bc")).canonical_bytes()
        );
        assert_ne!(
            event("ab", Some("")).canonical_bytes(),
            event("ab", None).canonical_bytes()
        );
    }

    #[test]
    fn every_action_has_its_own_text() {
        let texts: std::collections::HashSet<_> = Action::ALL.iter().map(|action| action.as_str()).collect();

        assert_eq!(texts.len(), Action::ALL.len());
    }
}
