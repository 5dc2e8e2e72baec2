//! Where a request bears a token.

/// Where a request bears a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PresentedIn {
    /// In a header, or in a body that asks about it.
    #[default]
    Header,
    /// In the address, as `?token=`.
    Query,
}

impl PresentedIn {
    /// The stored and shown text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Query => "query",
        }
    }

    /// Reads the stored text.
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Header, Self::Query]
            .into_iter()
            .find(|way| way.as_str() == text)
    }
}
