//! What operators, tools and people without a token ask: is it there, is it well, what can it do.

pub(crate) mod docs;
pub(crate) mod figures;
pub(crate) mod healthz;
pub(crate) mod metrics;
pub(crate) mod openapi;
pub(crate) mod readyz;
