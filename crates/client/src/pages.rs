//! Lists that are longer than a page.

use claviger_api::{
    audit::{AuditEvent, ListAudit},
    calendar_feeds::{CalendarFeed, ListCalendarFeeds},
    deployments::{Deployment, ListDeployments},
    environments::{Environment, ListEnvironments},
    invitations::{Invitation, ListInvitations},
    page::Page,
    services::{ListServices, Service},
    sessions::{ListSessions, Session},
    stages::{ListStages, Stage},
    teams::{ListTeams, Team},
    tokens::{ListTokens, Token},
    users::{ListUsers, User},
    webhooks::{ListWebhooks, Webhook},
};
use reqwest::Method;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Client, Error};

/// The query of a list: where it lives, what its rows are, where the next page begins.
pub trait Listed: Serialize + Clone + Send + Sync {
    /// One row.
    type Row: DeserializeOwned + Send;
    /// The segments of the path.
    const PATH: &'static [&'static str];

    /// The place of the page, as the page before gave it.
    fn cursor_mut(&mut self) -> &mut Option<String>;
}

/// The pages of a list, one request each. Made by [`Client::pages`].
#[derive(Debug)]
pub struct Pages<'a, L> {
    client: &'a Client,
    list: L,
    ended: bool,
}

macro_rules! listed {
    ($($list:ident of $row:ident at $path:expr;)+) => {$(
        impl Listed for $list {
            type Row = $row;
            const PATH: &'static [&'static str] = $path;

            fn cursor_mut(&mut self) -> &mut Option<String> {
                &mut self.cursor
            }
        }
    )+};
}

listed! {
    ListTokens of Token at &["v1", "tokens"];
    ListDeployments of Deployment at &["v1", "deployments"];
    ListUsers of User at &["v1", "users"];
    ListInvitations of Invitation at &["v1", "invitations"];
    ListSessions of Session at &["v1", "sessions"];
    ListTeams of Team at &["v1", "teams"];
    ListServices of Service at &["v1", "services"];
    ListEnvironments of Environment at &["v1", "environments"];
    ListStages of Stage at &["v1", "stages"];
    ListWebhooks of Webhook at &["v1", "webhooks"];
    ListCalendarFeeds of CalendarFeed at &["v1", "calendar-feeds"];
    ListAudit of AuditEvent at &["v1", "audit", "events"];
}

impl Client {
    /// Walks a list from `list.cursor`, or from its beginning, to its end.
    pub fn pages<L: Listed>(&self, list: L) -> Pages<'_, L> {
        Pages {
            client: self,
            list,
            ended: false,
        }
    }

    pub(crate) async fn page<L: Listed>(&self, list: &L) -> Result<Page<L::Row>, Error> {
        self.call(Method::GET, L::PATH).query(list).answer().await
    }
}

// === impl Pages ===

impl<L: Listed> Pages<'_, L> {
    /// The next page; `None` at the end, and after an error.
    pub async fn next(&mut self) -> Option<Result<Page<L::Row>, Error>> {
        if self.ended {
            return None;
        }
        let answer = self.client.page(&self.list).await;
        let next = answer.as_ref().ok().and_then(|page| page.next_cursor.clone());
        // A server that points a page at itself would be walked for ever.
        self.ended = next.is_none() || next == *self.list.cursor_mut();
        *self.list.cursor_mut() = next;
        Some(answer)
    }
}
