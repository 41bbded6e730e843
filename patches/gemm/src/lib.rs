//! Matrix products whose sums are cut into the same pieces on all machines, in place of
//! those that Burn's CPU backend takes from the registry.
//!
//! The registry's `gemm` cuts a long sum into pieces that fit the caches of the CPU: 3,000
//! products into six pieces where the first-level cache has 32 KiB, and into three where
//! it has 48 KiB. Other pieces give other bits. This crate cuts sums itself and gives each
//! piece to the same kernels. A piece is so short that they do not cut it again.
//!
//! The kernels for some CPUs add whole vectors of products where a product has few results,
//! and those for others do not. This crate copies such small matrices, so that no kernel
//! does.
//!
//! It has all that `burn-flex` uses: `f16`, `f32` and `f64`, but no complex numbers.

#[allow(unsafe_code, reason = "copies what pointers lead to")]
mod copied;
mod matrix;
#[allow(
    unsafe_code,
    reason = "the interface of the registry's crate has pointers"
)]
mod product;
#[cfg(test)]
mod tests;

pub use gemm_common::Parallelism;
pub use product::{f16, gemm};
