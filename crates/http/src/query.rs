//! Query strings and path parameters, as strict as bodies.
//!
//! [`Query`] parses the whole query into a type that refuses unknown fields; its faults have the codes of [`crate::json`]. [`PathId`] and
//! [`PathIds`] parse the parameters of a path; an id that cannot exist gets the answer of one that does not (404), so that nobody learns the
//! difference.

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use claviger_domain::{
    CalendarFeedId, DeliveryId, DeploymentId, EnvironmentId, FieldError, InvitationId, ServiceId, SessionId,
    StageId, TeamId, TokenId, UserId, WebhookId,
};
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::json::fault::{field_error, shortened};
use crate::problem::Problem;

/// The query string as a `T`.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T, S> FromRequestParts<S> for Query<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    // No name and no value holds it, and a store may refuse it: PostgreSQL does.
    if let Some((name, _)) = form_urlencoded::parse(query.as_bytes()).find(|(_, value)| value.contains('\0'))
    {
        let detail = "the control character U+0000 is not allowed";
        let error = FieldError::new(shortened(&name), "text_control_character", detail);
        return Err(Problem::invalid("input_invalid", vec![error]));
    }
    let pairs = form_urlencoded::parse(query.as_bytes());
    serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs)).map_err(|error| {
        let error = field_error(&error.path().to_string(), &error.inner().to_string());
        Problem::invalid(error.code, vec![error])
    })
}

/// A noun that has an id in a path.
pub trait Identified: FromStr {
    /// What is missing when there is none of this id.
    const NOUN: &'static str;
}

impl Identified for TokenId {
    const NOUN: &'static str = "token";
}

impl Identified for DeploymentId {
    const NOUN: &'static str = "deployment";
}

impl Identified for InvitationId {
    const NOUN: &'static str = "invitation";
}

impl Identified for SessionId {
    const NOUN: &'static str = "session";
}

impl Identified for UserId {
    const NOUN: &'static str = "user";
}

impl Identified for TeamId {
    const NOUN: &'static str = "team";
}

impl Identified for ServiceId {
    const NOUN: &'static str = "service";
}

impl Identified for EnvironmentId {
    const NOUN: &'static str = "environment";
}

impl Identified for StageId {
    const NOUN: &'static str = "stage";
}

impl Identified for WebhookId {
    const NOUN: &'static str = "webhook";
}

impl Identified for DeliveryId {
    const NOUN: &'static str = "delivery";
}

impl Identified for CalendarFeedId {
    const NOUN: &'static str = "calendar feed";
}

/// The id in the path of a route with one parameter.
#[derive(Debug, Clone, Copy)]
pub struct PathId<T>(pub T);

impl<T, S> FromRequestParts<S> for PathId<T>
where
    T: Identified,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let parameters = RawPathParams::from_request_parts(parts, state).await.ok();
        parameter(parameters.as_ref(), 0).map(Self)
    }
}

/// The name in the path of a route with one parameter, as it was given.
#[derive(Debug, Clone)]
pub struct PathText(pub String);

impl<S: Send + Sync> FromRequestParts<S> for PathText {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let parameters = RawPathParams::from_request_parts(parts, state).await.ok();
        let text = parameters
            .as_ref()
            .and_then(|parameters| parameters.iter().next());
        Ok(Self(text.map(|(_, text)| text.to_owned()).unwrap_or_default()))
    }
}

/// The ids in the path of a route with two parameters.
#[derive(Debug, Clone, Copy)]
pub struct PathIds<A, B>(pub A, pub B);

impl<A, B, S> FromRequestParts<S> for PathIds<A, B>
where
    A: Identified,
    B: Identified,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let parameters = RawPathParams::from_request_parts(parts, state).await.ok();
        let parameters = parameters.as_ref();
        Ok(Self(parameter(parameters, 0)?, parameter(parameters, 1)?))
    }
}

/// The id at `place` among a path's parameters.
fn parameter<T: Identified>(parameters: Option<&RawPathParams>, place: usize) -> Result<T, Problem> {
    parameters
        .and_then(|parameters| parameters.iter().nth(place))
        .and_then(|(_, text)| text.parse().ok())
        .ok_or_else(|| Problem::not_found(T::NOUN))
}

#[cfg(test)]
mod tests {
    use claviger_api::tokens::ListTokens;

    use super::*;

    fn code(query: &str) -> String {
        parse::<ListTokens>(query).map_or_else(|problem| problem.code().to_owned(), |_| "ok".to_owned())
    }

    #[test]
    fn a_query_is_parsed_into_its_type() {
        let query: ListTokens = parse("state=live&limit=7&q=a%20b").unwrap();

        assert_eq!((query.limit, query.q.as_deref()), (Some(7), Some("a b")));
    }

    #[test]
    fn every_fault_has_its_code() {
        for (query, expected) in [
            ("", "ok"),
            ("sort=-name", "ok"),
            ("statte=live", "field_unknown"),
            ("state=alive", "field_invalid"),
            ("limit=many", "field_invalid"),
            ("limit=-1", "field_invalid"),
            ("limit=1&limit=2", "field_invalid"),
            ("q=a%00b", "input_invalid"),
        ] {
            assert_eq!(code(query), expected, "{query}");
        }
    }
}
