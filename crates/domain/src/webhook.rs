//! Webhooks: places of the world outside that are told of events, and the deliveries on their way there.
//!
//! A webhook is the organization's, and then hears of every token, or a team's, and then hears of the tokens of the team and its
//! services. Whether an address may be called is not decided here: that depends on the network and the operator.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::authority::Place;
use crate::name::Description;
use crate::owner::Principal;
use crate::token::Holder;
use crate::{DeliveryId, FieldError, OrgId, TeamId, Timestamp, TokenId, UserId, WebhookId};

/// The most webhooks of an organization, those of its teams included.
pub const MAX_WEBHOOKS: u64 = 250;
/// The most tests of one webhook that are on their way.
pub const MAX_PENDING_TESTS: u64 = 50;
/// The longest address, in bytes.
pub const URL_MAX_BYTES: usize = 2_048;
/// How long the secret before the last goes on signing, in hours.
pub const SECRET_OVERLAP_HOURS: u32 = 24;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WebhookEvent {
    /// A token comes near its end.
    TokenExpiring,
    /// A token ended by time.
    TokenExpired,
    /// An ended token was presented, for the first time since.
    TokenRefusedAfterExpiry,
    /// Somebody sent a test.
    Test,
}

/// The text is no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownEvent;

/// A place that is told of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The handle.
    pub id: WebhookId,
    /// The tenant.
    pub org: OrgId,
    /// The team whose tokens it hears of; `None` = all of the organization.
    pub team: Option<TeamId>,
    /// Where events are posted, in canonical form.
    pub url: String,
    /// For people.
    pub description: Description,
    /// Which events it hears of.
    pub events: BTreeSet<WebhookEvent>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The principal that made it.
    pub created_by: Principal,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Since when it is told nothing, and why.
    pub disabled: Option<Disabled>,
}

/// Why a webhook is told nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disabled {
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: DisabledReason,
}

/// Who wanted a webhook to be told nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisabledReason {
    /// Somebody who may change it.
    Requested,
    /// The receiver itself, by answering 410.
    Gone,
}

/// An event on its way to one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The handle; the receiver sees it as `webhook-id`, the same at every try.
    pub id: DeliveryId,
    /// The tenant.
    pub org: OrgId,
    /// Who is told.
    pub to: Recipient,
    /// The token that it is about.
    pub token: Option<TokenId>,
    /// What happened.
    pub event: WebhookEvent,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is tried next.
    pub next_attempt_at: Option<Timestamp>,
    /// When it was last tried.
    pub last_attempt_at: Option<Timestamp>,
    /// The status that the receiver last answered with.
    pub last_status: Option<u32>,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Recipient {
    /// A webhook.
    Webhook(WebhookId),
    /// A person, by mail.
    Person(UserId),
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is going to be tried, or tried again.
    Pending,
    /// The recipient took it.
    Delivered,
    /// It was given up.
    Failed,
}

// === impl WebhookEvent ===

impl WebhookEvent {
    /// Those that a webhook can ask for.
    pub const OFFERED: [Self; 3] = [
        Self::TokenExpiring,
        Self::TokenExpired,
        Self::TokenRefusedAfterExpiry,
    ];

    /// The stored and shown text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TokenExpiring => "token.expiring",
            Self::TokenExpired => "token.expired",
            Self::TokenRefusedAfterExpiry => "token.refused_after_expiry",
            Self::Test => "webhook.test",
        }
    }
}

impl fmt::Display for WebhookEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for WebhookEvent {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> Result<Self, UnknownEvent> {
        let all = Self::OFFERED.into_iter().chain([Self::Test]);
        all.into_iter()
            .find(|event| event.as_str() == text)
            .ok_or(UnknownEvent)
    }
}

/// Reads the events that a caller names; all that are offered when it names none.
///
/// # Errors
/// `event_unknown` for each that is none; `events_empty` for an empty list.
pub fn parse_events(
    field: &str,
    texts: Option<&[String]>,
) -> Result<BTreeSet<WebhookEvent>, Vec<FieldError>> {
    let Some(texts) = texts else {
        return Ok(WebhookEvent::OFFERED.into());
    };
    if texts.is_empty() {
        let detail = "a webhook hears of at least one event; delete it, or disable it, to hear of none";
        return Err(vec![FieldError::new(field, "events_empty", detail)]);
    }
    let mut events = BTreeSet::new();
    let mut errors = Vec::new();
    for (place, text) in texts.iter().enumerate() {
        match text.parse::<WebhookEvent>() {
            Ok(event) if WebhookEvent::OFFERED.contains(&event) => {
                events.insert(event);
            }
            _ => {
                let offered = WebhookEvent::OFFERED.map(WebhookEvent::as_str).join("`, `");
                let detail = format!("not an event; choose among `{offered}`");
                errors.push(FieldError::new(
                    format!("{field}[{place}]"),
                    "event_unknown",
                    detail,
                ));
            }
        }
    }
    if errors.is_empty() {
        Ok(events)
    } else {
        Err(errors)
    }
}

// === impl Recipient ===

impl Recipient {
    /// The webhook, if it is one.
    pub const fn webhook(self) -> Option<WebhookId> {
        match self {
            Self::Webhook(webhook) => Some(webhook),
            Self::Person(_) => None,
        }
    }
}

// === impl Webhook ===

impl Webhook {
    /// Where it is managed.
    pub fn place(&self) -> Place {
        place_of(self.team)
    }

    /// True when it is to be told of `event` about a token of this holder.
    pub fn hears(&self, event: WebhookEvent, holder: Holder) -> bool {
        let is_near = self.team.is_none() || self.team == holder.place().team;
        is_near && self.disabled.is_none() && self.events.contains(&event)
    }
}

/// Where the webhooks of a team are managed, or those of the organization.
pub fn place_of(team: Option<TeamId>) -> Place {
    team.map_or(Place::ORGANIZATION, Place::team)
}

// === impl DisabledReason ===

impl DisabledReason {
    /// The stored and shown text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Gone => "gone",
        }
    }

    /// Reads the stored text.
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Requested, Self::Gone]
            .into_iter()
            .find(|reason| reason.as_str() == text)
    }
}

// === impl DeliveryState ===

impl DeliveryState {
    /// The stored and shown text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// Reads the stored text.
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ServiceId;

    fn webhook(team: Option<TeamId>) -> Webhook {
        Webhook {
            id: WebhookId::from_i64(1),
            org: OrgId::from_i64(2),
            team,
            url: "https://example.org/".to_owned(),
            description: Description::default(),
            events: BTreeSet::from([WebhookEvent::TokenExpired]),
            created_at: Timestamp::from_seconds(0),
            created_by: Principal::User(UserId::from_i64(3)),
            updated_at: Timestamp::from_seconds(0),
            disabled: None,
        }
    }

    #[test]
    fn a_teams_webhook_hears_of_its_tokens_and_its_services_alone() {
        let (own, other) = (TeamId::from_i64(11), TeamId::from_i64(12));
        let service = |team| Holder::Service {
            service: ServiceId::from_i64(21),
            team,
        };
        let hears = |team, holder| webhook(team).hears(WebhookEvent::TokenExpired, holder);

        assert!(hears(Some(own), Holder::Team(own)) && hears(Some(own), service(own)));
        assert!(!hears(Some(own), Holder::Team(other)) && !hears(Some(own), service(other)));
        assert!(!hears(Some(own), Holder::Person(UserId::from_i64(3))));
        assert!(hears(None, Holder::Team(other)) && hears(None, Holder::Person(UserId::from_i64(3))));
        assert!(!webhook(None).hears(WebhookEvent::TokenExpiring, Holder::Team(own)));
    }

    #[test]
    fn a_test_cannot_be_asked_for_as_an_event() {
        let texts = ["token.expired".to_owned(), "webhook.test".to_owned()];

        let errors = parse_events("events", Some(&texts)).unwrap_err();

        assert_eq!(
            (errors[0].field.as_str(), errors[0].code),
            ("events[1]", "event_unknown")
        );
        assert_eq!(
            parse_events("events", Some(&[])).unwrap_err()[0].code,
            "events_empty"
        );
        assert_eq!(parse_events("events", None).unwrap().len(), 3);
    }
}
