//! Telling: claim what is due, try it, keep how it went.
//!
//! A claim counts the try and sets the time of the next before anything is sent, so that a server that dies on the way tries again, and
//! one that dies of it every time stops after ten. Only the last try's end is kept.

use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::time::Duration;

use claviger_domain::audit::{Action, Actor};
use claviger_domain::reminder::{MAX_ATTEMPTS, next_attempt};
use claviger_domain::webhook::{Delivery, DeliveryState, Disabled, DisabledReason, Recipient};
use claviger_domain::{DeliveryId, Timestamp, UserId, WebhookId};
use claviger_store::deliveries::{self as rows, Claimed, Outcome};
use claviger_store::{Tx, users, webhooks};
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;

use super::{Tried, mail};
use crate::audit::{By, Record};
use crate::error::{Error, Result};
use crate::outbound::{Mail, Post};
use crate::webhooks::{SigningSecret, signatures};
use crate::{Origin, Service};

/// Tries of one recipient that go on at once.
const TRIES_EACH: u32 = 4;
/// Due deliveries that one turn looks at.
const CANDIDATES: u32 = 256;
/// After this a try is given up for lost. Longer than any takes.
const CLAIMED_FOR: Duration = Duration::from_secs(60);
/// The status by which a receiver says that it is gone for good.
const GONE: u16 = 410;
const CUT_OFF: &str = "every try was cut off by an end of the server";
/// The longest reason that is kept, in characters.
const REASON_MAX: usize = 200;

/// A try that was claimed and goes on until it is polled to its end.
pub(super) type Try = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How a try ended.
enum End {
    /// Taken.
    Taken(Option<u16>),
    /// Not taken; another try may help.
    Failed(Option<u16>, String),
    /// The receiver at this address wants to hear nothing more.
    Gone(String),
    /// There is nobody to tell any more.
    Pointless(&'static str),
}

/// Counts a recipient's try for as long as it goes on.
struct Busy {
    service: Service,
    to: Recipient,
}

impl Service {
    /// Claims what is due, as far as tries are free, and gives the tries to be run.
    pub(super) async fn begin_due(&self) -> Result<Vec<Try>> {
        let _alone = self.0.outbox.beginning.lock().await;
        let permits = &self.0.outbox.permits;
        let mut free: Vec<OwnedSemaphorePermit> = Vec::new();
        while let Ok(permit) = permits.clone().try_acquire_owned() {
            free.push(permit);
        }
        if free.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.0.clock.now();
        let full: Vec<WebhookId> = {
            let busy = Self::lock(&self.0.outbox.busy);
            let full = busy.iter().filter(|(_, tries)| **tries >= TRIES_EACH);
            full.filter_map(|(to, _)| to.webhook()).collect()
        };
        let due = self
            .0
            .store
            .read(async move |tx: &mut Tx| rows::due(tx, now, &full, TRIES_EACH, CANDIDATES).await)
            .await?;
        let ids = self.fair_choice(due, free.len());
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let claim = async move |tx: &mut Tx| rows::claim(tx, &ids, now, now + CLAIMED_FOR).await;
        let claimed = self.0.store.write(claim).await?;
        let begun = claimed.into_iter().zip(free).map(|(claimed, permit)| {
            let busy = self.busy(claimed.delivery.to);
            let service = self.clone();
            let attempt: Try = Box::pin(async move {
                service.try_once(claimed).await;
                drop((busy, permit));
            });
            attempt
        });
        Ok(begun.collect())
    }

    /// At most `free` of what is due, and of each recipient no more than it may have: first whoever was not told anything for longest,
    /// so that those of whom much is due take turns with all others.
    fn fair_choice(&self, due: Vec<(DeliveryId, Recipient)>, free: usize) -> Vec<DeliveryId> {
        let mut tries = Self::lock(&self.0.outbox.busy).clone();
        let mut told = Self::lock(&self.0.outbox.told);
        // Whoever waits for nothing is as good as new.
        let waiting: HashSet<Recipient> = due.iter().map(|(_, to)| *to).collect();
        told.by_recipient
            .retain(|to, _| waiting.contains(to) || tries.contains_key(to));
        let mut seen: HashMap<Recipient, u32> = HashMap::new();
        let placed = due.into_iter().map(|(id, to)| {
            let place = seen.entry(to).or_default();
            *place += 1;
            let last = told.by_recipient.get(&to).copied().unwrap_or_default();
            ((*place, last), (id, to))
        });
        let mut due: Vec<_> = placed.collect();
        // What is equal stays in the order of what is longest overdue.
        due.sort_by_key(|(turn, _)| *turn);
        let mut has_room = |to: &Recipient| {
            let tries = tries.entry(*to).or_default();
            *tries += 1;
            *tries <= TRIES_EACH
        };
        let chosen: Vec<(DeliveryId, Recipient)> = due
            .into_iter()
            .map(|(_, found)| found)
            .filter(|(_, to)| has_room(to))
            .take(free)
            .collect();
        told.turn += 1;
        let turn = told.turn;
        chosen
            .into_iter()
            .map(|(id, to)| {
                told.by_recipient.insert(to, turn);
                id
            })
            .collect()
    }

    fn busy(&self, to: Recipient) -> Busy {
        *Self::lock(&self.0.outbox.busy).entry(to).or_default() += 1;
        Busy {
            service: self.clone(),
            to,
        }
    }

    /// Tries once and keeps how it went.
    async fn try_once(&self, claimed: Claimed) {
        let delivery = claimed.delivery;
        // A try is counted before it is made, so this one follows ten of which the last was cut off.
        let is_one_too_many = delivery.attempts > MAX_ATTEMPTS;
        let (channel, tried) = match delivery.to {
            Recipient::Webhook(_) if is_one_too_many => ("webhook", Ok(End::Pointless(CUT_OFF))),
            Recipient::Person(_) if is_one_too_many => ("mail", Ok(End::Pointless(CUT_OFF))),
            Recipient::Webhook(webhook) => (
                "webhook",
                self.tell_webhook(webhook, &delivery, claimed.message).await,
            ),
            Recipient::Person(person) => (
                "mail",
                self.tell_person(person, &delivery, &claimed.message).await,
            ),
        };
        let end = tried.unwrap_or_else(|error| {
            tracing::warn!(delivery.id = %delivery.id, error = ?error, "a delivery could not be tried");
            End::Failed(None, "the server could not try it".to_owned())
        });
        let finished = self.finish_try(channel, &delivery, end).await;
        self.report("keeping how a delivery went", finished);
    }

    async fn tell_webhook(&self, id: WebhookId, delivery: &Delivery, body: String) -> Result<End> {
        let now = self.0.clock.now();
        let service = self.clone();
        let known = self.0.store.read(async move |tx: &mut Tx| {
            let webhook = webhooks::by_id(tx, id).await?;
            let Some(webhook) = webhook.filter(|webhook| webhook.disabled.is_none()) else {
                return Ok(None);
            };
            let secrets = service.signing_secrets(tx, id, now).await?;
            Ok::<_, Error>(Some((webhook.url, secrets)))
        });
        let known: Option<(String, Vec<SigningSecret>)> = known.await?;
        let Some((url, secrets)) = known else {
            return Ok(End::Pointless("the webhook is disabled"));
        };
        let (id, timestamp) = (delivery.id.to_string(), now.seconds());
        let called = url.clone();
        let post = Post {
            signature: signatures(&secrets, &id, timestamp, &body),
            url,
            id,
            timestamp,
            body,
        };
        Ok(match self.0.outbound.post(post).await {
            Ok(status) if (200..300).contains(&status) => End::Taken(Some(status)),
            Ok(GONE) => End::Gone(called),
            Ok(status) => End::Failed(Some(status), format!("the receiver answered {status}")),
            Err(error) => End::Failed(None, error.0),
        })
    }

    async fn tell_person(&self, person: UserId, delivery: &Delivery, kept: &str) -> Result<End> {
        let find = async move |tx: &mut Tx| users::by_id(tx, person).await;
        let person = self.0.store.read(find).await?;
        let Some(person) = person.filter(|person| person.deactivated_at.is_none()) else {
            return Ok(End::Pointless("the person may not act any more"));
        };
        let (subject, text) = mail::parts(kept);
        let mail = Mail {
            to: person.email,
            subject: subject.to_owned(),
            text: text.to_owned(),
            id: delivery.id.to_string(),
        };
        Ok(match self.0.outbound.mail(mail).await {
            Ok(()) => End::Taken(None),
            Err(error) => End::Failed(None, error.0),
        })
    }

    /// Keeps how a try went, and counts it.
    async fn finish_try(&self, channel: &'static str, delivery: &Delivery, end: End) -> Result<()> {
        let now = self.0.clock.now();
        let gone = match (&end, delivery.to) {
            (End::Gone(called), Recipient::Webhook(webhook)) => {
                // Whoever changed the address meanwhile was not heard yet.
                let again = End::Failed(
                    Some(GONE),
                    "the receiver answered 410, at an address that was replaced meanwhile".to_owned(),
                );
                Some((webhook, called.clone(), self.outcome(delivery, again, now)?))
            }
            _ => None,
        };
        let outcome = self.outcome(delivery, end, now)?;
        let service = self.clone();
        let (id, attempt) = (delivery.id, delivery.attempts);
        let kept = self.0.store.write(async move |tx: &mut Tx| {
            let (mut kept, mut disabled) = (outcome, None);
            if let Some((webhook, called, again)) = gone {
                let now_there = webhooks::by_id(tx, webhook).await?;
                if now_there.is_some_and(|there| there.url != called) {
                    kept = again;
                } else {
                    disabled = Some(webhook);
                }
            }
            rows::finish(tx, id, attempt, &kept).await?;
            if let Some(webhook) = disabled {
                service.disable_gone(tx, webhook, now).await?;
            }
            Ok::<_, Error>(kept.state)
        });
        let tried = Tried {
            channel,
            outcome: match kept.await? {
                DeliveryState::Delivered => "delivered",
                DeliveryState::Pending => "retried",
                DeliveryState::Failed => "failed",
            },
        };
        self.0.metrics.deliveries.get_or_create(&tried).inc();
        Ok(())
    }

    fn outcome(&self, delivery: &Delivery, end: End, now: Timestamp) -> Result<Outcome> {
        let (state, status, error) = match end {
            End::Taken(status) => (DeliveryState::Delivered, status, None),
            End::Gone(_) => {
                let error = "the receiver answered 410: it is gone, and the webhook is disabled";
                (DeliveryState::Failed, Some(GONE), Some(error.to_owned()))
            }
            End::Pointless(reason) => (DeliveryState::Failed, None, Some(reason.to_owned())),
            End::Failed(status, error) => (DeliveryState::Pending, status, Some(error)),
        };
        let mut outcome = Outcome {
            state,
            at: now,
            next_attempt_at: None,
            status: status.map(u32::from),
            error: error.map(|error| error.chars().take(REASON_MAX).collect()),
        };
        if state == DeliveryState::Pending {
            let mut jitter = [0; 2];
            self.0.random.fill(&mut jitter)?;
            outcome.next_attempt_at = next_attempt(delivery.attempts, now, u16::from_be_bytes(jitter));
            if outcome.next_attempt_at.is_none() {
                outcome.state = DeliveryState::Failed;
            }
        }
        Ok(outcome)
    }

    /// A webhook said that it is gone: it is told nothing more, and somebody can read why.
    async fn disable_gone(&self, tx: &mut Tx, id: WebhookId, now: Timestamp) -> Result<()> {
        let Some(mut webhook) = webhooks::by_id(tx, id).await? else {
            return Ok(());
        };
        if webhook.disabled.is_some() {
            return Ok(());
        }
        webhook.disabled = Some(Disabled {
            at: now,
            reason: DisabledReason::Gone,
        });
        webhook.updated_at = now;
        webhooks::update(tx, &webhook).await?;
        rows::give_up(tx, id, "the webhook is disabled: its receiver is gone").await?;
        let origin = Origin::own(now);
        let by = By {
            org: webhook.org,
            actor: Actor::System,
            origin: &origin,
        };
        let record = Record {
            action: Action::WebhookDisabled,
            subject: id.to_string(),
            detail: json!({ "reason": DisabledReason::Gone.as_str() }),
        };
        self.record(tx, &by, vec![record]).await
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut busy = Service::lock(&self.service.0.outbox.busy);
        if let Some(tries) = busy.get_mut(&self.to) {
            *tries = tries.saturating_sub(1);
            if *tries == 0 {
                busy.remove(&self.to);
            }
        }
    }
}
