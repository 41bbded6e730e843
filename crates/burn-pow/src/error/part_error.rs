//! Why a part of a training cannot be recorded or restored.

/// Why a part of a training cannot be recorded or restored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PartError {
    /// A name has a character that names do not have, or it is empty.
    #[error("a part is called {0:?}; a name consists of ASCII letters, digits and _")]
    Name(String),
    /// Two models, two optimizers, or two of the program's own parts have one name.
    #[error("two parts of one kind are called {0}")]
    Twice(String),
    /// An optimizer has the name of no model that was shown before it.
    #[error("the optimizer {0} belongs to no model of this name that was shown before it")]
    NoModel(String),
    /// The checkpoint lacks a part.
    #[error("the checkpoint has no {0}: the run was recorded without this part")]
    Absent(String),
    /// A part has another form in the checkpoint.
    #[error("the program's {name} is {program}, the checkpoint has {saved}")]
    Form {
        /// The part's tensor.
        name: String,
        /// The form that the program has.
        program: String,
        /// The form in the checkpoint.
        saved: String,
    },
}
