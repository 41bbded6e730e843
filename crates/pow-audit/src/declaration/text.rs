//! A line of text in a declaration.

use std::fmt;
use std::str::FromStr;

/// The longest text of a declaration, in bytes.
pub const MAX_DECLARED_TEXT: usize = 512;

/// A line of text: 1 to [`MAX_DECLARED_TEXT`] bytes, without control characters, and with no
/// space at its ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredText(String);

/// Why a text cannot stand in a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeclaredTextError {
    /// It has no byte, or more than [`MAX_DECLARED_TEXT`].
    #[error("{0} bytes, expected 1 to {MAX_DECLARED_TEXT}")]
    Length(usize),
    /// It has a control character, such as a line feed.
    #[error("character {0} is a control character; the text must be one line")]
    Control(usize),
    /// It begins or ends with a space.
    #[error("it begins or ends with a space")]
    Space,
}

impl DeclaredText {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DeclaredText {
    type Err = DeclaredTextError;

    fn from_str(text: &str) -> Result<Self, DeclaredTextError> {
        if text.is_empty() || text.len() > MAX_DECLARED_TEXT {
            return Err(DeclaredTextError::Length(text.len()));
        }
        if let Some(at) = text.chars().position(char::is_control) {
            return Err(DeclaredTextError::Control(at + 1));
        }
        match text.starts_with(' ') || text.ends_with(' ') {
            true => Err(DeclaredTextError::Space),
            false => Ok(DeclaredText(text.into())),
        }
    }
}

impl fmt::Display for DeclaredText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
