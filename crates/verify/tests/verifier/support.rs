//! Tokens made from numbers, entries with everything filled in, and a verifier that knows them.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use claviger_domain::authority::{Authority, Selector};
use claviger_domain::{OrgId, OwnerId, ScopeSet, Timestamp, TokenId};
use claviger_token::{
    Digest, Pepper, Prefix, Presented, RandomSource, RandomUnavailable, TokenType, generate,
};
use claviger_verify::{Applied, Change, Decision, Entry, Peppers, Presentation, Required, Verifier};

pub(crate) const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub(crate) const ORG: OrgId = OrgId::from_i64(1);
pub(crate) const OWNER: OwnerId = OwnerId::from_i64(2);
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

/// Bytes that follow from a number (splitmix64).
struct Numbered(u64);

impl RandomSource for Numbered {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
        let mut state = self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for chunk in bytes.chunks_mut(8) {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// The text of the token with that number.
pub(crate) fn text(number: u64) -> String {
    let secret = generate(&Prefix::default(), TokenType::Personal, &Numbered(number)).unwrap();
    secret.expose().to_owned()
}

pub(crate) fn pepper(number: u8) -> Pepper {
    Pepper::new([number; 32])
}

/// The digest of that token under that pepper.
pub(crate) fn digest_under(number: u64, pepper: &Pepper) -> Digest {
    let text = text(number);
    pepper.digest(&Presented::parse(&Prefix::default(), &text).unwrap().hash())
}

/// The digest under pepper 1, which [`verifier`] has.
pub(crate) fn digest(number: u64) -> Digest {
    digest_under(number, &pepper(1))
}

/// These scopes everywhere.
pub(crate) fn plain(scopes: ScopeSet) -> Arc<Authority> {
    Arc::new(Authority::of_token(scopes, Selector::everywhere()))
}

/// A live personal token of [`OWNER`] that may do everything and never ends.
pub(crate) fn entry(number: u64) -> Entry {
    Entry {
        digest: digest(number),
        id: TokenId::from_i64(i64::try_from(number).unwrap() + 1_000),
        org: ORG,
        owner: OWNER,
        owner_authority: plain(ScopeSet::all()),
        token_type: TokenType::Personal,
        authority: plain(ScopeSet::all()),
        terms: None,
        expires_at: None,
        revoked: false,
        last_used: None,
        awaits_first_use: false,
        previous: None,
    }
}

/// A verifier under pepper 1 that knows these.
pub(crate) fn verifier(entries: impl IntoIterator<Item = Entry>) -> Verifier {
    let peppers = Peppers {
        current: pepper(1),
        previous: None,
    };
    let verifier = Verifier::new(Prefix::default(), peppers);
    verifier.load(entries).unwrap();
    verifier
}

pub(crate) fn apply(verifier: &Verifier, change: Change) {
    assert_eq!(verifier.apply(change), Ok(Applied::InForce));
}

/// Presents the token at that instant, for anything that a live token may do.
pub(crate) fn present(verifier: &Verifier, number: u64, now: Timestamp) -> Decision {
    let at = Presentation::new(now, HOME);
    verifier.check(&text(number), &Required::default(), &at)
}

/// The public name of what [`present`] gets now.
pub(crate) fn code(verifier: &Verifier, number: u64) -> &'static str {
    present(verifier, number, NOW).code()
}
