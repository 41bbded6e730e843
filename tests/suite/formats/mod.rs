//! Statements that other tools read: about a training, and about a model's files.

mod forged;
mod oms;
mod tools;
mod training;

pub use tools::has_model_signing;

tests! { mod forged, oms, tools, training }
