//! Whether this program gives the same bits on other machines, with the feature
//! `portable`.
//!
//! Burn's CPU backend differs in three places from one CPU to another. Elementary
//! functions come from the system's C library, sums are as wide as the vectors of the
//! CPU, and long matrix products are cut to fit its caches. The feature links functions
//! from one source (the crate `pow-math`). Two lines in the manifest of the final program
//! fix width and cut; `docs/replay.md` has them.

use macerator::{AutoArch, Scalar, Simd, WithSimd};
use std::any::{type_name, type_name_of_val};
use std::fmt;
use std::io::Write;
use std::sync::OnceLock;

/// The number of functions that a line names.
const SHOWN: usize = 4;

/// What is really linked into this program. It is measured, not taken from a manifest.
///
/// ```
/// use burn_pow::Portability;
///
/// let portability = Portability::of_this_program();
/// assert!(portability.foreign_functions().is_empty());
/// println!("{portability}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portability {
    functions: usize,
    foreign: Vec<&'static str>,
    lanes: usize,
    has_fixed_lanes: bool,
    has_fixed_pieces: bool,
}

impl Portability {
    /// Tests this program. It takes some milliseconds, once in a process.
    pub fn of_this_program() -> &'static Self {
        static KNOWN: OnceLock<Portability> = OnceLock::new();
        KNOWN.get_or_init(|| {
            // Only the crates that take the registry's place have these paths.
            let product = type_name_of_val(&gemm::gemm::<f32>);
            Portability {
                functions: pow_math::names().count(),
                foreign: pow_math::foreign(),
                lanes: AutoArch::new().dispatch(Lanes),
                has_fixed_lanes: type_name::<AutoArch>() == "macerator::AutoArch",
                has_fixed_pieces: product.starts_with("gemm::product::"),
            }
        })
    }

    /// Whether all elementary functions are the program's own, and sums have a fixed
    /// width and are cut alike on all machines.
    pub fn is_complete(&self) -> bool {
        self.foreign.is_empty() && self.has_fixed_lanes && self.has_fixed_pieces
    }

    /// The C functions that give other results than this program's own, such as
    /// `tanhf`. The C library of the system executes them.
    pub fn foreign_functions(&self) -> &[&'static str] {
        &self.foreign
    }

    /// How many `f32` are added at a time, on this CPU. If their number is fixed, it is 8,
    /// but for 4 on an x86-64 CPU without AVX2.
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// Whether sums never use wider vectors, such as those of AVX-512, or shorter ones, such
    /// as ARM's.
    pub fn has_fixed_lanes(&self) -> bool {
        self.has_fixed_lanes
    }

    /// Whether long matrix products are cut alike, whatever the CPU's caches are.
    pub fn has_fixed_pieces(&self) -> bool {
        self.has_fixed_pieces
    }

    /// Warns that the feature is on and does not hold what it promises.
    pub(crate) fn warn(&self) {
        if !self.is_complete() {
            // A closed stderr must not end the training.
            let _ = writeln!(std::io::stderr(), "warning: {self}");
        }
    }
}

/// One line.
impl fmt::Display for Portability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lanes, functions) = (self.lanes, self.functions);
        f.write_str(match self.is_complete() {
            true => "portable: ",
            false => "not portable: ",
        })?;
        match &*self.foreign {
            [] => write!(
                f,
                "{functions} elementary functions are the program's own; "
            )?,
            foreign => {
                let (shown, more) = foreign.split_at(foreign.len().min(SHOWN));
                write!(
                    f,
                    "the system's C library executes {} of {functions} elementary functions ({}{}); ",
                    foreign.len(),
                    shown.join(", "),
                    if more.is_empty() { "" } else { ", …" }
                )?;
            }
        }
        match (self.has_fixed_lanes, lanes) {
            (true, 8) => write!(f, "sums have 8 lanes, as on every x86-64 CPU with AVX2"),
            (true, _) => write!(f, "sums have {lanes} lanes, because this CPU has no AVX2"),
            (false, ..) => write!(
                f,
                "sums have {lanes} lanes here and others on another CPU, because the manifest \
                 does not replace macerator"
            ),
        }?;
        match self.has_fixed_pieces {
            true => Ok(()),
            false => f.write_str(
                "; matrix products are cut to fit the caches, because the manifest does not replace gemm",
            ),
        }
    }
}

/// Asks how many `f32` a vector has.
struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    fn with_simd<S: Simd>(self) -> usize {
        f32::lanes::<S>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_is_portable() {
        let here = Portability::of_this_program();
        assert!(here.is_complete(), "{here}");
        assert_eq!(here.foreign_functions(), [""; 0]);
        assert!(
            here.to_string().starts_with("portable: 42 elementary"),
            "{here}"
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let whole = Portability {
            functions: 42,
            foreign: Vec::new(),
            lanes: 8,
            has_fixed_lanes: true,
            has_fixed_pieces: true,
        };
        let libc = Portability {
            foreign: vec!["acosf", "asinf", "atan2f", "atanf", "cosf"],
            ..whole.clone()
        };
        let wide = Portability {
            lanes: 16,
            has_fixed_lanes: false,
            ..whole.clone()
        };
        let cut = Portability {
            has_fixed_pieces: false,
            ..whole
        };
        for (case, part) in [
            (
                libc,
                "executes 5 of 42 elementary functions (acosf, asinf, atan2f, atanf, …);",
            ),
            (wide, "sums have 16 lanes here and others on another CPU"),
            (cut, "because the manifest does not replace gemm"),
        ] {
            let line = case.to_string();
            assert!(!case.is_complete(), "{line}");
            assert!(
                line.starts_with("not portable: ") && line.contains(part),
                "{line}"
            );
        }
    }
}
