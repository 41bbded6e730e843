//! The numerics probe: how a machine computes.

use crate::codec::{DecodeError, DecodeErrorKind, Reader, Writer};
use crate::hash::ParameterRoot;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The most operations of a probe.
pub const MAX_OPERATIONS: usize = 512;
/// The longest name of an operation, in bytes.
pub const MAX_OPERATION_NAME: usize = 64;

/// Fixed small computations on the device that trains, each with a digest of its
/// results. Two machines compute alike as far as their probes agree.
///
/// A probe is the word of whoever recorded it. Clones share the operations.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probe(Arc<[Operation]>);

/// One computation of a probe.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    /// Its name: 1 to [`MAX_OPERATION_NAME`] bytes. It stands for the exact inputs
    /// as well. Another input is another name.
    pub name: String,
    /// The parameter root of its results, which are tensors called `0`, `1` and so
    /// on. `None` if two executions in one process gave different results.
    pub digest: Option<ParameterRoot>,
}

/// Why operations are not a probe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// There are too many, or none.
    #[error("{0} operations, expected 1 to {MAX_OPERATIONS}")]
    Count(usize),
    /// A name is empty or too long.
    #[error("an operation's name has {0} bytes, expected 1 to {MAX_OPERATION_NAME}")]
    Name(usize),
    /// Two operations have one name.
    #[error("operation {0:?} stands twice")]
    Twice(String),
}

impl Probe {
    /// A probe of these operations, in any order.
    ///
    /// ```
    /// use pow_core::extension::{Operation, Probe};
    /// let operation = Operation { name: "exp".into(), digest: None };
    /// let probe = Probe::new(vec![operation.clone()])?;
    /// assert_eq!(Probe::from_bytes(&probe.to_bytes())?, probe);
    /// assert!(Probe::new(vec![operation.clone(), operation]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ProbeError`] for no operation or more than [`MAX_OPERATIONS`], a name that
    /// is empty or longer than [`MAX_OPERATION_NAME`], or one that stands twice.
    pub fn new(mut operations: Vec<Operation>) -> Result<Self, ProbeError> {
        if operations.is_empty() || operations.len() > MAX_OPERATIONS {
            return Err(ProbeError::Count(operations.len()));
        }
        operations.sort();
        for operation in &operations {
            if !(1..=MAX_OPERATION_NAME).contains(&operation.name.len()) {
                return Err(ProbeError::Name(operation.name.len()));
            }
        }
        for (first, second) in operations.iter().zip(operations.iter().skip(1)) {
            if first.name == second.name {
                return Err(ProbeError::Twice(first.name.clone()));
            }
        }
        Ok(Probe(operations.into()))
    }

    /// The operations, in ascending order of the bytes of their names.
    pub fn operations(&self) -> &[Operation] {
        &self.0
    }

    /// The digest of an operation. `None` if the probe lacks it, or if the machine
    /// contradicted itself.
    pub fn digest(&self, name: &str) -> Option<ParameterRoot> {
        self.operation(name)?.digest
    }

    /// The operation with this name.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        let find = |operation: &Operation| operation.name.as_str().cmp(name);
        let at = self.0.binary_search_by(find).ok()?;
        self.0.get(at)
    }

    /// The names of the operations of this probe on which `other` does not agree:
    /// its digest is another one or absent, or one of the two machines contradicted
    /// itself.
    pub fn disagreements<'a>(&'a self, other: &Probe) -> Vec<&'a str> {
        let agrees = |operation: &Operation| {
            operation.digest.is_some() && operation.digest == other.digest(&operation.name)
        };
        let apart = self.0.iter().filter(|operation| !agrees(operation));
        apart.map(|operation| operation.name.as_str()).collect()
    }

    /// The data of the extension.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::new();
        // `new` has checked that the count fits.
        out.u16(self.0.len() as u16);
        for operation in self.0.iter() {
            out.bytes(operation.name.as_bytes());
            out.option(operation.digest, |out, digest| {
                out.raw(&digest.0);
            });
        }
        out.finish()
    }

    /// Reads the data of the extension.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if they are not in the one form of a probe: names in strictly
    /// ascending order, and nothing after the last.
    pub fn from_bytes(data: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(data);
        let probe = Probe::read(&mut reader)?;
        reader.finish()?;
        Ok(probe)
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = reader.clone();
        let count = reader.u16("operation count")?;
        if count == 0 || usize::from(count) > MAX_OPERATIONS {
            return Err(at.error(DecodeErrorKind::Value {
                field: "operation count",
                found: count.into(),
                expected: "1 to 512",
            }));
        }
        let mut operations: Vec<Operation> = Vec::new();
        for _ in 0..count {
            let at = reader.clone();
            let name = reader.text("operation name", MAX_OPERATION_NAME)?;
            if name.is_empty() || operations.last().is_some_and(|last| last.name >= name) {
                return Err(at.error(DecodeErrorKind::Value {
                    field: "operation name",
                    found: name.len() as u64,
                    expected: "a name above the one before",
                }));
            }
            let digest = reader.option("operation digest", |reader| {
                reader.array("operation digest").map(ParameterRoot)
            })?;
            operations.push(Operation { name, digest });
        }
        Ok(Probe(operations.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::ToString, vec};

    fn operation(name: &str, digest: Option<u8>) -> Operation {
        Operation {
            name: name.into(),
            digest: digest.map(|byte| ParameterRoot([byte; 32])),
        }
    }

    #[test]
    fn the_order_of_operations_does_not_matter() {
        let (a, b) = (operation("exp", Some(1)), operation("log", None));
        let probe = Probe::new(vec![b.clone(), a.clone()]).unwrap();
        assert_eq!(probe.operations(), [a, b]);
        assert_eq!(Probe::from_bytes(&probe.to_bytes()), Ok(probe));
    }

    #[test]
    fn what_is_not_equal_and_known_does_not_agree() {
        let recorded = ["a", "b", "c", "d"].map(|name| operation(name, Some(1)));
        let recorded = Probe::new(recorded.to_vec()).unwrap();
        let here = [
            operation("a", Some(1)),
            operation("b", Some(2)),
            operation("c", None),
            operation("e", Some(1)),
        ];
        let here = Probe::new(here.to_vec()).unwrap();
        assert_eq!(recorded.disagreements(&here), ["b", "c", "d"]);
        assert_eq!(here.disagreements(&recorded), ["b", "c", "e"]);
        assert_eq!(recorded.disagreements(&recorded), [""; 0]);
        assert_eq!(here.disagreements(&here), ["c"]);
    }

    #[test]
    fn limits_are_kept_by_both_ways_in() {
        let many = |count: usize| {
            let names = (0..count).map(|n| operation(&alloc::format!("{n:04}"), None));
            names.collect::<Vec<_>>()
        };
        assert!(Probe::new(many(MAX_OPERATIONS)).is_ok());
        let most = Probe::new(many(MAX_OPERATIONS)).unwrap();
        assert_eq!(Probe::from_bytes(&most.to_bytes()), Ok(most));
        for count in [0, MAX_OPERATIONS + 1] {
            assert_eq!(Probe::new(many(count)), Err(ProbeError::Count(count)));
            let bytes = Probe(many(count).into()).to_bytes();
            assert!(Probe::from_bytes(&bytes).is_err(), "{count}");
        }
        for len in [0, MAX_OPERATION_NAME + 1] {
            let wrong = vec![operation(&"x".repeat(len), None)];
            assert_eq!(Probe::new(wrong.clone()), Err(ProbeError::Name(len)));
            assert!(Probe::from_bytes(&Probe(wrong.into()).to_bytes()).is_err());
        }
        let longest = vec![operation(&"x".repeat(MAX_OPERATION_NAME), None)];
        assert!(Probe::from_bytes(&Probe(longest.into()).to_bytes()).is_ok());
        let twice = vec![operation("x", None), operation("x", Some(1))];
        let error = Probe::new(twice.clone()).unwrap_err();
        assert_eq!(error.to_string(), "operation \"x\" stands twice");
        assert!(Probe::from_bytes(&Probe(twice.into()).to_bytes()).is_err());
        let behind = [Probe::new(many(1)).unwrap().to_bytes(), vec![0]].concat();
        assert!(Probe::from_bytes(&behind).is_err());
    }
}
