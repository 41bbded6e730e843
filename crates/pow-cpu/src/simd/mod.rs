//! Kernels for the vector units of x86-64. Each kernel is a value that exists
//! only if the CPU has the features that it needs. So calling it is sound.

#[macro_use]
mod wide;

mod avx2;
mod avx512;
mod sha_ni;

#[cfg(test)]
mod tests;

pub use avx2::Avx2;
pub use avx512::Avx512;
pub use sha_ni::{ShaNi, ShaNiWide};
