//! Recorded trainings, small enough to run in a blink, checked by `pow-audit`.

#![allow(
    clippy::unwrap_used,
    reason = "a test's helpers panic as its body does"
)]

mod at;
mod between;
mod bound;
mod claims;
mod crash;
mod devices;
mod early_stopping;
mod endings;
mod forgeries;
mod forgetful;
mod loops;
mod losses;
mod modes;
mod origins;
mod parts;
mod pauses;
mod program;
mod quantised;
mod renderer;
mod replay;
mod resume;
mod roots;
mod sampling;
mod short_form;
mod state;
mod stops;
mod unchanged;
mod unreached;
