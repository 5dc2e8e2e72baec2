//! What teams, services, environments and stages have in common: names that the store's index decides, limits, pages, and the
//! before and after of a change for the audit trail.

use claviger_domain::name::{Label, NameKey};
use claviger_store::{NamePage, StoreError};
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::{Service, cursor};

/// The refusal of a row whose name is taken. Who comes second is decided by the index, not by a look before.
pub(crate) fn name_taken(code: &'static str, noun: &str, name: &Label) -> impl FnOnce(StoreError) -> Error {
    let detail = format!("another {noun} is called `{name}`; choose another name");
    move |error| match error {
        StoreError::Conflict(_) => Error::conflict(code, detail),
        other => other.into(),
    }
}

/// Refuses one more when there are `most` already.
pub(crate) fn refuse_full(there_are: u64, most: u64, code: &'static str, of_what: &str) -> Result<()> {
    if there_are < most {
        return Ok(());
    }
    Err(Error::conflict(
        code,
        format!("there are {most} {of_what}, and no more fit; delete one first"),
    ))
}

/// The fields that a change changed, each with its old and new value.
#[derive(Debug, Default)]
pub(crate) struct Difference(Map<String, Value>);

impl Difference {
    /// Notes a field if it changed.
    pub(crate) fn field(&mut self, name: &str, from: impl Into<Value>, to: impl Into<Value>) {
        let (from, to) = (from.into(), to.into());
        if from != to {
            self.0.insert(name.to_owned(), json!({ "from": from, "to": to }));
        }
    }

    /// The whole as JSON.
    pub(crate) fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}

impl Service {
    /// The page after `cursor` of a list in the order of names, one row longer than asked for: it tells whether there is more.
    /// `described` names the list and its filter.
    pub(crate) fn name_page(
        &self,
        described: &str,
        text: Option<&str>,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<NamePage> {
        let after = match cursor {
            Some(cursor) => Some(cursor::read(&self.0.keys, described, cursor)?),
            None => None,
        };
        Ok(NamePage {
            key_prefix: text.map(|text| NameKey::of(text).into_string()),
            after,
            limit: limit + 1,
        })
    }

    /// Cuts the row too many; gives the cursor of the next page when there was one.
    pub(crate) fn cut<T>(
        &self,
        described: &str,
        found: &mut Vec<T>,
        limit: u32,
        place: impl FnOnce(&T) -> String,
    ) -> Option<String> {
        let limit = limit as usize;
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| more)?;
        Some(cursor::write(&self.0.keys, described, &place(last)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_noted() {
        let mut difference = Difference::default();
        difference.field("name", "search", "find");
        difference.field("description", "", "");

        assert_eq!(
            difference.into_value(),
            json!({ "name": { "from": "search", "to": "find" } })
        );
    }

    #[test]
    fn the_last_place_may_be_taken_and_no_other() {
        assert!(refuse_full(99, 100, "stage_limit_reached", "stages").is_ok());
        assert!(refuse_full(100, 100, "stage_limit_reached", "stages").is_err());
    }
}
