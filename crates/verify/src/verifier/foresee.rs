//! Foresee: what a check would decide, without a check. For explanations, which must agree with the door that they explain.

use std::net::IpAddr;

use claviger_domain::Timestamp;
use claviger_token::Digest;

use super::Verifier;
use super::judge::Unjudged;
use crate::budget::Refusal;
use crate::decision::{Decision, DenialCode, Presentation, Required};
use crate::index::Key;

impl Verifier {
    /// What [`check`](Self::check) would decide now of the token that is stored under `digest`, without a trace: no use is marked, nothing
    /// is counted, and nothing is taken from its limits, though it is denied when they have less than `cost` left. Without an `address`,
    /// whence it comes does not matter.
    pub fn foresee(
        &self,
        digest: &Digest,
        required: &Required<'_>,
        now: Timestamp,
        cost: u32,
        address: Option<IpAddr>,
    ) -> Decision {
        let at = address.map(|address| Presentation::new(now, address));
        let (hit, mut judged) = loop {
            let Some(hit) = self.index.find(Key::from(digest)) else {
                return Decision::deny(DenialCode::Unknown);
            };
            match self.judge(&hit.snapshot, required, now, at.as_ref()) {
                Ok(judged) => break (hit, judged),
                Err(Unjudged::Foreign) => return Decision::deny(DenialCode::Unknown),
                Err(Unjudged::Stale) => {}
            }
        };
        let budget = self.budget(&hit, &judged.own, &judged.bound);
        if !budget.is_unlimited() {
            if judged.verdict.is_ok() {
                judged.verdict = budget.look(now, cost).map_err(|refusal| match refusal {
                    Refusal::Rate(wait) => DenialCode::RateLimited { wait },
                    Refusal::Quota(wait) => DenialCode::QuotaExhausted { wait },
                    Refusal::Moved => DenialCode::Unknown,
                });
            }
            judged.verified.levels = Some(budget.levels(now));
        }
        judged.decision()
    }
}
