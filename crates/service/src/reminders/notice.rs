//! Noticing: which tokens came near their end, reached it, or were presented after it; and who is to be told.
//!
//! A scan for a threshold goes on where the last one stopped, in the order of ends, so that it reads what is new and nothing twice; where
//! it stopped is kept in the transaction of what it found. What a scan passed over while the server was away is told by the nearest
//! threshold only.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use claviger_domain::owner::{Role, TeamRole};
use claviger_domain::reminder::{Message, NoticeKind};
use claviger_domain::token::{Holder, Token};
use claviger_domain::webhook::{Delivery, DeliveryState, Recipient, Webhook};
use claviger_domain::{DeliveryId, OrgId, TeamId, Timestamp, TokenId, UserId};
use claviger_store::notices::{self, End};
use claviger_store::tokens::TokenRow;
use claviger_store::{StoreError, Tx, deliveries, teams, tokens, users, webhooks};

use super::mail;
use crate::Service;
use crate::error::{Error, Result};
use crate::tokens::from_row;

/// Tokens of one threshold that one transaction looks at.
const PAGE: u32 = 100;
/// Deliveries that one transaction makes for one threshold, or for refused tokens, before it leaves the rest to the next one. The last
/// notice may make as many more as it has recipients.
const ROOM: usize = 200;
/// Transactions of one scan; what is left waits for the next.
const MAX_ROUNDS: u32 = 100;
/// Refused tokens that one transaction looks at.
const REFUSALS_AT_ONCE: usize = 500;
/// People that one notice is mailed to.
const MAX_PEOPLE: u32 = 50;

/// Who is told, remembered through one transaction.
#[derive(Default)]
struct Recipients {
    webhooks: HashMap<OrgId, Vec<Webhook>>,
    managers: HashMap<TeamId, Vec<UserId>>,
    administrators: HashMap<OrgId, Vec<UserId>>,
}

/// Puts the marks of the scans where they have none: a threshold that passed before there were reminders is nobody's news.
///
/// # Errors
/// Those of the store.
pub(crate) async fn begin_marks(tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
    for kind in NoticeKind::THRESHOLDS {
        if notices::mark(tx, kind).await?.is_none() {
            notices::put_mark(tx, kind, End::after(now + kind.lead())).await?;
        }
    }
    Ok(())
}

impl Service {
    /// Notices every token that came to a threshold since the last scan, and between two transactions of that the refused ones, which
    /// else would wait for all of it. Cost: the tokens noticed, in bounded transactions.
    pub(super) async fn notice_ends(&self) -> Result<()> {
        let _alone = self.0.outbox.noticing.lock().await;
        for _ in 0..MAX_ROUNDS {
            let service = self.clone();
            let round = async move |tx: &mut Tx| service.notice_round(tx).await;
            if !self.0.store.write(round).await? {
                return Ok(());
            }
            self.notice_some_refusals().await?;
        }
        Ok(())
    }

    /// One page of each threshold; true when there may be more.
    async fn notice_round(&self, tx: &mut Tx) -> Result<bool> {
        let now = self.0.clock.now();
        let mut recipients = Recipients::default();
        let mut more = false;
        for kind in NoticeKind::THRESHOLDS {
            let window = kind.window(now);
            let all = End::after(window.until);
            // A clock that went back left the mark in the future. What was noticed is kept, so looking again repeats nothing.
            let mark = notices::mark(tx, kind).await?.unwrap_or(all).min(all);
            let from = window.after.map_or(mark, |after| mark.max(End::after(after)));
            let found = notices::ending(tx, from, window.until, kind.lead(), PAGE).await?;
            let (count, mut made, mut done, mut last) = (found.len(), 0, 0, None);
            for row in found {
                if made >= ROOM {
                    break;
                }
                last = end_of(&row);
                made += self.notice(tx, row, kind, now, &mut recipients).await?;
                done += 1;
            }
            let is_rest = count == PAGE as usize || done < count;
            notices::put_mark(tx, kind, last.filter(|_| is_rest).unwrap_or(all)).await?;
            more |= is_rest;
        }
        Ok(more)
    }

    /// Notices the tokens that were presented after their end. What comes meanwhile may wait for the next turn.
    pub(super) async fn notice_refusals(&self) -> Result<()> {
        for _ in 0..MAX_ROUNDS {
            if !self.notice_some_refusals().await? {
                break;
            }
        }
        Ok(())
    }

    /// Some of them, in one transaction; true when there may be more.
    async fn notice_some_refusals(&self) -> Result<bool> {
        let ids: Vec<TokenId> = {
            let mut refused = Self::lock(&self.0.outbox.refused);
            self.0.verifier.drain_refusals(&mut |id| {
                refused.insert(id);
            });
            refused.iter().copied().take(REFUSALS_AT_ONCE).collect()
        };
        if ids.is_empty() {
            return Ok(false);
        }
        let service = self.clone();
        let noticed = self.0.store.write(async move |tx: &mut Tx| {
            let now = service.0.clock.now();
            let mut recipients = Recipients::default();
            let (mut made, mut left) = (0, Vec::new());
            for row in tokens::by_ids(tx, &ids).await? {
                if made >= ROOM {
                    left.push(row.id);
                    continue;
                }
                let has_ended = row.revoked_at.is_none() && row.expires_at.is_some_and(|end| now >= end);
                if has_ended {
                    let kind = NoticeKind::RefusedAfterExpiry;
                    made += service.notice(tx, row, kind, now, &mut recipients).await?;
                }
            }
            let done: Vec<TokenId> = ids.into_iter().filter(|id| !left.contains(id)).collect();
            Ok::<_, Error>(done)
        });
        let done = noticed.await?;
        // Only what was noticed goes: the rest stays for the next turn, and so does all when the store fails.
        let mut refused = Self::lock(&self.0.outbox.refused);
        for id in done {
            refused.remove(&id);
        }
        Ok(!refused.is_empty())
    }

    /// Tells of an end that was moved nearer, past thresholds that no scan looks at any more: the nearest of them, at once. `before` is
    /// the end that the token had.
    pub(crate) async fn notice_moved_end(
        &self,
        tx: &mut Tx,
        id: TokenId,
        before: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<()> {
        let Some(row) = tokens::by_id(tx, id).await? else {
            return Ok(());
        };
        let Some(end) = row
            .expires_at
            .filter(|end| before.is_none_or(|before| *end < before))
        else {
            return Ok(());
        };
        if let Some(kind) = NoticeKind::nearest(end, now) {
            self.notice(tx, row, kind, now, &mut Recipients::default())
                .await?;
        }
        Ok(())
    }

    /// Notes one notice and makes its deliveries, unless it was noted before; gives their number, and one for the notice.
    async fn notice(
        &self,
        tx: &mut Tx,
        row: TokenRow,
        kind: NoticeKind,
        now: Timestamp,
        recipients: &mut Recipients,
    ) -> Result<usize> {
        let Some(end) = end_of(&row) else { return Ok(0) };
        if !notices::insert(tx, end, kind, now).await? {
            return Ok(0);
        }
        let token = self.with_pending_use(from_row(&row)?);
        let message = Message::Notice {
            kind,
            at: now,
            token: &token,
        };
        let mut told = Vec::new();
        let hearing = recipients.webhooks(tx, token.org).await?;
        for webhook in hearing
            .iter()
            .filter(|webhook| webhook.hears(kind.event(), token.holder))
        {
            told.push((Recipient::Webhook(webhook.id), self.0.outbound.render(&message)));
        }
        if self.0.outbound.sends_mail() {
            for person in recipients.people(tx, &token).await? {
                told.push((Recipient::Person(person), mail::text(&token, kind, now)));
            }
        }
        let made = told.len() + 1;
        for (to, text) in told {
            let delivery = Delivery {
                id: DeliveryId::from_i64(self.0.ids.next(now)),
                org: token.org,
                to,
                token: Some(token.id),
                event: kind.event(),
                state: DeliveryState::Pending,
                attempts: 0,
                created_at: now,
                next_attempt_at: Some(now),
                last_attempt_at: None,
                last_status: None,
                last_error: None,
            };
            deliveries::insert(tx, &delivery, &text).await?;
        }
        Ok(made)
    }
}

// === impl Recipients ===

impl Recipients {
    /// The organization's webhooks that are told anything.
    async fn webhooks(&mut self, tx: &mut Tx, org: OrgId) -> Result<&[Webhook], StoreError> {
        match self.webhooks.entry(org) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(unknown) => Ok(unknown.insert(webhooks::enabled(tx, org).await?)),
        }
    }

    /// The people who see to the token: its owner, or who runs the team, or who runs the organization when nobody else does.
    async fn people(&mut self, tx: &mut Tx, token: &Token) -> Result<Vec<UserId>, StoreError> {
        let near = match token.holder {
            Holder::Person(user) => {
                let owner = users::by_id(tx, user).await?;
                // Who may not act has no token to care for.
                let active = owner.filter(|owner| owner.deactivated_at.is_none());
                return Ok(active.map(|owner| owner.id).into_iter().collect());
            }
            Holder::Team(team) | Holder::Service { team, .. } => self.managers(tx, team).await?,
            Holder::Organization(_) => Vec::new(),
        };
        if near.is_empty() {
            return self.administrators(tx, token.org).await;
        }
        Ok(near)
    }

    async fn managers(&mut self, tx: &mut Tx, team: TeamId) -> Result<Vec<UserId>, StoreError> {
        if let Some(known) = self.managers.get(&team) {
            return Ok(known.clone());
        }
        let mut found = Vec::new();
        for member in teams::members(tx, team).await? {
            if member.role != TeamRole::Manager || found.len() >= MAX_PEOPLE as usize {
                continue;
            }
            let person = users::by_id(tx, member.user).await?;
            if person.is_some_and(|person| person.deactivated_at.is_none()) {
                found.push(member.user);
            }
        }
        self.managers.insert(team, found.clone());
        Ok(found)
    }

    async fn administrators(&mut self, tx: &mut Tx, org: OrgId) -> Result<Vec<UserId>, StoreError> {
        if let Some(known) = self.administrators.get(&org) {
            return Ok(known.clone());
        }
        let filter = users::UserFilter {
            org,
            role: Some(Role::SuperAdmin.as_str()),
            active: Some(true),
            key_prefix: None,
            after: None,
            limit: MAX_PEOPLE,
        };
        let found = users::list(tx, &filter).await?;
        let found: Vec<UserId> = found.into_iter().map(|person| person.id).collect();
        self.administrators.insert(org, found.clone());
        Ok(found)
    }
}

fn end_of(row: &TokenRow) -> Option<End> {
    Some(End {
        at: row.expires_at?,
        token: row.id,
    })
}
