//! The page as it was built.

/// The bytes of `explorer.html`: the page, with everything that it needs inside. What builds
/// it from this crate is in the folder `builder`. The WebAssembly program does not hold it.
#[cfg(not(target_arch = "wasm32"))]
pub const PAGE: &str = include_str!("../explorer.html");

/// The page is not inside itself.
#[cfg(target_arch = "wasm32")]
pub const PAGE: &str = "";
