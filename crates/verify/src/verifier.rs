//! The verifier: the path of a check, and what can be asked about the whole.
//!
//! Invariant: one function decides for every door. A check reads the peppers, one slot, one record and, shared by many tokens,
//! its policy, its owner and the owner's policy; it writes its thread's counter, the words of the limits that bind the token and, once
//! a second for each token, the record's last use.
//! Called by `http`'s guard and doors through `service`; changes are in [`apply`](Verifier::apply).

mod apply;
mod foresee;
mod judge;
mod overlap;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use apply::Writer;
use arc_swap::ArcSwap;
use claviger_domain::authority::Power;
use claviger_domain::terms::{Networks, Spent, Terms};
use claviger_domain::{OrgId, Timestamp, TokenId};
use claviger_token::{Digest, Prefix, Presented, TokenHash};
use crossbeam_queue::{ArrayQueue, SegQueue};
use judge::{Judged, Unjudged};
use overlap::{PREVIOUS, role_of};

use crate::accounts::{Accounts, PER_CHUNK};
use crate::budget::{Budget, Refusal};
use crate::counters::Counters;
use crate::decision::{Allowance, CODES, Decision, Denial, DenialCode, Presentation, Required, Verified};
use crate::index::{FoundBy, Hit, Index, Key, Look, Mark, Overlaps, Snapshot};
use crate::owners::Owners;
use crate::peppers::{Peppers, Redigest};
use crate::policies::{Policies, Policy, Reading};
use crate::refusals::Refusals;
use crate::uses::{Addresses, MAX_ADDRESSES, SecretRole, Use};
use crate::{MAX_OWNERS, MAX_POLICIES, MAX_TOKENS};

/// How many redigests can wait. What does not fit comes again at the token's next use.
pub const MAX_REDIGESTS: usize = 4_096;

/// Decides about presented tokens. Shared by reference between all threads; see the [crate].
pub struct Verifier {
    prefix: Prefix,
    peppers: ArcSwap<Peppers>,
    index: Index,
    overlaps: Overlaps,
    policies: Policies,
    owners: Owners,
    accounts: Accounts,
    /// The organizations that allow tokens in addresses; read on the checks of tokens that come so.
    query_orgs: ArcSwap<HashSet<OrgId>>,
    writer: Mutex<Writer>,
    addresses: Addresses,
    /// The tokens of which a secret is forgotten, with the second of that secret's last use, until it is told.
    parted: SegQueue<(i64, u32)>,
    redigests: ArrayQueue<Redigest>,
    refusals: Refusals,
    counters: Counters<{ CODES.len() }>,
}

/// The token's type, two bits of the record's flags.
const TYPE_SHIFT: u32 = 8;
/// The token is its own owner.
const SELF_OWNED: u32 = 2;
/// `expires_at` of a token that never ends.
const NEVER: i64 = i64::MAX;

/// A record, and if it was found under the previous pepper its digests under that and under the current one.
type Found<'a> = (Hit<'a>, Option<(Digest, Digest)>);

/// What became of taking from limits.
enum Charge {
    /// The verdict says it.
    Settled,
    /// The token was changed meanwhile: look it up again.
    Moved,
}

// === impl Verifier ===

impl Verifier {
    /// A verifier that knows no token yet. Occupies about 5 MB.
    pub fn new(prefix: Prefix, peppers: Peppers) -> Self {
        let (index, half) = Index::new(MAX_TOKENS);
        let (overlaps, words) = Overlaps::new(MAX_TOKENS);
        let (policies, numbers) = Policies::new(MAX_POLICIES);
        Self {
            prefix,
            peppers: ArcSwap::from_pointee(peppers),
            index,
            overlaps,
            policies,
            owners: Owners::new(MAX_OWNERS),
            accounts: Accounts::new(),
            query_orgs: ArcSwap::default(),
            writer: Mutex::new(Writer::new(half, words, numbers)),
            addresses: Addresses::new(MAX_ADDRESSES),
            parted: SegQueue::new(),
            redigests: ArrayQueue::new(MAX_REDIGESTS),
            refusals: Refusals::new(),
            counters: Counters::new(),
        }
    }

    /// Decides whether the bearer of `presented` may do what is required, counts the decision, and marks the use if it is allowed.
    /// An allowance takes [`Presentation::cost`] from all that limits the token; a denial takes nothing. Never waits and never allocates.
    /// Cost: three SHA-256 compressions and two cache misses, a third for a token that has limits; a malformed text costs none.
    pub fn check(&self, presented: &str, required: &Required<'_>, at: &Presentation) -> Decision {
        let decision = self.decide(presented, required, at.now, Some(at));
        self.counters.count(decision.place());
        if let Decision::Deny(denial) = &decision {
            self.note_refusal(denial);
        }
        decision
    }

    /// Tells what `presented` is without a trace: no use is marked, nothing is counted or taken, and whence it comes does not matter.
    /// For the report of a leak and for secret scanning.
    pub fn inspect(&self, presented: &str, now: Timestamp) -> Decision {
        self.decide(presented, &Required::default(), now, None)
    }

    /// What a verified token might do at the instant of its decision, and where; nothing when it was changed since and what it had was
    /// freed. Cost: two reference counts.
    pub fn power(&self, verified: &Verified) -> Power {
        let authority = |number| {
            let there = self.policies.get(number);
            let policy = there.as_ref().and_then(Reading::policy);
            policy.map_or_else(Arc::default, |policy| policy.authority.clone())
        };
        Power::new(
            authority(verified.policies.token),
            authority(verified.policies.owner),
        )
    }

    /// The terms of a verified token; when it was changed since and what it had was freed, those of one that is accepted nowhere.
    pub fn terms(&self, verified: &Verified) -> Arc<Terms> {
        let there = self.policies.get(verified.policies.token);
        match there.as_ref().and_then(Reading::policy) {
            Some(policy) => policy.terms(),
            None => Arc::new(Terms {
                networks: Some(Networks::default()),
                ..Terms::default()
            }),
        }
    }

    /// What limits a verified token, and what was left of it at its decision. Cost: two look-ups in memory that was just read, and none
    /// when nothing limits it.
    pub fn allowance(&self, verified: &Verified) -> Allowance {
        let Some(levels) = verified.levels else {
            return Allowance::default();
        };
        let terms = |number| {
            let there = self.policies.get(number);
            there.as_ref().and_then(Reading::policy).map(Policy::terms)
        };
        let token = terms(verified.policies.token);
        let owner = terms(verified.policies.owner);
        Allowance {
            token: token
                .as_ref()
                .and_then(|terms| Some((terms.rate_limit?, levels.token))),
            owner: owner.and_then(|terms| Some((terms.rate_limit?, levels.owner))),
            quota: token
                .as_ref()
                .and_then(|terms| Some((terms.quota?, levels.quota))),
        }
    }

    /// When the secret was last accepted, to the second, as far as this process knows; `None` also when it does not know the secret.
    pub fn last_used(&self, digest: &Digest) -> Option<Timestamp> {
        let second = self.index.find(Key::from(digest))?.snapshot.last_used;
        (second != 0).then(|| Timestamp::from_seconds(second.into()))
    }

    /// Hands over the tokens that were used since the last call, for the store, which must keep the later of what it has and what
    /// it is told. Cost: the tokens handed over.
    pub fn drain_uses(&self, tell: &mut impl FnMut(Use)) {
        let mut addresses = self.addresses.take();
        for _ in 0..self.parted.len() {
            let Some((id, last_used)) = self.parted.pop() else {
                break;
            };
            tell(addresses.complete(id, SecretRole::Sole, last_used));
        }
        self.index.drain_used(&mut |used| {
            let Snapshot {
                fields, last_used, ..
            } = used;
            tell(addresses.complete(fields.id, role_of(fields.flags), *last_used));
        });
        addresses.rest().for_each(tell);
    }

    /// Hands over what was spent of quotas since the last call, for the store. Cost: a step for each account that has a quota, in chunks,
    /// between which changes go on.
    pub fn drain_spent(&self, tell: &mut impl FnMut(TokenId, Spent)) {
        for chunk in 0..MAX_TOKENS.div_ceil(PER_CHUNK) {
            let writer = self.writer();
            if !self.accounts.drain_chunk(writer.accounts(), chunk, tell) {
                return;
            }
        }
    }

    /// Goes on with a quota where an earlier process was. For the start, before anyone asks.
    pub fn restore_spent(&self, digest: &Digest, spent: Spent) {
        if let Some(hit) = self.index.find(Key::from(digest)) {
            self.accounts.restore(hit.snapshot.fields.budget, spent);
        }
    }

    /// Hands over the digests to be stored anew while a rotation of the pepper lasts. May repeat itself until the change is applied.
    pub fn drain_redigests(&self, tell: &mut impl FnMut(Redigest)) {
        for _ in 0..MAX_REDIGESTS {
            let Some(redigest) = self.redigests.pop() else {
                return;
            };
            tell(redigest);
        }
    }

    /// Hands over the tokens that were presented after their end since the last call. May repeat itself.
    pub fn drain_refusals(&self, tell: &mut impl FnMut(TokenId)) {
        self.refusals.drain(tell);
    }

    /// How many checks ended with each code since the start.
    pub fn decisions(&self) -> [(&'static str, u64); CODES.len()] {
        let sums = self.counters.sums();
        std::array::from_fn(|place| (CODES[place], sums[place]))
    }

    /// How many secrets are known: one for each token, dead ones included, and one more while it is in an overlap.
    pub fn len(&self) -> u64 {
        self.index.len()
    }

    /// True when no token is known.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The bytes of everything that was allocated here. Waits for a change that is being applied.
    pub fn memory_bytes(&self) -> usize {
        let shared = self.index.memory_bytes()
            + self.overlaps.memory_bytes()
            + self.policies.memory_bytes()
            + self.owners.memory_bytes()
            + self.accounts.memory_bytes();
        let queues = self.addresses.memory_bytes()
            + MAX_REDIGESTS * (size_of::<Redigest>() + size_of::<usize>())
            + self.refusals.memory_bytes()
            + self.counters.memory_bytes();
        size_of::<Self>() + size_of::<Peppers>() + shared + queues + self.writer().memory_bytes()
    }

    /// The decision, and what an allowance of a check leaves behind: it takes from the token's limits and marks a use. Nothing is left
    /// when it is not presented `at` some time and place.
    fn decide(
        &self,
        presented: &str,
        required: &Required<'_>,
        now: Timestamp,
        at: Option<&Presentation>,
    ) -> Decision {
        let Ok(token) = Presented::parse(&self.prefix, presented) else {
            return Decision::deny(DenialCode::Malformed);
        };
        let hash = token.hash();
        let mut paid = false;
        loop {
            let Some((hit, rotation)) = self.look_up(&hash) else {
                return Decision::deny(DenialCode::Unknown);
            };
            if hit.snapshot.fields.flags & PREVIOUS != 0 {
                match self.look_at_overlap(&hit, now) {
                    Look::Open => {}
                    Look::Over => return Decision::deny(DenialCode::Unknown),
                    Look::Again => continue,
                }
            }
            let mut judged = match self.judge(&hit.snapshot, required, now, at) {
                Ok(judged) => judged,
                Err(Unjudged::Foreign) => return Decision::deny(DenialCode::Unknown),
                Err(Unjudged::Stale) => continue,
            };
            let Some(at) = at else {
                return judged.decision();
            };
            if judged.is_limited() {
                match self.charge(&hit, &mut judged, at, paid) {
                    Charge::Settled => paid = judged.verdict.is_ok(),
                    Charge::Moved => continue,
                }
            }
            if judged.verdict.is_err() {
                return judged.decision();
            }
            let verified = judged.verified;
            let second = second_of(now);
            let first_use = match self.index.mark(&hit, second) {
                Mark::Already => {
                    self.note_rotation(verified.id, rotation, MAX_REDIGESTS / 2);
                    false
                }
                Mark::Marked { first } => {
                    self.note_use(&hit, second, at, rotation);
                    first
                }
                // The token was changed while it was judged: the use belongs to its new record, and so does the judgement. What was
                // paid stays paid.
                Mark::Moved => continue,
            };
            if self.end_overlap(&hit, second) == Look::Again {
                continue;
            }
            return Decision::Allow(Verified {
                first_use,
                ..verified
            });
        }
    }

    /// Takes the cost of an allowance from all that limits the token, or denies it; notes what is left in any case. What was `paid`
    /// before the token changed is not paid again.
    #[inline(never)]
    fn charge(&self, hit: &Hit<'_>, judged: &mut Judged<'_>, at: &Presentation, paid: bool) -> Charge {
        let budget = Budget {
            seen: judged.paid_off,
            ..self.budget(hit, &judged.own, &judged.bound)
        };
        if budget.is_unlimited() {
            return Charge::Settled;
        }
        if judged.verdict.is_ok() && !paid {
            match budget.take(at.now, at.cost, || self.index.is_current(hit)) {
                Ok(levels) => {
                    judged.verified.levels = Some(levels);
                    return Charge::Settled;
                }
                Err(Refusal::Rate(wait)) => judged.verdict = Err(DenialCode::RateLimited { wait }),
                Err(Refusal::Quota(wait)) => judged.verdict = Err(DenialCode::QuotaExhausted { wait }),
                Err(Refusal::Moved) => return Charge::Moved,
            }
        }
        judged.verified.levels = Some(budget.levels(at.now));
        Charge::Settled
    }

    /// Everything that limits a token that was found.
    #[inline]
    fn budget<'a>(&'a self, hit: &Hit<'_>, own: &'a Reading<'a>, bound: &'a Reading<'a>) -> Budget<'a> {
        let fields = &hit.snapshot.fields;
        let own = own.policy().and_then(|policy| policy.conditions.as_deref());
        let shared = bound.policy().and_then(|policy| policy.conditions.as_deref());
        Budget {
            owner: shared.and_then(|shared| Some((self.owners.meter(fields.owner)?, shared.rate.as_ref()?))),
            token: own.and_then(|own| Some((self.accounts.meter(fields.budget)?, own.rate.as_ref()?))),
            seen: None,
            quota: own.and_then(|own| {
                let quota = own.terms.quota.as_ref()?;
                Some((self.accounts.purse(fields.budget)?, quota))
            }),
        }
    }

    /// The record of a token, under whichever live pepper it is known.
    #[inline]
    fn look_up(&self, hash: &TokenHash) -> Option<Found<'_>> {
        loop {
            let peppers = self.peppers.load();
            let current = peppers.current.digest(hash);
            let found = match &peppers.previous {
                None => self.index.find(Key::from(&current)).map(|hit| (hit, None)),
                Some(pepper) => {
                    let mut old = None;
                    let previous = || Key::from(&*old.insert(pepper.digest(hash)));
                    let found = self.index.find_either(Key::from(&current), previous);
                    found.map(|(hit, by)| match by {
                        FoundBy::Current => (hit, None),
                        FoundBy::Previous => (hit, old.map(|from| (from, current))),
                    })
                }
            };
            // A rotation may have begun and moved the token since the peppers were read. They are held, so that an address that is
            // equal means peppers that are the same.
            if found.is_some() || Arc::ptr_eq(&peppers, &self.peppers.load()) {
                return found;
            }
        }
    }

    /// An ended token was presented: its owner is told once.
    fn note_refusal(&self, denial: &Denial) {
        let end = denial
            .subject
            .and_then(|subject| Some((subject.id, subject.expires_at?)));
        if let (DenialCode::Expired, Some((id, end))) = (denial.code, end) {
            self.refusals.note(id, end);
        }
    }

    /// The rest of a marked use: whence, and the digest to be stored anew. Once a second for each token.
    fn note_use(&self, hit: &Hit<'_>, second: u32, at: &Presentation, rotation: Option<(Digest, Digest)>) {
        let fields = &hit.snapshot.fields;
        let id = TokenId::from_i64(fields.id);
        self.addresses
            .push(id, role_of(fields.flags), second, at.address, at.presented_in);
        self.note_rotation(id, rotation, MAX_REDIGESTS);
    }

    /// The digest to be stored anew, while a rotation lasts. A token that was used before in the same second, perhaps before the
    /// rotation began, is noted too, lest it end with the old pepper; but a busy one fills no more than half of the queue, so that
    /// it keeps no other out.
    #[inline]
    fn note_rotation(&self, id: TokenId, rotation: Option<(Digest, Digest)>, limit: usize) {
        if let Some((from, to)) = rotation
            && self.redigests.len() < limit
        {
            // When the queue is full the redigest is dropped; it comes again at the token's next use.
            let _ = self.redigests.push(Redigest { id, from, to });
        }
    }
}

/// Seconds since 1970 for a record; 0 means never there, so times before 1970 count as its first second.
fn second_of(time: Timestamp) -> u32 {
    u32::try_from(time.seconds().max(1)).unwrap_or(u32::MAX)
}
