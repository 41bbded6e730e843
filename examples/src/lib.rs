//! What the example programs are made of.

pub mod digits;
mod stop;

pub use stop::stop_on_ctrl_c;
