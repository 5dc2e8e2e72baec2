//! Between the wire types of the policy and the domain's.

use claviger_api::policy as api;
use claviger_domain::policy::{Policy, TypePolicy};

/// The shown policy.
pub(super) fn policy(policy: &Policy) -> api::Policy {
    api::Policy {
        personal: rules(&policy.personal),
        global: rules(&policy.global),
        team: rules(&policy.team),
        service: rules(&policy.service),
        query_tokens: policy.query_tokens,
    }
}

/// The named policy.
pub(super) const fn parsed(policy: &api::Policy) -> Policy {
    Policy {
        personal: parsed_rules(&policy.personal),
        global: parsed_rules(&policy.global),
        team: parsed_rules(&policy.team),
        service: parsed_rules(&policy.service),
        query_tokens: policy.query_tokens,
    }
}

const fn rules(rules: &TypePolicy) -> api::TypePolicy {
    api::TypePolicy {
        default_days: rules.default_days,
        max_days: rules.max_days,
        never_allowed: rules.never_allowed,
        flag_unused_after_days: rules.flag_unused_after_days,
        revoke_unused_after_days: rules.revoke_unused_after_days,
    }
}

const fn parsed_rules(rules: &api::TypePolicy) -> TypePolicy {
    TypePolicy {
        default_days: rules.default_days,
        max_days: rules.max_days,
        never_allowed: rules.never_allowed,
        flag_unused_after_days: rules.flag_unused_after_days,
        revoke_unused_after_days: rules.revoke_unused_after_days,
    }
}
