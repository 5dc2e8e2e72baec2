//! The policy of an organization: how long its tokens live, by type, and what becomes of those that nobody uses.
//!
//! Invariant: a policy bounds what is issued or prolonged from now on; a token that lives keeps the end it was given.

use serde::{Deserialize, Serialize};

use crate::name::Label;
use crate::time::DAY_SECONDS;
use crate::token::{DEFAULT_DAYS, Expiry, MAX_DAYS, Token, TokenType};
use crate::{FieldError, Timestamp};

/// The longest life of a token that reaches the whole organization, in days, unless the policy allows more (security.md T9).
pub const GLOBAL_MAX_DAYS: u32 = 90;

/// The rules for tokens of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypePolicy {
    /// Days that a token lives when its maker names no end.
    pub default_days: u32,
    /// The most days that it may live; `None` = as many as there are.
    pub max_days: Option<u32>,
    /// Whether it may live without an end, for a reason.
    pub never_allowed: bool,
    /// Days without a use after which it is flagged; `None` = never.
    #[serde(default)]
    pub flag_unused_after_days: Option<u32>,
    /// Days without a use after which it is revoked; `None` = never.
    pub revoke_unused_after_days: Option<u32>,
}

/// A live token that nobody has used for as long as the policy bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unused {
    /// When it was last used, or got its secret.
    pub since: Timestamp,
    /// After how many days the policy flags that.
    pub flagged_after_days: u32,
    /// When it is revoked unless somebody uses it; `None` = never.
    pub revoked_at: Option<Timestamp>,
}

/// The rules for tokens of every type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Tokens that act as a person.
    pub personal: TypePolicy,
    /// Tokens that reach the whole organization.
    pub global: TypePolicy,
    /// Tokens of a team.
    pub team: TypePolicy,
    /// Tokens of a service.
    pub service: TypePolicy,
    /// Whether tokens may be allowed to come in a query string.
    pub query_tokens: bool,
}

// === impl TypePolicy ===

impl TypePolicy {
    const ORDINARY: Self = Self {
        default_days: DEFAULT_DAYS,
        max_days: None,
        never_allowed: true,
        flag_unused_after_days: None,
        revoke_unused_after_days: None,
    };

    /// Shows that the rules fit together. `field` names the type.
    ///
    /// # Errors
    /// `days_out_of_range`, `default_exceeds_maximum`, `never_contradicts_maximum`, `flag_after_revocation`.
    pub fn check(&self, field: &str) -> Result<(), Vec<FieldError>> {
        let most = u32::try_from(MAX_DAYS).unwrap_or(u32::MAX);
        let named = [
            ("default_days", Some(self.default_days)),
            ("max_days", self.max_days),
            ("flag_unused_after_days", self.flag_unused_after_days),
            ("revoke_unused_after_days", self.revoke_unused_after_days),
        ];
        let out_of_range =
            |(_, days): &(&str, Option<u32>)| days.is_some_and(|days| days == 0 || days > most);
        let mut errors: Vec<FieldError> = named
            .into_iter()
            .filter(out_of_range)
            .map(|(name, _)| {
                let detail = format!("1–{most} days");
                FieldError::new(format!("{field}.{name}"), "days_out_of_range", detail)
            })
            .collect();
        if self.max_days.is_some_and(|most| self.default_days > most) {
            let detail = "the default life is longer than the longest";
            errors.push(FieldError::new(
                format!("{field}.default_days"),
                "default_exceeds_maximum",
                detail,
            ));
        }
        if self.never_allowed && self.max_days.is_some() {
            let detail = "a token without an end would outlive `max_days`; allow one of the two";
            errors.push(FieldError::new(
                format!("{field}.never_allowed"),
                "never_contradicts_maximum",
                detail,
            ));
        }
        if let (Some(flagged), Some(revoked)) = (self.flag_unused_after_days, self.revoke_unused_after_days)
            && flagged > revoked
        {
            let detail = "what nobody uses would be revoked before it is flagged";
            errors.push(FieldError::new(
                format!("{field}.flag_unused_after_days"),
                "flag_after_revocation",
                detail,
            ));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// The instant by which a token must have been used last, or have got its secret, to be flagged as unused; `None` = none is.
    pub fn flagged_since(&self, now: Timestamp) -> Option<Timestamp> {
        self.flag_unused_after_days.map(|days| days_before(now, days))
    }

    /// The same for the tokens that are revoked because nobody uses them.
    pub fn revoked_since(&self, now: Timestamp) -> Option<Timestamp> {
        self.revoke_unused_after_days.map(|days| days_before(now, days))
    }

    /// Shows that a token of this type may end at `end`, for this reason. Its life is measured from `since`, when it got its secret:
    /// whatever prolongs it bit by bit does not get beyond. `field` is where its maker named the end.
    ///
    /// # Errors
    /// `expiry_exceeds_policy`, `never_not_allowed`, `reason_missing`.
    pub fn allows(
        &self,
        token_type: TokenType,
        end: Option<Timestamp>,
        reason: Option<&Label>,
        since: Timestamp,
        field: &str,
    ) -> Result<(), FieldError> {
        let Some(end) = end else {
            if !self.never_allowed {
                let detail = "the policy of the organization allows no token of this type without an end";
                return Err(FieldError::new(field, "never_not_allowed", detail));
            }
            return with_reason(reason, "a token without an end needs a reason");
        };
        if let Some(most) = self.max_days
            && end.seconds() - since.seconds() > i64::from(most) * DAY_SECONDS
        {
            let detail = format!(
                "the policy of the organization allows at most {most} days with one secret; regenerate the token for more"
            );
            return Err(FieldError::new(field, "expiry_exceeds_policy", detail));
        }
        if token_type == TokenType::Global {
            return with_reason(
                reason,
                "a token that reaches the whole organization needs a reason",
            );
        }
        Ok(())
    }
}

fn days_before(now: Timestamp, days: u32) -> Timestamp {
    Timestamp::from_seconds(now.seconds() - i64::from(days) * DAY_SECONDS)
}

fn with_reason(reason: Option<&Label>, detail: &str) -> Result<(), FieldError> {
    match reason {
        Some(_) => Ok(()),
        None => Err(FieldError::new("reason", "reason_missing", detail)),
    }
}

// === impl Policy ===

impl Default for Policy {
    fn default() -> Self {
        Self {
            personal: TypePolicy::ORDINARY,
            global: TypePolicy {
                max_days: Some(GLOBAL_MAX_DAYS),
                never_allowed: false,
                ..TypePolicy::ORDINARY
            },
            team: TypePolicy::ORDINARY,
            service: TypePolicy::ORDINARY,
            query_tokens: false,
        }
    }
}

impl Policy {
    /// The rules for one type.
    pub const fn of(&self, token_type: TokenType) -> &TypePolicy {
        match token_type {
            TokenType::Personal => &self.personal,
            TokenType::Global => &self.global,
            TokenType::Team => &self.team,
            TokenType::Service => &self.service,
        }
    }

    /// Each type's rules with its name.
    pub const fn types(&self) -> [(TokenType, &TypePolicy); 4] {
        [
            (TokenType::Personal, &self.personal),
            (TokenType::Global, &self.global),
            (TokenType::Team, &self.team),
            (TokenType::Service, &self.service),
        ]
    }

    /// That nobody uses the token, if it is live and the policy flags it. By [`Token::unused_since`], as the job that revokes does.
    pub fn unused(&self, token: &Token, now: Timestamp) -> Option<Unused> {
        let rules = self.of(token.token_type());
        let since = token.unused_since();
        let is_flagged = token.is_live(now) && rules.flagged_since(now).is_some_and(|bound| since <= bound);
        let flagged_after_days = rules.flag_unused_after_days.filter(|_| is_flagged)?;
        Some(Unused {
            since,
            flagged_after_days,
            revoked_at: rules.revoke_unused_after_days.map(|days| since.plus_days(days)),
        })
    }

    /// The end that a caller names, or by default: after the days of the policy, or with the calling token when that ends sooner.
    ///
    /// # Errors
    /// Those of [`Expiry::resolve`] and of [`TypePolicy::allows`].
    pub fn end(
        &self,
        token_type: TokenType,
        expiry: Option<Expiry>,
        callers_end: Option<Timestamp>,
        reason: Option<&Label>,
        (field, now): (&str, Timestamp),
    ) -> Result<Option<Timestamp>, FieldError> {
        let rules = self.of(token_type);
        let end = match expiry {
            Some(expiry) => expiry.resolve(field, now)?,
            None => {
                let own = now.plus_days(rules.default_days).truncated_to_millis();
                Some(callers_end.map_or(own, |end| end.min(own)))
            }
        };
        rules.allows(token_type, end, reason, now, field)?;
        Ok(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn code(token_type: TokenType, expiry: Option<Expiry>, reason: Option<&str>) -> Result<(), &'static str> {
        let reason = reason.map(|text| Label::parse("reason", text).unwrap());
        let ended = Policy::default().end(token_type, expiry, None, reason.as_ref(), ("expires_at", NOW));
        ended.map(|_| ()).map_err(|error| error.code)
    }

    #[test]
    fn a_global_token_needs_a_reason_and_ends_within_90_days() {
        let day_91 = Some(Expiry::At(NOW.plus_days(91)));
        let day_90 = Some(Expiry::At(NOW.plus_days(90)));

        assert_eq!(code(TokenType::Global, None, None), Err("reason_missing"));
        assert_eq!(code(TokenType::Global, None, Some("nightly export")), Ok(()));
        assert_eq!(code(TokenType::Global, day_90, Some("nightly export")), Ok(()));
        assert_eq!(
            code(TokenType::Global, day_91, Some("nightly export")),
            Err("expiry_exceeds_policy")
        );
        assert_eq!(
            code(TokenType::Global, Some(Expiry::Never), Some("nightly export")),
            Err("never_not_allowed")
        );
    }

    #[test]
    fn no_end_needs_a_reason() {
        assert_eq!(
            code(TokenType::Team, Some(Expiry::Never), None),
            Err("reason_missing")
        );
        assert_eq!(
            code(
                TokenType::Team,
                Some(Expiry::Never),
                Some("a device without updates")
            ),
            Ok(())
        );
        assert_eq!(code(TokenType::Team, None, None), Ok(()));
    }

    #[test]
    fn rules_that_contradict_each_other_are_refused() {
        let rules = TypePolicy {
            default_days: 91,
            max_days: Some(90),
            never_allowed: true,
            flag_unused_after_days: Some(1),
            revoke_unused_after_days: Some(0),
        };

        let codes: Vec<_> = rules
            .check("team")
            .unwrap_err()
            .into_iter()
            .map(|error| (error.field, error.code))
            .collect();

        assert_eq!(
            codes,
            [
                ("team.revoke_unused_after_days".to_owned(), "days_out_of_range"),
                ("team.default_days".to_owned(), "default_exceeds_maximum"),
                ("team.never_allowed".to_owned(), "never_contradicts_maximum"),
                ("team.flag_unused_after_days".to_owned(), "flag_after_revocation"),
            ]
        );
        for (_, rules) in Policy::default().types() {
            assert_eq!(rules.check("any"), Ok(()));
        }
    }
}
