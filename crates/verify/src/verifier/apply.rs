//! Changes: what the writer's commits do to the index.
//!
//! Invariant: called after the commit and before its answer, in the order of the commits. One thread does so in production; the
//! lock makes it correct for several, and is never taken on the path of a check.

use std::collections::HashSet;
use std::sync::{Arc, MutexGuard, PoisonError};

use claviger_domain::{OwnerId, Timestamp, TokenId};
use claviger_token::TokenType;

use super::overlap::{PREVIOUS, SUCCESSOR, UNTIL_FIRST_USE};
use super::{NEVER, SELF_OWNED, TYPE_SHIFT, Verifier, second_of};
use crate::accounts::AccountNumbers;
use crate::index::{Fields, Key, REVOKED, WriteHalf};
use crate::owners::OwnerNumbers;
use crate::policies::{Given, NOTHING, Policies, PolicyNumbers};
use crate::{Applied, Change, Entry, Full, Owner, PreviousSecret};

/// What only the writer has of each part.
pub(super) struct Writer {
    half: WriteHalf,
    words: WriteHalf,
    policies: PolicyNumbers,
    owners: OwnerNumbers,
    accounts: AccountNumbers,
}

impl Verifier {
    /// Puts a committed change in force: no check that starts after this returned decides by what was before.
    ///
    /// # Errors
    /// [`Full`]; nothing has changed then. A service that refuses to issue above the limits never sees it.
    pub fn apply(&self, change: Change) -> Result<Applied, Full> {
        let mut writer = self.writer();
        self.sweep(&mut writer);
        match change {
            Change::Upsert(entry) => self.upsert(&mut writer, &entry),
            Change::Replace { old, older, new } => {
                let older = older.as_ref().map(Key::from);
                self.replace(&mut writer, Key::from(&old), older, &new)
            }
            Change::EndOverlap {
                id,
                current,
                previous,
            } => self.end(&mut writer, id, Key::from(&current), Key::from(&previous)),
            Change::Revoke(digest) => Ok(found(self.index.revoke(Key::from(&digest)))),
            Change::Remove(digest) => {
                let removed = self.index.remove(&mut writer.half, Key::from(&digest));
                if let Some(last) = &removed {
                    self.accounts.close(&mut writer.accounts, last.fields.budget);
                }
                Ok(found(removed.is_some()))
            }
            Change::Rekey { from, to } => {
                let half = &mut writer.half;
                self.index
                    .rekey(half, Key::from(&from), Key::from(&to))
                    .map(found)
            }
            Change::Owner(owner) => {
                let Writer { policies, owners, .. } = &mut *writer;
                self.owners.set(owners, &self.policies, policies, &owner)?;
                Ok(Applied::InForce)
            }
            Change::QueryTokens { org, allowed } => {
                let mut orgs = HashSet::clone(&self.query_orgs.load());
                let _: bool = if allowed {
                    orgs.insert(org)
                } else {
                    orgs.remove(&org)
                };
                self.query_orgs.store(Arc::new(orgs));
                Ok(Applied::InForce)
            }
            Change::Peppers(peppers) => {
                self.peppers.store(Arc::new(peppers));
                Ok(Applied::InForce)
            }
        }
    }

    /// Prepares for `tokens` tokens in all: then [`load`](Self::load) never stops to enlarge a table.
    ///
    /// # Errors
    /// [`Full::Tokens`] above [`MAX_TOKENS`](crate::MAX_TOKENS).
    pub fn reserve(&self, tokens: u32) -> Result<(), Full> {
        self.index.reserve(&mut self.writer().half, tokens)
    }

    /// Upserts all entries, before the doors open; returns how many. Changes wait until it is done. Owners that are not active must
    /// have been applied before.
    ///
    /// # Errors
    /// [`Full`]; the entries before the one that did not fit stay.
    pub fn load(&self, entries: impl IntoIterator<Item = Entry>) -> Result<u64, Full> {
        let mut writer = self.writer();
        let mut loaded = 0;
        for entry in entries {
            self.sweep(&mut writer);
            self.upsert(&mut writer, &entry)?;
            loaded += 1;
        }
        Ok(loaded)
    }

    /// The writer's part. A panic under the lock leaves at most an unused record or number behind: readers see each change whole,
    /// and the order of stores keeps what the writer counts on the safe side.
    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frees the policies that no token and no owner has any more, when so many came that it is worth it. Between two changes, when all
    /// that was interned is referred to. Cost then: the tokens, shared by the changes since the last time.
    fn sweep(&self, writer: &mut Writer) {
        if !Policies::wants_sweep(&writer.policies) {
            return;
        }
        let mut in_use = HashSet::new();
        let mut note = |policy| {
            in_use.insert(policy);
        };
        self.index.for_each_policy(&writer.half, &mut note);
        self.owners.for_each_policy(&writer.owners, note);
        self.policies.sweep(&mut writer.policies, &in_use);
    }

    fn upsert(&self, writer: &mut Writer, entry: &Entry) -> Result<Applied, Full> {
        let (fields, full) = self.fields(writer, entry, Key::from(&entry.digest))?;
        if let Some(previous) = &entry.previous {
            if previous.until_first_use {
                self.overlaps.begin(&mut writer.words, fields.id)?;
            }
            let old = previous_fields(&fields, previous);
            self.index
                .upsert(&mut writer.half, &old, stored_second(previous.last_used))?;
        }
        self.index
            .upsert(&mut writer.half, &fields, stored_second(entry.last_used))?;
        full.map_or(Ok(Applied::InForce), Err)
    }

    /// Ends the oldest secret first. Where there is no room for an overlap, the old secret stops now. What ended the token, and what its
    /// limits are counted in, goes over to the new secret.
    fn replace(
        &self,
        writer: &mut Writer,
        old: Key,
        older: Option<Key>,
        new: &Entry,
    ) -> Result<Applied, Full> {
        let (mut fields, full) = self.fields(writer, new, old)?;
        let before = self.index.find(old).map(|hit| hit.snapshot);
        fields.flags |= before.map_or(0, |before| before.fields.flags & REVOKED);
        if fields.budget == 0 {
            fields.budget = before.map_or(0, |before| before.fields.budget);
        }
        if let Some(older) = older {
            self.part(writer, older);
        }
        self.overlaps.forget(&mut writer.words, fields.id);
        let kept = match &new.previous {
            Some(previous) => self.keep(writer, &previous_fields(&fields, previous)),
            None => Ok(()),
        };
        if new.previous.is_none() || kept.is_err() {
            // There is no moment at which both are good, and the freed record makes sure that the new one fits.
            self.part(writer, old);
        }
        self.index
            .upsert(&mut writer.half, &fields, stored_second(new.last_used))?;
        kept?;
        full.map_or(Ok(Applied::InForce), Err)
    }

    /// Makes a present secret the previous one. Its record looked at an overlap, perhaps, so it is replaced by one that looks at
    /// none before another overlap begins (see [`Overlaps`](crate::index::Overlaps)).
    fn keep(&self, writer: &mut Writer, previous: &Fields) -> Result<(), Full> {
        let plain = Fields {
            flags: previous.flags & !UNTIL_FIRST_USE,
            ..*previous
        };
        self.index.upsert(&mut writer.half, &plain, 0)?;
        if previous.flags & UNTIL_FIRST_USE != 0 {
            self.overlaps.begin(&mut writer.words, previous.id)?;
            self.index.upsert(&mut writer.half, previous, 0)?;
        }
        Ok(())
    }

    /// Forgets the previous secret, then that there was an overlap.
    fn end(&self, writer: &mut Writer, id: TokenId, current: Key, previous: Key) -> Result<Applied, Full> {
        let removed = self.part(writer, previous);
        self.overlaps.forget(&mut writer.words, id.get());
        if let Some(present) = self.index.find(current) {
            let snapshot = present.snapshot;
            let fields = Fields {
                flags: snapshot.fields.flags & !UNTIL_FIRST_USE,
                ..snapshot.fields
            };
            // Without room it goes on looking for an overlap that is not there, and finds none.
            let _ = self.index.upsert(&mut writer.half, &fields, snapshot.last_used);
        }
        Ok(found(removed))
    }

    /// Forgets a secret of a token that stays, but for when it was last used; true when it was known.
    fn part(&self, writer: &mut Writer, secret: Key) -> bool {
        let removed = self.index.remove(&mut writer.half, secret);
        if let Some(last) = removed.filter(|last| last.last_used != 0) {
            self.parted.push((last.fields.id, last.last_used));
        }
        removed.is_some()
    }

    /// The entry as a record's fields, its owner and policy interned. The token is known by the key `known` so far, if at all; its
    /// account is 0 when it has none yet and needs none. Where what it was given finds no room, it has nothing: a change must never leave
    /// a token with more than it should have.
    fn fields(&self, writer: &mut Writer, entry: &Entry, known: Key) -> Result<(Fields, Option<Full>), Full> {
        let Writer {
            policies,
            owners,
            accounts,
            ..
        } = writer;
        let self_owned = entry.owner == OwnerId::from(entry.id);
        let owner = if self_owned {
            self.owners.intern_org(owners, entry.org)?
        } else {
            let admitted = Owner {
                id: entry.owner,
                org: entry.org,
                authority: entry.owner_authority.clone(),
                active: true,
                rate_limit: None,
            };
            self.owners.intern(owners, &self.policies, policies, &admitted)?
        };
        let given = Given {
            authority: entry.authority.clone(),
            terms: entry.terms.clone(),
        };
        let budget = match &entry.terms {
            None => Ok(0),
            Some(terms) => {
                let before = self.index.find(known).map_or(0, |hit| hit.snapshot.fields.budget);
                self.accounts.open(accounts, before, entry.id, terms)
            }
        };
        let interned = self.policies.intern(policies, &given);
        let full = interned.err().or(budget.err());
        let policy = interned.ok().filter(|_| full.is_none()).unwrap_or(NOTHING);
        let budget = budget.unwrap_or(0);
        let revoked = if entry.revoked { REVOKED } else { 0 };
        let self_owned = if self_owned { SELF_OWNED } else { 0 };
        let successor = if entry.awaits_first_use || entry.previous.is_some() {
            SUCCESSOR
        } else {
            0
        };
        let until_first_use = match &entry.previous {
            Some(previous) if previous.until_first_use => UNTIL_FIRST_USE,
            _ => 0,
        };
        let overlap = successor | until_first_use;
        let fields = Fields {
            key: Key::from(&entry.digest),
            id: entry.id.get(),
            expires_at: entry.expires_at.map_or(NEVER, |end| end.micros()),
            owner,
            policy,
            flags: revoked | self_owned | overlap | (type_number(entry.token_type) << TYPE_SHIFT),
            budget,
        };
        Ok((fields, full))
    }
}

/// The place in [`TokenType::ALL`].
fn type_number(token_type: TokenType) -> u32 {
    match token_type {
        TokenType::Personal => 0,
        TokenType::Global => 1,
        TokenType::Team => 2,
        TokenType::Service => 3,
    }
}

/// The record of the previous secret: the token's, with a key and an end of its own.
fn previous_fields(present: &Fields, previous: &PreviousSecret) -> Fields {
    Fields {
        key: Key::from(&previous.digest),
        expires_at: previous.ends_at.micros().min(present.expires_at),
        flags: present.flags & !SUCCESSOR | PREVIOUS,
        ..*present
    }
}

fn stored_second(last_used: Option<Timestamp>) -> u32 {
    last_used.map_or(0, second_of)
}

fn found(present: bool) -> Applied {
    if present {
        Applied::InForce
    } else {
        Applied::Absent
    }
}

// === impl Writer ===

impl Writer {
    pub(super) fn new(half: WriteHalf, words: WriteHalf, policies: PolicyNumbers) -> Self {
        Self {
            half,
            words,
            policies,
            owners: OwnerNumbers::default(),
            accounts: AccountNumbers::default(),
        }
    }

    pub(super) fn accounts(&self) -> &AccountNumbers {
        &self.accounts
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.half.memory_bytes()
            + self.words.memory_bytes()
            + self.policies.memory_bytes()
            + self.owners.memory_bytes()
            + self.accounts.memory_bytes()
    }
}
