//! SHA-256d nonce search on any wgpu adapter: Vulkan, Metal or
//! DirectX 12.
//!
//! The device proposes nonces by the hash's most significant 32 bits; every
//! one is rehashed by `pow-core` on the host before it counts. A dispatch
//! lasts about 50 ms, after which a search can be cancelled.
//!
//! ```
//! use pow_gpu::{AdapterChoice, GpuEngine, GpuError, list_adapters};
//!
//! for adapter in list_adapters() {
//!     println!("{adapter}");
//! }
//! match GpuEngine::open(&AdapterChoice::from_env()) {
//!     Ok(_engine) => println!("a GPU is there"),
//!     Err(GpuError::NoAdapter { refused, .. }) => println!("took none of {refused:?}"),
//!     Err(error) => println!("{error}"),
//! }
//! ```

mod adapter;
mod device;
mod engine;
mod pace;
mod search;

pub use adapter::{AdapterChoice, AdapterSummary, GpuError, Refused, list_adapters};
pub use engine::GpuEngine;
