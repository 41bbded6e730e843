//! Signed models in the format of OpenSSF Model Signing 1.0 (OMS), which `model_signing` and
//! others read: the SHA-256 of each file of a model, in an in-toto Statement, in a Sigstore
//! bundle.
//!
//! [`model_payload`] lists a model, [`envelope`](crate::envelope) has the signature and the
//! bundle, and [`check_model`] compares a model with what was signed. Signatures with a key are
//! checked, and those with certificates are not. `docs/formats.md` says which of OMS's
//! conformance cases pass.
//!
//! Source: OpenSSF Model Signing specification 1.0.

mod check;
mod error;
mod files;
mod manifest;

pub use check::{ModelReport, check_model, model_payload};
pub use error::OmsError;
pub use files::ModelOptions;
pub use manifest::OMS;
