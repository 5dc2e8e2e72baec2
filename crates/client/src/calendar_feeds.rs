//! The operations on calendar feeds, `/v1/calendar-feeds`.

use claviger_api::{
    calendar_feeds::{CalendarFeed, CreateCalendarFeed, CreatedCalendarFeed, ListCalendarFeeds},
    page::Page,
};
use reqwest::Method;

use crate::{Client, Error, id};

impl Client {
    /// `POST /v1/calendar-feeds`: the address is shown this once.
    ///
    /// # Errors
    /// [`Error`]; among the problems `calendar_feed_limit_reached`.
    pub async fn create_calendar_feed(
        &self,
        body: &CreateCalendarFeed,
    ) -> Result<CreatedCalendarFeed, Error> {
        let call = self.call(Method::POST, &["v1", "calendar-feeds"]);
        call.json(body).answer().await
    }

    /// `GET /v1/calendar-feeds`: one page. [`Client::pages`] walks all.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_calendar_feeds(&self, list: &ListCalendarFeeds) -> Result<Page<CalendarFeed>, Error> {
        self.page(list).await
    }

    /// `DELETE /v1/calendar-feeds/{id}`: its address shows nothing from then on.
    ///
    /// # Errors
    /// [`Error`]; among the problems `calendar_feed_not_found`.
    pub async fn revoke_calendar_feed(&self, id: &str) -> Result<(), Error> {
        let call = self.call(Method::DELETE, &["v1", "calendar-feeds", id::calendar_feed(id)?]);
        call.done().await
    }
}
