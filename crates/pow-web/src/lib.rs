#![doc = include_str!("../README.md")]

#[cfg(target_arch = "wasm32")]
mod bindings;
pub mod document;
pub mod host;
pub mod layout;
pub mod overview;
mod page;
pub mod records;
pub mod replayed;
pub mod request;
pub mod run;
pub mod search;
pub mod series;
pub mod session;

pub use page::PAGE;
