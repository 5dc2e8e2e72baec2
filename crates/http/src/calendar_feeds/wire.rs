//! Between the wire types of calendar feeds and the domain's.

use claviger_api::calendar_feeds as api;
use claviger_domain::calendar::CalendarFeed;

/// A feed.
pub(super) fn feed(feed: &CalendarFeed) -> api::CalendarFeed {
    api::CalendarFeed {
        id: feed.id.to_string(),
        name: feed.name.as_str().to_owned(),
        created_by: feed.created_by.to_string(),
        token: feed.eyes.map(|token| token.to_string()),
        created_at: feed.created_at.to_string(),
    }
}
