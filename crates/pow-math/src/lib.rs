//! Elementary functions from one source, for the whole program.
//!
//! Rust's `f32::tanh`, `f64::exp` and others call the C library of the system. Two C
//! libraries round some results differently, so a training gives other bits on another
//! system. A program that contains this crate has these functions of its own, on every
//! system. They are pure Rust: most for `f32` come from `pxfm`, those for `f64` from
//! `libm`. `exp` and `tanh` for `f32`, which trainings call most, are this crate's own:
//! they cost no more than those of a C library.
//!
//! Nothing has to be called for that, but the linker leaves out a crate that nobody
//! uses. [`foreign`] says what is really linked:
//!
//! ```
//! assert_eq!(pow_math::foreign(), Vec::<&str>::new());
//! ```

mod exponential;
#[allow(unsafe_code, reason = "the attribute that exports a symbol")]
mod functions;

use functions::{DOUBLE, DOUBLE_BOTH, Function, SINGLE, SINGLE_BOTH};

fn all() -> impl Iterator<Item = &'static Function> {
    let both = [&SINGLE_BOTH, &DOUBLE_BOTH];
    SINGLE.iter().chain(DOUBLE).chain(both)
}

/// The names of the C functions that this crate defines, such as `tanhf`.
pub fn names() -> impl Iterator<Item = &'static str> {
    all().map(|function| function.name)
}

/// The functions for which the standard library gives other results than this crate.
/// Executes each 4,096 times, which takes some milliseconds.
///
/// It is empty if this crate is linked. A function of another library that rounds all
/// those results alike is not noticed.
pub fn foreign() -> Vec<&'static str> {
    let differing = all().filter(|function| (function.differs)());
    differing.map(|function| function.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A correct result is that of a much more precise function, rounded once. Then it is
    /// the same on a CPU without FMA, and in any other version of the library.
    #[test]
    fn single_precision_is_rounded_correctly() {
        type Pair = (&'static str, fn(f32) -> f32, fn(f64) -> f64);
        let functions: [Pair; 6] = [
            ("exp_m1", f32::exp_m1, f64::exp_m1),
            ("ln", f32::ln, f64::ln),
            ("ln_1p", f32::ln_1p, f64::ln_1p),
            ("sin", f32::sin, f64::sin),
            ("cos", f32::cos, f64::cos),
            ("cbrt", f32::cbrt, f64::cbrt),
        ];
        assert_eq!(foreign(), [""; 0]);
        for (name, single, double) in functions {
            // All exponents and signs.
            for bits in (0..u32::MAX).step_by(9973) {
                let x = f32::from_bits(bits);
                let (found, expected) = (single(x), double(x.into()) as f32);
                assert!(
                    found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan(),
                    "{name}({x:e}) is {found:e}, expected {expected:e}"
                );
            }
        }
    }

    #[test]
    fn names_are_those_of_the_c_functions() {
        let names: Vec<_> = names().collect();
        assert_eq!(names.len(), 42);
        for name in ["tanhf", "tanh", "sincosf", "pow"] {
            assert!(names.contains(&name), "{name}");
        }
    }
}
