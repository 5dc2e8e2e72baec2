//! The decision on the wire: `claviger_api::verify::Decision`, written without building it.
//!
//! The hot path allocates nothing but the answer's bytes. The test below holds the two forms together, byte for byte.

use std::fmt::Display;

use claviger_domain::ScopeSet;
use claviger_domain::role::preset::Presets;
use claviger_domain::token::TokenType;
use claviger_domain::{TokenId, UserId};
use claviger_verify::{Decision, DenialCode, Verified};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::limits::{Told, seconds_of};

/// A decision as its asker sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown {
    pub(crate) decision: Decision,
    /// What is missing.
    pub(crate) missing: Missing,
    /// The limit of the token that has the least left.
    pub(crate) tightest: Option<Told>,
}

/// What a denied token lacks; nothing when it is something else that denies it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Missing {
    pub(crate) scopes: ScopeSet,
    pub(crate) roles: Presets,
}

/// What is left of a limit.
struct ShownLimit(Told);

struct ShownToken<'a>(&'a Verified);

/// Anything by its text.
struct Text<T>(T);

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (token, denial) = match &self.decision {
            Decision::Allow(verified) => (Some(verified), None),
            Decision::Deny(denial) => (denial.subject.as_ref(), Some(denial.code)),
        };
        let wait = match denial {
            Some(DenialCode::RateLimited { wait } | DenialCode::QuotaExhausted { wait }) => wait,
            _ => None,
        };
        let Missing { scopes, roles } = self.missing;
        let mut shown = serializer.serialize_struct("Decision", 7)?;
        shown.serialize_field("valid", &denial.is_none())?;
        shown.serialize_field("code", self.decision.code())?;
        shown.serialize_field("token", &token.map(ShownToken))?;
        if scopes.is_empty() {
            shown.skip_field("missing_scopes")?;
        } else {
            shown.serialize_field("missing_scopes", &scopes)?;
        }
        if roles.is_empty() {
            shown.skip_field("missing_roles")?;
        } else {
            shown.serialize_field("missing_roles", &roles)?;
        }
        match wait {
            None => shown.skip_field("retry_after_seconds")?,
            Some(wait) => shown.serialize_field("retry_after_seconds", &seconds_of(wait))?,
        }
        match self.tightest {
            None => shown.skip_field("rate_limit")?,
            Some(told) => shown.serialize_field("rate_limit", &ShownLimit(told))?,
        }
        shown.end()
    }
}

impl Serialize for ShownLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let told = &self.0;
        let mut shown = serializer.serialize_struct("LimitLevel", 5)?;
        shown.serialize_field("name", told.name)?;
        shown.serialize_field("limit", &told.limit)?;
        shown.serialize_field("window_seconds", &told.window_seconds)?;
        shown.serialize_field("remaining", &told.level.remaining)?;
        shown.serialize_field("reset_seconds", &told.level.reset_seconds)?;
        shown.end()
    }
}

impl Serialize for ShownToken<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let verified = self.0;
        let mut shown = serializer.serialize_struct("VerifiedToken", 6)?;
        shown.serialize_field("id", &Text(verified.id))?;
        shown.serialize_field("type", verified.token_type.as_str())?;
        match verified.token_type {
            TokenType::Personal => {
                shown.serialize_field("owner", &Text(UserId::from_i64(verified.owner.get())))?;
            }
            TokenType::Global | TokenType::Team | TokenType::Service => {
                shown.serialize_field("owner", &Text(TokenId::from_i64(verified.owner.get())))?;
            }
        }
        shown.serialize_field("organization", &Text(verified.org))?;
        shown.serialize_field("scopes", &verified.scopes)?;
        shown.serialize_field("expires_at", &verified.expires_at.map(Text))?;
        shown.end()
    }
}

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use claviger_api::limits::LimitLevel;
    use claviger_api::tokens::TokenType as ApiType;
    use claviger_api::verify as api;
    use claviger_domain::terms::{Level, RateLimit};
    use claviger_domain::{OrgId, OwnerId, Scope, Timestamp};
    use claviger_verify::{Allowance, Denial};

    use super::*;

    fn verified(token_type: TokenType, expires_at: Option<Timestamp>) -> Verified {
        Verified {
            id: TokenId::from_i64(7),
            org: OrgId::from_i64(8),
            owner: OwnerId::from_i64(9),
            token_type,
            scopes: [Scope::TokensRead, Scope::AuditRead].into_iter().collect(),
            expires_at,
            first_use: false,
            policies: claviger_verify::PolicyPair::default(),
            levels: None,
        }
    }

    fn api_token(token: &Verified) -> api::VerifiedToken {
        let is_personal = token.token_type == TokenType::Personal;
        api::VerifiedToken {
            id: token.id.to_string(),
            token_type: match token.token_type {
                TokenType::Personal => ApiType::Personal,
                TokenType::Global => ApiType::Global,
                TokenType::Team => ApiType::Team,
                TokenType::Service => ApiType::Service,
            },
            owner: if is_personal {
                UserId::from_i64(9).to_string()
            } else {
                TokenId::from_i64(9).to_string()
            },
            organization: token.org.to_string(),
            scopes: vec!["tokens:read".into(), "audit:read".into()],
            expires_at: token.expires_at.map(|end| end.to_string()),
        }
    }

    fn shown(decision: Decision) -> Shown {
        let missing = match &decision {
            Decision::Deny(Denial {
                code: DenialCode::InsufficientScope { missing },
                ..
            }) => Missing {
                scopes: *missing,
                ..Missing::default()
            },
            Decision::Deny(Denial {
                code: DenialCode::NotPermitted,
                ..
            }) => Missing {
                roles: Presets::holding("exec", "cluster"),
                ..Missing::default()
            },
            _ => Missing::default(),
        };
        Shown {
            decision,
            missing,
            tightest: None,
        }
    }

    fn check(decision: Decision, token: Option<&Verified>, missing: &[&str]) {
        let expected = api::Decision {
            valid: decision.verified().is_some(),
            code: decision.code().to_owned(),
            token: token.map(api_token),
            missing_scopes: missing.iter().map(|&scope| scope.to_owned()).collect(),
            missing_roles: if decision.code() == "not_permitted" {
                vec![
                    "super-admin".into(),
                    "cluster.edit".into(),
                    "cluster.admin".into(),
                ]
            } else {
                Vec::new()
            },
            retry_after_seconds: None,
            rate_limit: None,
        };

        assert_eq!(
            serde_json::to_string(&shown(decision)).unwrap(),
            serde_json::to_string(&expected).unwrap()
        );
    }

    #[test]
    fn what_is_left_of_a_limit_is_the_wire_type_too() {
        let limit = RateLimit::new("rate_limit", 100, 60, None).unwrap();
        let level = Level {
            remaining: 0,
            reset_seconds: 60,
        };
        let allowance = Allowance {
            token: Some((limit, level)),
            ..Allowance::default()
        };
        let wait = Some(Duration::from_millis(600));
        let shown = Shown {
            decision: Decision::Deny(Denial {
                code: DenialCode::RateLimited { wait },
                subject: None,
            }),
            missing: Missing::default(),
            tightest: crate::limits::tightest(&allowance),
        };
        let expected = api::Decision {
            valid: false,
            code: "rate_limited".to_owned(),
            token: None,
            missing_scopes: Vec::new(),
            missing_roles: Vec::new(),
            retry_after_seconds: Some(1),
            rate_limit: Some(LimitLevel {
                name: "token".to_owned(),
                limit: 100,
                window_seconds: Some(60),
                remaining: 0,
                reset_seconds: 60,
            }),
        };

        assert_eq!(
            serde_json::to_string(&shown).unwrap(),
            serde_json::to_string(&expected).unwrap()
        );
    }

    #[test]
    fn the_fast_form_is_the_wire_type_byte_for_byte() {
        let personal = verified(
            TokenType::Personal,
            Some(Timestamp::from_millis(1_790_000_000_123)),
        );
        let global = verified(TokenType::Global, None);
        let deny = |code, subject| Decision::Deny(Denial { code, subject });
        let missing = ScopeSet::only(Scope::SystemWrite).with(Scope::TokensWrite);

        check(Decision::Allow(personal), Some(&personal), &[]);
        check(Decision::Allow(global), Some(&global), &[]);
        check(deny(DenialCode::Unknown, None), None, &[]);
        check(deny(DenialCode::Malformed, None), None, &[]);
        check(deny(DenialCode::Revoked, Some(global)), Some(&global), &[]);
        check(deny(DenialCode::Expired, Some(personal)), Some(&personal), &[]);
        check(
            deny(DenialCode::InsufficientScope { missing }, Some(global)),
            Some(&global),
            &["tokens:write", "system:write"],
        );
        check(deny(DenialCode::NotPermitted, Some(global)), Some(&global), &[]);
    }
}
