//! Calendar feeds: addresses that a calendar program reads, and that show when tokens end.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A calendar feed to create.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateCalendarFeed {
    /// 1–128 characters: the calendar's name.
    #[schema(example = "Tokens of payments")]
    pub name: String,
}

/// A calendar feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CalendarFeed {
    /// The handle.
    #[schema(example = "cal_01k9zv5m3r000")]
    pub id: String,
    /// The calendar's name.
    pub name: String,
    /// The principal that made it.
    pub created_by: String,
    /// The token by which it was made: it shows what that token may see, and ends when that is revoked or deleted. `null` for one that a
    /// signed-in person made: it shows what they may see.
    pub token: Option<String>,
    /// When it was made.
    pub created_at: String,
}

/// A calendar feed with its address, which is shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedCalendarFeed {
    /// The record.
    pub feed: CalendarFeed,
    /// Where the calendar is, from the root of this server. Whoever has it can read the calendar: treat it as a secret.
    #[schema(example = "/v1/calendar/clvk_….ics")]
    pub path: String,
}

/// Which calendar feeds to list, the newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListCalendarFeeds {
    /// Rows of a page, 1–200; 50 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}
