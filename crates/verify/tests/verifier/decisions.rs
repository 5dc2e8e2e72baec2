//! Which decision a presented token gets, and in which order the reasons come.

use std::sync::Arc;

use claviger_domain::authority::{Authority, Place, Selector};
use claviger_domain::{OwnerId, Scope, ScopeSet, TeamId, Timestamp, TokenId};
use claviger_token::TokenType;
use claviger_verify::{Change, Decision, Denial, DenialCode, Entry, Owner, Presentation, Required};

use crate::support::{HOME, NOW, ORG, OWNER, apply, code, entry, plain, present, text, verifier};

const END: Timestamp = Timestamp::from_seconds(1_790_000_100);

fn required(scopes: &[Scope]) -> Required<'static> {
    let scopes = scopes.iter().fold(ScopeSet::EMPTY, |set, &scope| set.with(scope));
    Required::scopes(scopes)
}

fn inactive_owner() -> Owner {
    Owner {
        id: OWNER,
        org: ORG,
        authority: plain(ScopeSet::all()),
        active: false,
        rate_limit: None,
    }
}

#[test]
fn a_live_token_is_allowed_with_all_that_is_known_of_it() {
    let verifier = verifier([Entry {
        authority: plain(ScopeSet::only(Scope::TokensRead)),
        expires_at: Some(END),
        ..entry(1)
    }]);

    let decision = present(&verifier, 1, NOW);

    let Decision::Allow(verified) = decision else {
        panic!("a live token was refused");
    };
    assert_eq!(
        (verified.id, verified.org, verified.owner),
        (TokenId::from_i64(1_001), ORG, OWNER)
    );
    assert_eq!(verified.token_type, TokenType::Personal);
    assert_eq!(verified.scopes, ScopeSet::only(Scope::TokensRead));
    assert_eq!(verified.expires_at, Some(END));
    assert!(verified.first_use);
}

#[test]
fn a_text_that_is_no_token_is_malformed_and_a_token_never_issued_is_unknown() {
    let verifier = verifier([entry(1)]);
    let at = Presentation::new(NOW, HOME);

    let malformed = verifier.check("clvp_nonsense", &Required::default(), &at);
    let unknown = present(&verifier, 2, NOW);

    let denied = |code| Decision::Deny(Denial { code, subject: None });
    assert_eq!(malformed, denied(DenialCode::Malformed));
    assert_eq!(unknown, denied(DenialCode::Unknown));
}

#[test]
fn a_token_is_refused_from_the_very_microsecond_of_its_end() {
    let verifier = verifier([Entry {
        expires_at: Some(END),
        ..entry(1)
    }]);
    let at = |offset| present(&verifier, 1, Timestamp::from_micros(END.micros() + offset)).code();

    assert_eq!(at(-1_000), "valid");
    assert_eq!(at(-1), "valid");
    assert_eq!(at(0), "expired");
    assert_eq!(at(1), "expired");
    assert_eq!(at(1_000), "expired");
}

#[test]
fn a_revoked_token_is_refused_at_once_and_its_owners_log_knows_which() {
    let verifier = verifier([entry(1)]);
    assert_eq!(code(&verifier, 1), "valid");

    apply(&verifier, Change::Revoke(entry(1).digest));

    let Decision::Deny(denial) = present(&verifier, 1, NOW) else {
        panic!("a revoked token was accepted");
    };
    assert_eq!(denial.code, DenialCode::Revoked);
    assert_eq!(
        denial.subject.map(|token| token.id),
        Some(TokenId::from_i64(1_001))
    );
}

#[test]
fn revoked_is_said_before_expired_and_expired_before_an_inactive_owner() {
    let dead = Entry {
        expires_at: Some(NOW),
        ..entry(1)
    };
    let verifier = verifier([dead.clone(), entry(2)]);
    apply(&verifier, Change::Owner(inactive_owner()));

    assert_eq!(code(&verifier, 1), "expired");
    assert_eq!(code(&verifier, 2), "revoked", "its owner may no longer act");

    apply(&verifier, Change::Revoke(dead.digest));
    assert_eq!(code(&verifier, 1), "revoked");
}

#[test]
fn a_dead_token_is_not_told_which_scope_it_lacks() {
    let verifier = verifier([Entry {
        authority: plain(ScopeSet::only(Scope::TokensRead)),
        revoked: true,
        ..entry(1)
    }]);
    let at = Presentation::new(NOW, HOME);

    let decision = verifier.check(&text(1), &required(&[Scope::AuditRead]), &at);

    assert_eq!(decision.code(), "revoked");
}

#[test]
fn all_required_scopes_are_needed_and_the_missing_ones_are_named() {
    let scopes = ScopeSet::only(Scope::TokensRead).with(Scope::AuditRead);
    let verifier = verifier([Entry {
        authority: plain(scopes),
        ..entry(1)
    }]);
    let at = Presentation::new(NOW, HOME);
    let check = |scopes: &[Scope]| verifier.check(&text(1), &required(scopes), &at);

    assert_eq!(check(&[Scope::AuditRead, Scope::TokensRead]).code(), "valid");

    let Decision::Deny(denial) = check(&[Scope::TokensRead, Scope::TokensWrite]) else {
        panic!("a scope that was never given was accepted");
    };
    let missing = ScopeSet::only(Scope::TokensWrite);
    assert_eq!(denial.code, DenialCode::InsufficientScope { missing });
    assert_eq!(denial.subject.map(|token| token.scopes), Some(scopes));
}

#[test]
fn a_token_never_does_more_than_its_owner_may_now() {
    let verifier = verifier([entry(1), entry(2)]);
    let narrowed = Owner {
        authority: plain(ScopeSet::only(Scope::TokensRead)),
        active: true,
        rate_limit: None,
        ..inactive_owner()
    };

    apply(&verifier, Change::Owner(narrowed));

    for number in [1, 2] {
        let scopes = present(&verifier, number, NOW).verified().unwrap().scopes;
        assert_eq!(scopes, ScopeSet::only(Scope::TokensRead));
    }
}

#[test]
fn a_scope_is_needed_at_the_place_that_is_asked_for() {
    let (own, other) = (TeamId::from_i64(1), TeamId::from_i64(2));
    let scopes = ScopeSet::only(Scope::DeploymentsWrite);
    let of_team = |team| Arc::new(Authority::of_token(scopes, Selector::team(team)));
    let restricted = Entry {
        authority: of_team(own),
        ..entry(1)
    };
    let verifier = verifier([restricted, entry(2)]);
    let at = Presentation::new(NOW, HOME);
    let code = |number, place| {
        let required = Required::at(scopes, place);
        verifier.check(&text(number), &required, &at).code()
    };

    assert_eq!(code(1, Place::team(own)), "valid");
    assert_eq!(code(1, Place::team(other)), "restricted");
    assert_eq!(code(1, Place::ORGANIZATION), "restricted");
    assert_eq!(code(2, Place::team(other)), "valid");

    apply(
        &verifier,
        Change::Owner(Owner {
            authority: of_team(other),
            active: true,
            rate_limit: None,
            ..inactive_owner()
        }),
    );
    assert_eq!(code(1, Place::team(own)), "restricted", "the owner is not there");
    assert_eq!(
        code(1, Place::team(other)),
        "restricted",
        "the token is not there"
    );
    assert_eq!(code(2, Place::team(other)), "valid");
}

#[test]
fn the_power_of_a_verified_token_is_what_both_allow() {
    let team = TeamId::from_i64(1);
    let narrow = Arc::new(Authority::of_token(ScopeSet::all(), Selector::team(team)));
    let verifier = verifier([Entry {
        owner_authority: narrow,
        authority: plain(ScopeSet::only(Scope::TokensRead)),
        ..entry(1)
    }]);

    let power = verifier.power(present(&verifier, 1, NOW).verified().unwrap());

    assert!(power.allows(Scope::TokensRead, &Place::team(team)));
    assert!(!power.allows(Scope::TokensRead, &Place::ORGANIZATION));
    assert!(!power.allows(Scope::TokensWrite, &Place::team(team)));
    assert_eq!(power.scopes(), ScopeSet::only(Scope::TokensRead));
}

#[test]
fn an_owner_that_is_deactivated_stops_all_its_tokens_and_reactivated_revives_them() {
    let verifier = verifier([entry(1), entry(2)]);

    apply(&verifier, Change::Owner(inactive_owner()));
    assert_eq!([code(&verifier, 1), code(&verifier, 2)], ["revoked", "revoked"]);

    let active = Owner {
        active: true,
        rate_limit: None,
        ..inactive_owner()
    };
    apply(&verifier, Change::Owner(active));
    assert_eq!([code(&verifier, 1), code(&verifier, 2)], ["valid", "valid"]);
}

#[test]
fn an_owner_that_was_inactive_before_its_tokens_came_stays_inactive() {
    let verifier = verifier([]);
    apply(&verifier, Change::Owner(inactive_owner()));

    apply(&verifier, Change::Upsert(entry(1)));

    assert_eq!(code(&verifier, 1), "revoked");
}

#[test]
fn a_token_that_acts_as_itself_is_its_own_owner_and_bounded_by_what_it_was_given() {
    let id = TokenId::from_i64(77);
    let verifier = verifier([
        Entry {
            id,
            owner: OwnerId::from(id),
            owner_authority: plain(ScopeSet::EMPTY),
            authority: plain(ScopeSet::only(Scope::AuditRead)),
            token_type: TokenType::Global,
            ..entry(1)
        },
        entry(2),
    ]);
    apply(&verifier, Change::Owner(inactive_owner()));

    let verified = *present(&verifier, 1, NOW).verified().unwrap();

    assert_eq!(
        (verified.id, verified.owner, verified.org),
        (id, OwnerId::from(id), ORG)
    );
    assert_eq!(verified.token_type, TokenType::Global);
    assert_eq!(verified.scopes, ScopeSet::only(Scope::AuditRead));
}

#[test]
fn decisions_are_counted_by_code() {
    let verifier = verifier([
        entry(1),
        Entry {
            revoked: true,
            ..entry(2)
        },
    ]);
    for number in [1, 1, 2, 3] {
        present(&verifier, number, NOW);
    }
    let at = Presentation::new(NOW, HOME);
    verifier.check("", &Required::default(), &at);

    let counted: Vec<_> = verifier
        .decisions()
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect();

    assert_eq!(
        counted,
        [("valid", 2), ("malformed", 1), ("unknown", 1), ("revoked", 1)]
    );
}

#[test]
fn to_inspect_a_token_leaves_no_trace() {
    let verifier = verifier([entry(1)]);

    let decision = verifier.inspect(&text(1), NOW);

    assert!(!decision.verified().unwrap().first_use);
    assert_eq!(verifier.last_used(&entry(1).digest), None);
    assert!(verifier.decisions().iter().all(|(_, count)| *count == 0));
    assert!(
        present(&verifier, 1, NOW).verified().unwrap().first_use,
        "it was not used before"
    );
}
