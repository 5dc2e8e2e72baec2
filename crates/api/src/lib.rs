//! Wire types and problem codes of the native API.
