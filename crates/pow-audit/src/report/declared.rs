//! What a report says about a declaration, for programs.

use serde::Serialize;

/// A declaration, and how the run compares with it.
#[derive(Clone, Debug, Serialize)]
pub struct DeclaredReport {
    /// The digest of the declaration that genesis names. Absent if it names none that can be
    /// read.
    pub named: Option<String>,
    /// The digest of the declaration that the verifier gave. Absent if none was given.
    pub given: Option<String>,
    /// The keys that had to sign the declaration, each with whether it did.
    pub declared_by: Vec<DeclaringKey>,
    /// What was declared, field by field. Empty unless the given declaration is the named one.
    pub fields: Vec<DeclaredField>,
}

/// A key that the verifier named.
#[derive(Clone, Debug, Serialize)]
pub struct DeclaringKey {
    /// The fingerprint of an SSH key, or the number of a minisign key.
    pub key: String,
    /// Whether its signature over the declaration was given, and is right.
    pub signed: bool,
}

/// A field of a declaration, compared with the run.
#[derive(Clone, Debug, Serialize)]
pub struct DeclaredField {
    /// Its name, as the declaration has it.
    pub name: &'static str,
    /// What was found.
    pub state: FieldState,
    /// The same in words.
    pub line: String,
}

/// How a declared field compares with the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FieldState {
    /// The run has what was declared.
    Agrees,
    /// The run has something else.
    Differs,
    /// The run could say it, and does not, or not yet.
    NotSaid,
    /// No chain shows it.
    NotCheckable,
}
