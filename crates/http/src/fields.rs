//! Parse, don't validate: what endpoints do with the fields of an input.
//!
//! [`Fields`] gathers what is refused, so that a caller learns of all faults at once. The functions below parse what several inputs have in
//! common: instants, ids, owners, limits.

use std::net::IpAddr;
use std::str::FromStr;

use claviger_api::page::{DEFAULT_LIMIT, MAX_LIMIT};
use claviger_domain::id::MalformedId;
use claviger_domain::owner::Principal;
use claviger_domain::{FieldError, Timestamp};
use claviger_service::Error;

use crate::problem::Problem;

/// The refused fields of one input.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<FieldError>);

impl Fields {
    /// The value, or `None` with the refusal noted. In the end either nothing was refused, or [`Fields::refused`] says what.
    pub(crate) fn take<T>(&mut self, parsed: Result<T, FieldError>) -> Option<T> {
        parsed.map_err(|error| self.0.push(error)).ok()
    }

    /// The same where one field can be refused in several places.
    pub(crate) fn take_all<T>(&mut self, parsed: Result<T, Vec<FieldError>>) -> Option<T> {
        parsed.map_err(|errors| self.0.extend(errors)).ok()
    }

    /// True when nothing was refused.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problem with all that was refused.
    pub(crate) fn refused(self) -> Problem {
        Error::Invalid(self.0).into()
    }
}

/// An optional field through its parser.
pub(crate) fn optional<T>(
    field: &str,
    text: Option<&str>,
    parse: impl FnOnce(&str, &str) -> Result<T, FieldError>,
) -> Result<Option<T>, FieldError> {
    text.map(|text| parse(field, text)).transpose()
}

/// An RFC 3339 instant.
///
/// # Errors
/// `instant_malformed`.
pub(crate) fn instant(field: &str, text: &str) -> Result<Timestamp, FieldError> {
    text.parse()
        .map_err(|error: claviger_domain::time::MalformedTimestamp| {
            FieldError::new(field, "instant_malformed", error.to_string())
        })
}

/// The id of a thing, such as `team_…`.
///
/// # Errors
/// `id_malformed`.
pub(crate) fn id<T>(field: &str, text: &str) -> Result<T, FieldError>
where
    T: FromStr<Err = MalformedId>,
{
    text.parse()
        .map_err(|error: MalformedId| FieldError::new(field, "id_malformed", error.to_string()))
}

/// An IPv4 or IPv6 address.
///
/// # Errors
/// `address_malformed`.
pub(crate) fn address(field: &str, text: &str) -> Result<IpAddr, FieldError> {
    text.parse()
        .map_err(|_| FieldError::new(field, "address_malformed", "not an IPv4 or IPv6 address"))
}

/// A principal by its id, `usr_…` or `tok_…`.
///
/// # Errors
/// `owner_malformed`.
pub(crate) fn owner(field: &str, text: &str) -> Result<Principal, FieldError> {
    let user = text.parse().map(Principal::User);
    user.or_else(|_| text.parse().map(Principal::Token)).map_err(|_| {
        FieldError::new(
            field,
            "owner_malformed",
            "not an id of the form `usr_…` or `tok_…`",
        )
    })
}

/// The rows of a page.
///
/// # Errors
/// `limit_out_of_range`.
pub(crate) fn limit(asked: Option<u32>) -> Result<u32, FieldError> {
    let limit = asked.unwrap_or(DEFAULT_LIMIT);
    if (1..=MAX_LIMIT).contains(&limit) {
        return Ok(limit);
    }
    Err(FieldError::new(
        "limit",
        "limit_out_of_range",
        format!("between 1 and {MAX_LIMIT}"),
    ))
}
