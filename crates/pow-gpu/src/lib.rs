//! SHA-256d nonce search on any wgpu adapter: Vulkan, Metal or
//! DirectX 12.
//!
//! The device proposes nonces by the hash's most significant 32 bits; every
//! one is rehashed by `pow-core` on the host before it counts. A kernel is used
//! only after it has found in a short search what the reference finds.
//!
//! - The search starts with the kernel's loop form, which compiles at once, and
//!   goes on with the faster traced form as soon as another thread has compiled
//!   and tested it ([`KernelForm`], [`GpuEngine::traced`]). Both are in
//!   `pow-kernels`.
//! - Two dispatches are in flight. They are sized by what the device was seen to
//!   do: to last about 50 ms, or 5 ms beside a training ([`Sharing`]). A search
//!   for a first hit takes shorter ones where the target is easy.
//! - A search looks every 10 ms whether it was cancelled, then returns and
//!   leaves its dispatches to end by themselves.
//! - A device that fails is opened anew, once in a search, and nothing that was
//!   not searched to the end counts as searched.
//! - The adapter is picked by name, backend or kind ([`AdapterChoice`]), or the
//!   caller hands in a device ([`GpuEngine::with_device`]).
//!
//! ```
//! use pow_gpu::{AdapterChoice, GpuEngine, GpuError, GpuSettings, list_adapters};
//!
//! for adapter in list_adapters() {
//!     println!("{adapter}");
//! }
//! match GpuEngine::open(&AdapterChoice::from_env(), GpuSettings::default()) {
//!     Ok(_engine) => println!("a GPU is there"),
//!     Err(GpuError::NoAdapter { refused, .. }) => println!("took none of {refused:?}"),
//!     Err(error) => println!("{error}"),
//! }
//! ```

mod adapter;
mod device;
mod dispatch;
mod engine;
mod forms;
mod kernel;
mod self_test;
mod upgrade;

pub use adapter::{AdapterChoice, AdapterSummary, GpuError, Refused, list_adapters};
pub use dispatch::Sharing;
pub use engine::{GpuEngine, GpuSettings};
pub use forms::KernelForm;
pub use upgrade::TracedStatus;
/// The version whose devices [`GpuEngine::with_device`] takes.
pub use wgpu;
