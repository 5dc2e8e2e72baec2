//! Calendar feeds: create, list, revoke; and what one shows.
//!
//! Calendar programs cannot send a header, so the secret is in the address. It opens nothing but the ends of tokens that the feed's
//! maker may see at that moment.

use std::sync::Arc;

use claviger_domain::audit::Action;
use claviger_domain::authority::{Authority, Place, Power};
use claviger_domain::calendar::{CalendarFeed, MAX_EVENTS, MAX_FEEDS, SHOWN_AFTER_DAYS};
use claviger_domain::name::Label;
use claviger_domain::owner::{Caller, Means, Principal};
use claviger_domain::terms::Networks;
use claviger_domain::token::{Holder, MAX_DAYS, Token, TokenState};
use claviger_domain::{CalendarFeedId, Scope, TokenId, UserId};
use claviger_store::{Tx, calendar_feeds as rows, tokens};
use claviger_token::{Ticket, TicketKind, generate_ticket};
use serde_json::json;

use crate::audit::Record;
use crate::catalogue::refuse_full;
use crate::error::{Error, Result};
use crate::tokens::{Order, SortKey, TokenFilter, from_row};
use crate::{Context, Origin, Service, cursor, owners};

/// A feed with the secret of its address, which is shown this once.
#[derive(Debug)]
pub struct NewFeed {
    /// The record.
    pub feed: CalendarFeed,
    /// For the address.
    pub secret: Ticket,
}

/// What a calendar program reads.
#[derive(Debug)]
pub struct Calendar {
    /// The feed.
    pub feed: CalendarFeed,
    /// The tokens that end, the earliest end first; every one of them has an end.
    pub tokens: Vec<Token>,
}

impl Service {
    /// Makes a feed that has the eyes of the calling token.
    ///
    /// # Errors
    /// `calendar_feed_limit_reached`; those of the store.
    pub async fn create_calendar_feed(&self, ctx: &Context, name: Label) -> Result<NewFeed> {
        let secret = generate_ticket(&self.0.prefix, TicketKind::CalendarFeed, &*self.0.random)?;
        let digest = self.0.keys.peppers().current.pepper().digest(&secret.hash());
        let feed = CalendarFeed {
            id: CalendarFeedId::from_i64(self.0.ids.next(ctx.now())),
            org: ctx.org(),
            name,
            created_by: ctx.caller.principal(),
            eyes: ctx.caller.token(),
            created_at: ctx.now(),
        };
        let service = self.clone();
        let ctx = ctx.clone();
        let made = self.0.store.write(async move |tx: &mut Tx| {
            let there_are = rows::count_by(tx, ctx.org(), feed.created_by).await?;
            refuse_full(
                there_are,
                MAX_FEEDS,
                "calendar_feed_limit_reached",
                "calendar feeds of yours",
            )?;
            rows::insert(tx, &feed, &digest).await?;
            let record = Record {
                action: Action::CalendarFeedCreated,
                subject: feed.id.to_string(),
                detail: json!({ "name": feed.name.as_str() }),
            };
            service.record(tx, &ctx.by(), vec![record]).await?;
            Ok::<_, Error>(feed)
        });
        let feed = made.await?;
        Ok(NewFeed { feed, secret })
    }

    /// A page of feeds, the newest first, and the cursor of the next: those that the caller made, or all of them for a caller who manages
    /// the organization's tokens.
    ///
    /// # Errors
    /// `Invalid` for a cursor of another list; those of the store.
    pub async fn list_calendar_feeds(
        &self,
        ctx: &Context,
        limit: u32,
        after: Option<&str>,
    ) -> Result<(Vec<CalendarFeed>, Option<String>)> {
        let created_by = (!manages_all(ctx)).then(|| ctx.caller.principal());
        let described = format!("feeds {created_by:?} {}", ctx.org());
        let before = match after {
            Some(text) => Some(
                cursor::read(&self.0.keys, &described, text)?
                    .parse()
                    .map_err(Error::internal)?,
            ),
            None => None,
        };
        let filter = rows::FeedFilter {
            org: ctx.org(),
            created_by,
            before,
            limit: limit + 1,
        };
        let mut found = self
            .0
            .store
            .read(async move |tx: &mut Tx| rows::list(tx, &filter).await)
            .await?;
        let next = self.cut(&described, &mut found, limit, |last| last.id.to_string());
        Ok((found, next))
    }

    /// Ends a feed: its address shows nothing from now on.
    ///
    /// # Errors
    /// `calendar feed` not found; those of the store.
    pub async fn revoke_calendar_feed(&self, ctx: &Context, id: CalendarFeedId) -> Result<()> {
        let service = self.clone();
        let ctx = ctx.clone();
        let revoked = self.0.store.write(async move |tx: &mut Tx| {
            let found = rows::by_id(tx, id).await?.filter(|found| {
                let is_own = found.created_by == ctx.caller.principal();
                found.org == ctx.org() && (is_own || manages_all(&ctx))
            });
            let found = found.ok_or_else(unknown)?;
            rows::delete(tx, id).await?;
            service.access_ended(tx, ctx.now()).await?;
            let record = Record {
                action: Action::CalendarFeedRevoked,
                subject: id.to_string(),
                detail: json!({ "name": found.name.as_str() }),
            };
            service.record(tx, &ctx.by(), vec![record]).await
        });
        revoked.await
    }

    /// What the feed with this secret shows now. Whatever ended it (its revocation, that of the token by which it was made, the
    /// deactivation of its maker), the answer is the same as if there had never been one.
    ///
    /// # Errors
    /// `calendar feed` not found; those of the store.
    pub async fn read_calendar(&self, origin: &Origin, secret: &str) -> Result<Calendar> {
        let ticket = Ticket::parse(&self.0.prefix, TicketKind::CalendarFeed, secret).ok_or_else(unknown)?;
        let peppers = self.0.keys.peppers();
        let current = peppers.current.pepper().digest(&ticket.hash());
        let previous = peppers.previous.map(|key| key.pepper().digest(&ticket.hash()));
        let at = origin.clone();
        let service = self.clone();
        let (feed, caller, is_old) = self
            .0
            .store
            .read(async move |tx: &mut Tx| {
                let mut found = rows::by_digest(tx, &current).await?;
                let is_old = found.is_none();
                if let (None, Some(previous)) = (&found, previous) {
                    found = rows::by_digest(tx, &previous).await?;
                }
                let feed = found.ok_or_else(unknown)?;
                let caller = service.eyes(tx, &feed, &at).await?;
                Ok::<_, Error>((feed, caller, is_old))
            })
            .await?;
        if is_old {
            // As tokens do, it moves to the current pepper when it is used, lest it end with the old one.
            let id = feed.id;
            let move_on = async move |tx: &mut Tx| rows::redigest(tx, id, &current).await;
            self.0.store.write(move_on).await?;
        }
        let ctx = Context {
            caller,
            origin: origin.clone(),
        };
        let tokens = self.ending_tokens(&ctx).await?;
        Ok(Calendar { feed, tokens })
    }

    /// The tokens that the caller sees and that end, or ended of late, the earliest ends first. When there are too many, the ends to come
    /// are shown before those that are past, and the nearest of each.
    async fn ending_tokens(&self, ctx: &Context) -> Result<Vec<Token>> {
        let furthest = ctx
            .now()
            .plus_days(u32::try_from(MAX_DAYS + 1).unwrap_or(u32::MAX));
        let lately = std::time::Duration::from_secs(u64::from(SHOWN_AFTER_DAYS) * 86_400);
        let nearest = async |state, room| {
            let filter = TokenFilter {
                state: Some(state),
                expires_after: Some(ctx.now() - lately),
                // Leaves out what never ends.
                expires_before: Some(furthest),
                ..TokenFilter::default()
            };
            let order = Order {
                key: SortKey::ExpiresAt,
                descending: state == TokenState::Expired,
            };
            let listing = self.list_tokens(ctx, &filter, order, room, None).await?;
            Ok::<_, Error>(listing.tokens)
        };
        let live = nearest(TokenState::Live, MAX_EVENTS).await?;
        let room = MAX_EVENTS.saturating_sub(u32::try_from(live.len()).unwrap_or(u32::MAX));
        let mut tokens = nearest(TokenState::Expired, room).await?;
        tokens.reverse();
        tokens.extend(live);
        Ok(tokens)
    }

    /// Whom a feed sees as: the person who was signed in when it was made, or the token by which it was made, as if that had not ended,
    /// within what its owner may do now.
    async fn eyes(&self, tx: &mut Tx, feed: &CalendarFeed, origin: &Origin) -> Result<Caller> {
        let Some(eyes) = feed.eyes else {
            return person(tx, feed).await;
        };
        let row = tokens::by_id(tx, eyes).await?.ok_or_else(unknown)?;
        let token = from_row(&row)?;
        let (owner, user) = match token.holder {
            Holder::Person(user) => {
                let owner = owners::of(tx, user).await?;
                if !owner.active {
                    return Err(unknown());
                }
                (owner.authority, Some(UserId::from_i64(token.owner.get())))
            }
            // It acts as itself, so with it its eyes are gone.
            _ if !token.is_live(origin.now) => return Err(unknown()),
            _ => (Authority::everything().into(), None),
        };
        let from_there =
            |networks: &Networks| origin.address.is_some_and(|address| networks.contain(address));
        if !token.terms.networks.as_ref().is_none_or(from_there) {
            return Err(unknown());
        }
        let given = self.authority_now(tx, &token).await?;
        if token.revocation.is_some() || !given.scopes().contains(Scope::TokensRead) {
            return Err(unknown());
        }
        Ok(Caller {
            by: Means::Token(token.id),
            owner: token.owner,
            user,
            org: token.org,
            power: Power::new(given.into(), owner),
            expires_at: token.expires_at,
            terms: Arc::default(),
        })
    }
}

/// The person who made a feed while signed in, with all that they may do now.
async fn person(tx: &mut Tx, feed: &CalendarFeed) -> Result<Caller> {
    const NONE: TokenId = TokenId::from_i64(0);
    let Principal::User(user) = feed.created_by else {
        return Err(unknown());
    };
    let owner = owners::of(tx, user).await?;
    if !owner.active
        || !owner
            .authority
            .scopes()
            .union(owner.authority.own())
            .contains(Scope::TokensRead)
    {
        return Err(unknown());
    }
    Ok(Caller {
        by: Means::Token(NONE),
        owner: owner.id,
        user: Some(user),
        org: feed.org,
        power: Power::new(Authority::everything().into(), owner.authority),
        expires_at: None,
        terms: Arc::default(),
    })
}

fn manages_all(ctx: &Context) -> bool {
    ctx.may(Scope::TokensWrite, &Place::ORGANIZATION)
}

fn unknown() -> Error {
    Error::not_found("calendar feed")
}
