//! Budgets: what is left of a rate limit or a quota, and how several are spent as one.
//!
//! A [`Meter`] or a [`Purse`] is one atomic word. A check that several of them bind takes from all or from none ([`Budget::take`]):
//! it looks at all first, then takes one after the other, and what it took before one that meanwhile ran short it gives back.
//! Invariants: what is admitted never exceeds any of them; what is refused takes nothing in the end; nobody waits. Until it gives
//! back, a check can keep others out of what it will not use, at most its own cost; `tests/loom_budget.rs` explores this module by
//! itself, which is why it is public.
//!
//! Why the words are beside the records and not in them: `docs/decisions/0011-limits.md`.

use std::time::Duration;

use claviger_domain::Timestamp;
use claviger_domain::terms::{Gcra, Level, Quota, Shortage, Spent};

use crate::sync::{AtomicU64, LoadToChange as _, Ordering};

/// The state of a rate limit: the instant until which all that was admitted is paid off, in nanoseconds since 1970.
#[derive(Debug, Default)]
pub struct Meter(AtomicU64);

/// The state of a quota: what was spent in which period, as [`Spent::to_word`] writes it.
#[derive(Debug, Default)]
pub struct Purse(AtomicU64);

/// Everything that binds one check.
#[derive(Debug, Clone, Copy, Default)]
pub struct Budget<'a> {
    /// The rate limit that all tokens of the owner share.
    pub owner: Option<(&'a Meter, &'a Gcra)>,
    /// The token's own.
    pub token: Option<(&'a Meter, &'a Gcra)>,
    /// What the token's own meter said before, if it was read.
    pub seen: Option<u64>,
    /// The token's quota.
    pub quota: Option<(&'a Purse, &'a Quota)>,
}

/// What is left of everything that binds a token; of what does not bind it, nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Levels {
    /// Of the owner's rate limit.
    pub owner: Level,
    /// Of the token's own.
    pub token: Level,
    /// Of its quota.
    pub quota: Level,
}

/// Why nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A rate limit, and after what time the same is admitted; `None` = never.
    Rate(Option<Duration>),
    /// The quota, and after what time the same is admitted; `None` = never.
    Quota(Option<Duration>),
    /// The token was changed or removed meanwhile: its words may be another's.
    Moved,
}

/// One of several did not give.
enum Short {
    Of(Shortage),
    Moved,
}

// === impl Meter ===

impl Meter {
    /// Begins anew for another token. No two tokens begin with the same word, and none with one that can come later, so that whoever
    /// still has the word of the token before takes nothing from this one.
    pub fn begin(&self, stamp: u32) {
        // A swap and no store, here and below: `loom` 0.7 does not put a store between a read-modify-write and what it read.
        self.0.swap(stamp.into(), Ordering::AcqRel);
    }

    /// The state, for [`Gcra::level`].
    pub fn paid_off(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Takes `cost`, if there is as much and the token `is_current`. Gives the new state. What was `seen` before saves reading it.
    fn take(
        &self,
        limit: &Gcra,
        (now, cost): (u64, u32),
        seen: Option<u64>,
        is_current: &impl Fn() -> bool,
    ) -> Result<u64, Short> {
        let mut seen = seen.unwrap_or_else(|| self.0.load_to_change());
        loop {
            // Asked after the word was read: words are handed on after their token ceased to be current.
            if !is_current() {
                return Err(Short::Moved);
            }
            let wanted = match limit.admit(seen, now, cost) {
                Ok(until) => until,
                Err(shortage) => return Err(Short::Of(shortage)),
            };
            match self
                .0
                .compare_exchange_weak(seen, wanted, Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => return Ok(wanted),
                Err(now) => seen = now,
            }
        }
    }

    /// Brings a state that lies too far ahead to where it may be at most, lest it stay as far ahead however long anyone waits.
    fn pull_in(&self, limit: &Gcra, now: u64) {
        let seen = self.0.load_to_change();
        let most = limit.pulled_in(seen, now);
        if most < seen {
            // Whoever changed it meanwhile looked too.
            let _ = self
                .0
                .compare_exchange(seen, most, Ordering::AcqRel, Ordering::Acquire);
        }
    }

    /// Gives back what was taken. When the state lay in the past it comes back as the present, which is worth as much.
    fn give_back(&self, limit: &Gcra, cost: u32) {
        let price = limit.price(cost);
        let mut seen = self.0.load_to_change();
        while let Err(now) = self.0.compare_exchange_weak(
            seen,
            seen.saturating_sub(price),
            Ordering::AcqRel,
            Ordering::Acquire,
        ) {
            seen = now;
        }
    }
}

// === impl Purse ===

impl Purse {
    /// Begins anew for another token, as [`Meter::begin`] does: with a period that is long over, and credits that no longer count.
    pub fn begin(&self, stamp: u32) {
        self.restore(Spent {
            period: 0,
            credits: stamp,
        });
    }

    /// Goes on where an earlier process was.
    pub fn restore(&self, spent: Spent) {
        self.0.swap(spent.to_word(), Ordering::AcqRel);
    }

    /// What was spent.
    pub fn spent(&self) -> Spent {
        Spent::from_word(self.0.load(Ordering::Acquire))
    }

    /// Takes `cost`, if there is as much and the token `is_current`. Gives the new state.
    fn take(
        &self,
        quota: &Quota,
        period: u32,
        cost: u32,
        is_current: &impl Fn() -> bool,
    ) -> Result<Spent, Short> {
        let mut seen = self.0.load_to_change();
        loop {
            if !is_current() {
                return Err(Short::Moved);
            }
            let Some(spent) = quota.spend(Spent::from_word(seen), period, cost) else {
                return Err(Short::Of(Shortage { wait: None }));
            };
            match self
                .0
                .compare_exchange_weak(seen, spent.to_word(), Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => return Ok(spent),
                Err(now) => seen = now,
            }
        }
    }
}

// === impl Budget ===

impl Budget<'_> {
    /// True when nothing binds the check.
    #[inline]
    pub fn is_unlimited(&self) -> bool {
        self.owner.is_none() && self.token.is_none() && self.quota.is_none()
    }

    /// True when what is taken from one thing may have to be given back for another.
    fn binds_several(&self) -> bool {
        let binds = [self.owner.is_some(), self.token.is_some(), self.quota.is_some()];
        binds.into_iter().filter(|binds| *binds).count() > 1
    }

    /// Takes `cost` from everything or from nothing. Gives what is left. `is_current` says whether the token is still the one that the
    /// words were found by.
    ///
    /// # Errors
    /// [`Refusal`]; the wait is until everything has as much.
    pub fn take(&self, now: Timestamp, cost: u32, is_current: impl Fn() -> bool) -> Result<Levels, Refusal> {
        if self.binds_several() {
            self.look(now, cost)?;
        }
        let nanos = now.nanos();
        let mut levels = Levels::default();
        if let Some((meter, limit)) = self.owner {
            // An owner's word is never another's.
            let paid_off = meter.take(limit, (nanos, cost), None, &|| true);
            let paid_off = paid_off.map_err(|short| self.refused(now, cost, &short))?;
            levels.owner = limit.level(paid_off, nanos);
        }
        if let Some((meter, limit)) = self.token {
            match meter.take(limit, (nanos, cost), self.seen, &is_current) {
                Ok(paid_off) => levels.token = limit.level(paid_off, nanos),
                Err(short) => {
                    self.give_back_owners(cost);
                    return Err(self.refused(now, cost, &short));
                }
            }
        }
        if let Some((purse, quota)) = self.quota {
            let period = quota.period_at(now);
            match purse.take(quota, period, cost, &is_current) {
                Ok(spent) => levels.quota = level_of(quota, spent, now),
                Err(short) => {
                    self.give_back_owners(cost);
                    if let Some((meter, limit)) = self.token
                        && is_current()
                    {
                        meter.give_back(limit, cost);
                    }
                    return Err(self.refused(now, cost, &short));
                }
            }
        }
        Ok(levels)
    }

    /// What is left now.
    pub fn levels(&self, now: Timestamp) -> Levels {
        let nanos = now.nanos();
        let of_meter =
            |bound: Option<(&Meter, &Gcra)>| bound.map(|(meter, limit)| limit.level(meter.paid_off(), nanos));
        Levels {
            owner: of_meter(self.owner).unwrap_or_default(),
            token: of_meter(self.token).unwrap_or_default(),
            quota: self
                .quota
                .map(|(purse, quota)| level_of(quota, purse.spent(), now))
                .unwrap_or_default(),
        }
    }

    /// Looks whether everything has as much, and how long to wait for what has not. Takes nothing.
    ///
    /// # Errors
    /// [`Refusal::Rate`], [`Refusal::Quota`].
    pub fn look(&self, now: Timestamp, cost: u32) -> Result<(), Refusal> {
        let nanos = now.nanos();
        let mut wait = Some(Duration::ZERO);
        let mut is_short = false;
        for (meter, limit) in [self.owner, self.token].into_iter().flatten() {
            if let Err(shortage) = limit.admit(meter.paid_off(), nanos, cost) {
                meter.pull_in(limit, nanos);
                is_short = true;
                wait = later(wait, shortage.wait);
            }
        }
        let spent_up = self
            .quota
            .is_some_and(|(purse, quota)| quota.spend(purse.spent(), quota.period_at(now), cost).is_none());
        if spent_up {
            return Err(Refusal::Quota(later(wait, self.refill(now, cost))));
        }
        if is_short {
            return Err(Refusal::Rate(wait));
        }
        Ok(())
    }

    /// How long until the quota is full again; `None` when it never holds as much.
    fn refill(&self, now: Timestamp, cost: u32) -> Option<Duration> {
        let (_, quota) = self.quota?;
        (cost <= quota.credits()).then(|| quota.refill_at(now).since(now))
    }

    /// The refusal after something ran short between the look and the taking: by now a look finds it, unless it is back already.
    fn refused(&self, now: Timestamp, cost: u32, short: &Short) -> Refusal {
        match (short, self.look(now, cost)) {
            (Short::Moved, _) => Refusal::Moved,
            (Short::Of(_), Err(refusal)) => refusal,
            (Short::Of(shortage), Ok(())) => Refusal::Rate(shortage.wait.or(Some(Duration::ZERO))),
        }
    }

    fn give_back_owners(&self, cost: u32) {
        if let Some((meter, limit)) = self.owner {
            meter.give_back(limit, cost);
        }
    }
}

/// The longer of two waits; `None` is for ever.
fn later(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    Some(one?.max(other?))
}

fn level_of(quota: &Quota, spent: Spent, now: Timestamp) -> Level {
    let wait = quota.refill_at(now).since(now);
    Level {
        remaining: quota.remaining(spent, quota.period_at(now)),
        reset_seconds: u32::try_from(wait.as_nanos().div_ceil(1_000_000_000)).unwrap_or(u32::MAX),
    }
}
