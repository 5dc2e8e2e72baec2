//! Lists: a page of rows and the place where the next page begins.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The rows of a page when the caller names no `limit`.
pub const DEFAULT_LIMIT: u32 = 50;
/// The most rows of a page.
pub const MAX_LIMIT: u32 = 200;

/// One page of a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The rows, in the order that was asked for.
    pub data: Vec<T>,
    /// Give it as `cursor` to read on; `null` at the end. Opaque.
    pub next_cursor: Option<String>,
}
