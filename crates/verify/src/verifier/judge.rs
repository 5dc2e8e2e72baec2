//! The judgement: what a found record says to what is required, limits apart.
//!
//! Invariant: it reads the record's snapshot, its policy, its owner, the owner's policy and the word of its own limit, and writes nothing. Called by the one loop that
//! decides, which looks again when what it read was changed meanwhile.

use claviger_domain::resource::Asked;
use claviger_domain::terms::Networks;
use claviger_domain::token::PresentedIn;
use claviger_domain::{OrgId, OwnerId, Timestamp, TokenId};
use claviger_token::TokenType;

use super::{NEVER, SELF_OWNED, TYPE_SHIFT, Verifier};
use crate::budget::Meter;
use crate::decision::{Decision, Denial, DenialCode, PolicyPair, Presentation, Required, Verified};
use crate::index::Snapshot;
use crate::policies::{Conditions, Reading};

/// A known token, and what comes of it.
pub(super) struct Judged<'a> {
    pub(super) verified: Verified,
    pub(super) verdict: Result<(), DenialCode>,
    /// What it was given, which stays there while it is held.
    pub(super) own: Reading<'a>,
    /// What its owner may do.
    pub(super) bound: Reading<'a>,
    /// The state of its own rate limit before the judgement. Asked for early: it comes from far away, and is there when it is needed.
    pub(super) paid_off: Option<u64>,
}

/// Why a token that was found is not judged.
pub(super) enum Unjudged {
    /// Another organization asks.
    Foreign,
    /// What it was given was replaced and freed meanwhile: look it up again.
    Stale,
}

impl Verifier {
    /// The token as known, and whether it may, limits apart.
    #[inline]
    pub(super) fn judge(
        &self,
        token: &Snapshot,
        required: &Required<'_>,
        now: Timestamp,
        at: Option<&Presentation>,
    ) -> Result<Judged<'_>, Unjudged> {
        let fields = &token.fields;
        // What a record refers to is there before the record.
        let owner = self.owners.get(fields.owner).ok_or(Unjudged::Foreign)?;
        if at.and_then(|at| at.asking).is_some_and(|org| org != owner.org) {
            return Err(Unjudged::Foreign);
        }
        let own = self.policies.get(fields.policy).ok_or(Unjudged::Foreign)?;
        let bounding = self.policies.get(owner.policy).ok_or(Unjudged::Foreign)?;
        let policy = own.policy().ok_or(Unjudged::Stale)?;
        let bound = bounding.policy().ok_or(Unjudged::Stale)?;
        let paid_off = self.accounts.meter(fields.budget).map(Meter::paid_off);
        let id = TokenId::from_i64(fields.id);
        let scopes = policy.scopes.intersection(bound.scopes);
        let self_owned = fields.flags & SELF_OWNED != 0;
        let verified = Verified {
            id,
            org: owner.org,
            owner: if self_owned { OwnerId::from(id) } else { owner.id },
            token_type: TokenType::ALL[((fields.flags >> TYPE_SHIFT) & 3) as usize],
            scopes,
            expires_at: (fields.expires_at != NEVER).then(|| Timestamp::from_micros(fields.expires_at)),
            first_use: false,
            policies: PolicyPair {
                token: fields.policy,
                owner: owner.policy,
            },
            levels: None,
        };
        let missing = required.scopes.difference(scopes);
        let reaches = |place| policy.reaches(required.scopes, place) && bound.reaches(required.scopes, place);
        let permits = |asked: &Asked<'_>| policy.authority.permits(asked) && bound.authority.permits(asked);
        let conditions = policy.conditions.as_deref();
        let verdict = if token.ended() {
            Err(DenialCode::Revoked)
        } else if now.micros() >= fields.expires_at {
            Err(DenialCode::Expired)
        } else if !owner.active {
            Err(DenialCode::Revoked)
        } else if !missing.is_empty() {
            Err(DenialCode::InsufficientScope { missing })
        } else if required.at.as_ref().is_some_and(|place| !reaches(place))
            || at.is_some_and(|at| !self.comes_as_agreed(owner.org, conditions, at))
        {
            Err(DenialCode::Restricted)
        } else if required.asked.as_ref().is_some_and(|asked| !permits(asked)) {
            Err(DenialCode::NotPermitted)
        } else {
            Ok(())
        };
        Ok(Judged {
            verified,
            verdict,
            own,
            bound: bounding,
            paid_off,
        })
    }

    /// True when the token comes from one of its networks, and not in an address unless both it and its organization allow that.
    #[inline]
    fn comes_as_agreed(&self, org: OrgId, conditions: Option<&Conditions>, at: &Presentation) -> bool {
        let in_query = at.presented_in == PresentedIn::Query;
        let Some(Conditions { terms, .. }) = conditions else {
            return !in_query;
        };
        let from_there = |networks: &Networks| networks.contain(at.address);
        let may_be_there = || terms.allow_query && self.query_orgs.load().contains(&org);
        (!in_query || may_be_there()) && terms.networks.as_ref().is_none_or(from_there)
    }
}

impl Judged<'_> {
    /// There may be limits to take from.
    #[inline]
    pub(super) fn is_limited(&self) -> bool {
        let has_conditions =
            |there: &Reading<'_>| there.policy().is_some_and(|policy| policy.conditions.is_some());
        has_conditions(&self.own) || has_conditions(&self.bound)
    }

    #[inline]
    pub(super) fn decision(self) -> Decision {
        match self.verdict {
            Ok(()) => Decision::Allow(self.verified),
            Err(code) => Decision::Deny(Denial {
                code,
                subject: Some(self.verified),
            }),
        }
    }
}
