//! SHA-256d nonce search on any GPU that wgpu supports: with Vulkan, Metal or
//! DirectX 12. And roots of tensors in the GPU's memory ([`weights`]).
//!
//! The device proposes nonces by the most significant 32 bits of their hash.
//! The host then checks each of them with `pow-core`. A kernel is used only if
//! it finds the same hits as the reference in a short search.
//!
//! - A search starts with the kernel's loop form, which compiles at once. It
//!   continues with the faster traced form as soon as another thread has
//!   compiled and tested that ([`KernelForm`], [`GpuEngine::traced`]). Both
//!   forms are in `pow-kernels`.
//! - Two dispatches are in flight. Their size follows from the measured speed
//!   of the device, so each takes about 50 ms, or 5 ms beside a training
//!   ([`Sharing`]). A search for a first hit has shorter dispatches if the
//!   target is easy.
//! - A search checks every 10 ms whether it was cancelled. It then returns at
//!   once, and its dispatches end by themselves.
//! - A device that fails is opened again, once in a search. Only nonces of
//!   finished dispatches count as searched.
//! - The adapter is chosen by name, backend or kind ([`AdapterChoice`]). Or the
//!   caller gives a device ([`GpuEngine::with_device`]).
//!
//! ```
//! use pow_gpu::{AdapterChoice, GpuEngine, GpuError, GpuSettings, list_adapters};
//!
//! for adapter in list_adapters() {
//!     println!("{adapter}");
//! }
//! match GpuEngine::open(&AdapterChoice::from_env(), GpuSettings::default()) {
//!     Ok(_engine) => println!("found a GPU"),
//!     Err(GpuError::NoAdapter { refused, .. }) => println!("none of these is allowed: {refused:?}"),
//!     Err(error) => println!("{error}"),
//! }
//! ```

mod adapter;
mod device;
mod dispatch;
mod engine;
mod faults;
mod kernel;
mod kernel_forms;
mod self_test;
mod upgrade;
pub mod weights;

pub use adapter::{AdapterChoice, AdapterSummary, GpuError, Refused, list_adapters};
pub use dispatch::Sharing;
pub use engine::{GpuEngine, GpuSettings};
pub use kernel_forms::KernelForm;
pub use upgrade::TracedStatus;
/// The wgpu version of the devices for [`GpuEngine::with_device`].
pub use wgpu;

/// The example of the README, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
