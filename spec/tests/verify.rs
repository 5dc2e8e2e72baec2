//! `POST /v1/verify`: one decision for every door, from memory, with the use recorded.

mod decisions;
mod doors;
mod lane;
mod uses;
