//! `/v1/passwords`: what a person does about a password without a token.

pub(crate) mod reset;
