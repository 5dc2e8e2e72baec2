//! `/v1/audit`: who changed what, in a chain that shows every change to it.

mod events;
mod export;
mod tampering;
