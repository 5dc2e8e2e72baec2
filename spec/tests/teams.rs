//! `/v1/teams`: groups of people who own services, and what belonging to one lets a person do.

mod change;
mod create;
mod list;
mod members;
