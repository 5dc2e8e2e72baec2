//! Calendar feeds: addresses that a calendar program reads without a header, and that show when tokens end.
//!
//! A feed has the eyes of the token by which it was made, or of the person who was signed in, within what that token's owner may do when it is read: it is never worth
//! more than either. It outlives the token's end, and not its revocation.

use crate::name::Label;
use crate::owner::Principal;
use crate::{CalendarFeedId, OrgId, Timestamp, TokenId};

/// The most live feeds of one principal.
pub const MAX_FEEDS: u64 = 20;
/// The most tokens that a feed shows, the earliest ends first.
pub const MAX_EVENTS: u32 = 5_000;
/// How long after its end a token stays in a feed, in days.
pub const SHOWN_AFTER_DAYS: u32 = 30;

/// A calendar that programs may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarFeed {
    /// The handle.
    pub id: CalendarFeedId,
    /// The tenant.
    pub org: OrgId,
    /// For people; the calendar's name.
    pub name: Label,
    /// The principal that made it.
    pub created_by: Principal,
    /// The token by which it was made, and whose eyes it has; `None` for the person's own, who was signed in.
    pub eyes: Option<TokenId>,
    /// When it was made.
    pub created_at: Timestamp,
}
