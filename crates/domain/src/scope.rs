//! Scopes: the closed catalogue of actions that a token may be given, and sets of them.
//!
//! A scope names an action on a kind of resource (`deployments:write`, RFC 6749 §3.3). A set is one 64-bit word, so that the
//! hot path tests it with one instruction. Bits are never reused: the stored form is the text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $bit:literal, $text:literal, $sentence:literal;)+) => {
        /// One action on a kind of resource.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Scope {
            $($(#[$doc])* $name,)+
        }

        impl Scope {
            /// Every scope there is, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The stable text, `tokens:write`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// One sentence for the person who grants it.
            pub const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$name => $sentence,)+
                }
            }

            const fn bit(self) -> u64 {
                1 << match self {
                    $(Self::$name => $bit,)+
                }
            }
        }
    };
}

scopes! {
    /// See tokens.
    TokensRead = 0, "tokens:read", "List tokens and see their details, never their secrets.";
    /// Issue, change and end tokens.
    TokensWrite = 1, "tokens:write", "Issue, update, regenerate, revoke and delete tokens.";
    /// Check tokens of others.
    TokensVerify = 2, "tokens:verify", "Ask whether a presented token is valid and what it may do.";
    /// See deployments.
    DeploymentsRead = 3, "deployments:read", "List reported deployments.";
    /// Report deployments.
    DeploymentsWrite = 4, "deployments:write", "Report deployments.";
    /// See who changed what.
    AuditRead = 5, "audit:read", "Read, export and verify the audit trail.";
    /// Run the installation.
    SystemWrite = 6, "system:write", "Rotate the installation's pepper and see its state.";
    /// See teams and their members.
    TeamsRead = 7, "teams:read", "List teams, their members and their services.";
    /// Change teams and their members.
    TeamsWrite = 8, "teams:write", "Create, change and delete teams, and say who belongs to them.";
    /// See services.
    ServicesRead = 9, "services:read", "List services and the teams they belong to.";
    /// Change services.
    ServicesWrite = 10, "services:write", "Create, change, move and delete services.";
    /// See environments and stages.
    EnvironmentsRead = 11, "environments:read", "List environments and the stages of a release.";
    /// Change environments and stages.
    EnvironmentsWrite = 12, "environments:write", "Create, change and delete environments and stages.";
    /// See people.
    UsersRead = 13, "users:read", "List people, their roles and their teams.";
    /// Change people.
    UsersWrite = 14, "users:write", "Invite people, change their role, deactivate and reactivate them.";
    /// See roles and kinds of resources.
    RolesRead = 15, "roles:read", "List roles and the kinds of resources that they are about.";
    /// Change roles and kinds of resources.
    RolesWrite = 16, "roles:write", "Write and delete roles and kinds of resources.";
    /// See webhooks and what was delivered.
    WebhooksRead = 17, "webhooks:read", "List webhooks and what was delivered to them, never their secrets.";
    /// Change webhooks.
    WebhooksWrite = 18, "webhooks:write", "Create, change, test and delete webhooks, which are told when tokens end.";
}

/// The text is no scope of this installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownScope {
    /// The scope that is nearest in spelling, when one is near.
    pub nearest: Option<Scope>,
}

impl fmt::Display for UnknownScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.nearest {
            Some(scope) => write!(f, "unknown scope, did you mean `{scope}`?"),
            None => f.write_str("unknown scope"),
        }
    }
}

impl std::error::Error for UnknownScope {}

/// A set of scopes: one bit each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ScopeSet(u64);

// === impl Scope ===

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        let found = Self::ALL.iter().copied().find(|scope| scope.as_str() == text);
        found.ok_or_else(|| UnknownScope {
            nearest: nearest(text),
        })
    }
}

/// The scope within a third of its length in edits of `text`, if there is one.
fn nearest(text: &str) -> Option<Scope> {
    if text.len() > 64 {
        return None;
    }
    let distance = |scope: &Scope| edits(text.as_bytes(), scope.as_str().as_bytes());
    let best = Scope::ALL.iter().copied().min_by_key(distance)?;
    (distance(&best) <= best.as_str().len() / 3).then_some(best)
}

/// Levenshtein distance, with one row of memory. Both texts are short.
fn edits(left: &[u8], right: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

// === impl ScopeSet ===

impl ScopeSet {
    /// No scope at all.
    pub const EMPTY: Self = Self(0);

    /// Every scope that this version knows. A wildcard is resolved to it when it is granted, so an upgrade widens nothing.
    pub const fn all() -> Self {
        let mut bits = 0;
        let mut place = 0;
        while place < Scope::ALL.len() {
            bits |= Scope::ALL[place].bit();
            place += 1;
        }
        Self(bits)
    }

    /// The set with just `scope`.
    pub const fn only(scope: Scope) -> Self {
        Self(scope.bit())
    }

    /// The set of these scopes.
    pub const fn of(scopes: &[Scope]) -> Self {
        let mut bits = 0;
        let mut place = 0;
        while place < scopes.len() {
            bits |= scopes[place].bit();
            place += 1;
        }
        Self(bits)
    }

    /// The set with these bits; bits without a scope are dropped.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits & Self::all().0)
    }

    /// One bit per scope, for the token index.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// True when `scope` is in the set.
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// True when all of `other` is in the set.
    pub const fn contains_all(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// True when there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// This set and `scope`.
    #[must_use]
    pub const fn with(self, scope: Scope) -> Self {
        Self(self.0 | scope.bit())
    }

    /// The scopes, in the order of the catalogue.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL
            .iter()
            .copied()
            .filter(move |&scope| self.contains(scope))
    }

    /// Reads the stored form: texts parted by spaces. A text that this version does not know is dropped: power only shrinks.
    pub fn from_stored(text: &str) -> Self {
        text.split_ascii_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect()
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        scopes.into_iter().fold(Self::EMPTY, Self::with)
    }
}

/// Texts parted by spaces, as OAuth writes them and the store keeps them.
impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, scope) in self.iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

impl fmt::Debug for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScopeSet({self})")
    }
}

impl Serialize for ScopeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Scope::as_str))
    }
}

impl<'de> Deserialize<'de> for ScopeSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        Ok(texts
            .iter()
            .filter_map(|text| text.parse::<Scope>().ok())
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_has_its_own_bit_and_text() {
        let distinct: std::collections::HashSet<_> = Scope::ALL
            .iter()
            .map(|scope| (scope.bit(), scope.as_str()))
            .collect();

        assert_eq!(distinct.len(), Scope::ALL.len());
        assert_eq!(ScopeSet::all().iter().count(), Scope::ALL.len());
        for &scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
    }

    #[test]
    fn an_unknown_scope_names_the_nearest_one() {
        let error = "deployment:write".parse::<Scope>().unwrap_err();

        assert_eq!(
            error.to_string(),
            "unknown scope, did you mean `deployments:write`?"
        );
        assert_eq!("zebra".parse::<Scope>().unwrap_err().nearest, None);
    }

    #[test]
    fn the_stored_form_is_read_back_and_forgets_what_is_unknown() {
        let set: ScopeSet = [Scope::TokensRead, Scope::AuditRead].into_iter().collect();

        assert_eq!(set.to_string(), "tokens:read audit:read");
        assert_eq!(ScopeSet::from_stored("tokens:read gone:write audit:read"), set);
    }
}
