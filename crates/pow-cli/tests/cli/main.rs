//! The program `pow`, run as a user runs it.
#![allow(clippy::unwrap_used, reason = "also in functions that tests share")]

mod attacks;
mod bad_input;
mod bench;
mod export;
mod inspect;
mod live;
mod mine;
mod pages;
mod program;
mod prove;
mod replay;
mod usage;
mod verify;
