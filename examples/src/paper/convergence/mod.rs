//! Section 1, convergence: does recording change what a training learns?
//!
//! Two networks are trained, the digits network and the character transformer.
//! Each is trained with the recorder off, pipelined, in gate mode, and with an
//! order of samples that is bound to the chain. For one seed all trainings start
//! from the same weights. With the recorder off, the program has the same loader
//! and seeds the device in the same way.
//!
//! Off, pipelined and gate must give the same parameters, bit for bit, at every
//! evaluation. A bound order is different in every run, by design. There the
//! results are compared.

mod measure;
mod plan;
pub mod report;
mod tasks;

pub use measure::measure;
pub use plan::{
    ConvergencePlan, ConvergenceRow, ConvergenceUnit, MODES, TASKS, Task, TrainingLength, units,
};
