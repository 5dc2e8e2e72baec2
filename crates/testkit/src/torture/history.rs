//! The history of one token: a switch that is turned off once.
//!
//! Verifications and the revocation overlap in time. The history is linearizable (Herlihy, Wing 1990) exactly when one instant between the
//! sending and the acknowledgement of the revocation explains it: no accepting verification started after it, no refusing one ended before.

/// One verification, in nanoseconds of one clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) accepted: bool,
}

/// The revocation; `u64::MAX` where it has not come to that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Revocation {
    pub(super) sent: u64,
    pub(super) acknowledged: u64,
}

/// What no instant explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Accepted, and the verification started this long after the acknowledgement.
    AcceptedLate(u64),
    /// Refused, and the verification ended this long before the revocation was sent.
    RefusedEarly(u64),
    /// Accepted by a verification that started this long after another had been refused.
    Revived(u64),
}

/// Looks for the instant; gives the fault that forbids one.
pub(super) fn fault(revocation: Revocation, seen: &[Seen]) -> Option<Fault> {
    let accepted = seen
        .iter()
        .filter(|seen| seen.accepted)
        .map(|seen| seen.start)
        .max();
    let refused = seen
        .iter()
        .filter(|seen| !seen.accepted)
        .map(|seen| seen.end)
        .min();
    let (accepted, refused) = (accepted.unwrap_or(0), refused.unwrap_or(u64::MAX));
    if accepted > revocation.acknowledged {
        Some(Fault::AcceptedLate(accepted - revocation.acknowledged))
    } else if refused < revocation.sent {
        Some(Fault::RefusedEarly(revocation.sent.saturating_sub(refused)))
    } else if accepted > refused {
        Some(Fault::Revived(accepted - refused))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REVOCATION: Revocation = Revocation {
        sent: 100,
        acknowledged: 200,
    };

    fn seen(start: u64, end: u64, accepted: bool) -> Seen {
        Seen { start, end, accepted }
    }

    #[test]
    fn before_and_after_are_explained_and_so_is_either_answer_in_between() {
        let history = [
            seen(10, 20, true),
            seen(90, 150, true),
            seen(120, 250, false),
            seen(130, 300, true),
            seen(150, 160, false),
            seen(210, 220, false),
        ];

        assert_eq!(fault(REVOCATION, &history), None);
        assert_eq!(fault(REVOCATION, &[]), None);
    }

    #[test]
    fn an_accept_that_starts_after_the_acknowledgement_is_a_fault() {
        assert_eq!(
            fault(REVOCATION, &[seen(201, 210, true)]),
            Some(Fault::AcceptedLate(1))
        );
        assert_eq!(
            fault(REVOCATION, &[seen(200, 900, true)]),
            None,
            "it started before"
        );
    }

    #[test]
    fn a_refusal_before_the_revocation_was_sent_is_a_fault() {
        assert_eq!(
            fault(REVOCATION, &[seen(10, 40, false)]),
            Some(Fault::RefusedEarly(60))
        );
        let never = Revocation {
            sent: u64::MAX,
            acknowledged: u64::MAX,
        };
        assert!(fault(never, &[seen(10, 40, false)]).is_some());
    }

    #[test]
    fn a_token_that_was_refused_does_not_come_back() {
        let history = [seen(110, 120, false), seen(130, 140, true)];

        assert_eq!(fault(REVOCATION, &history), Some(Fault::Revived(10)));
    }
}
