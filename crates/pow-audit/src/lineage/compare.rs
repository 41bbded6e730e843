//! Compares files of two runs: optimizers, and weights tensor by tensor.

use super::run::Committed;
use super::start::{Counts, Start};
use crate::source::RunSource;
use crate::tensors::{checkpoint_rest, open_tensors};
use pow_core::hash::{ParameterRoot, StateRoot, TreeRoot};
use pow_core::state::RestOfState;
use pow_core::tensor::{DataHasher, TensorHasher, TensorSet, leaf_of_root};
use pow_ledger::{CheckpointPart, LedgerError, RunFile, TensorBytes, TensorReader};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// The most tensors whose leaves are kept, so that a file of a stranger cannot make a
/// comparison take much memory.
const MAX_TENSORS: usize = 65_536;

/// Why files could not be compared.
#[derive(Debug)]
pub(super) struct NotCompared {
    pub(super) why: String,
    /// Whether a file that is there could not be read.
    pub(super) could_not_read: bool,
}

impl NotCompared {
    fn because(why: impl Into<String>) -> Self {
        NotCompared {
            why: why.into(),
            could_not_read: false,
        }
    }

    /// `whose` run lacks a file, or has a bad one.
    fn of(error: &LedgerError, whose: &str) -> Self {
        let is_missing =
            matches!(error, LedgerError::Io { source, .. } if source.kind() == ErrorKind::NotFound);
        match is_missing {
            true => Self::because(format!("{whose} checkpoint is not there")),
            false => NotCompared {
                why: error.to_string(),
                could_not_read: error.could_not_read(),
            },
        }
    }
}

/// A checkpoint that a chain commits to, and the run that has it.
pub(super) struct CheckpointOf<'a> {
    pub(super) source: &'a dyn RunSource,
    pub(super) root: StateRoot,
    pub(super) committed: Committed,
    /// Whose it is, for messages: "the parent's", "this run's".
    pub(super) whose: &'static str,
}

impl CheckpointOf<'_> {
    /// The state without the weights, from the two files that hold it. They must have the
    /// root that the chain commits to.
    fn rest(&self, hasher: &dyn TensorHasher) -> Result<RestOfState, NotCompared> {
        let rest = checkpoint_rest(self.source, self.root, hasher);
        let rest = rest.map_err(|error| NotCompared::of(&error, self.whose))?;
        match rest.root() == self.committed.rest {
            true => Ok(rest),
            false => Err(NotCompared::because(format!(
                "{} checkpoint is not the one that its chain commits to",
                self.whose
            ))),
        }
    }

    /// The leaves of the weights, which must have the root that the chain commits to.
    pub(super) fn leaves(&self, hasher: &dyn TensorHasher) -> Result<Leaves, NotCompared> {
        let file = RunFile::Checkpoint(self.root, CheckpointPart::Model);
        let failed = |error| NotCompared::of(&error, self.whose);
        let reader = open_tensors(self.source, file).map_err(failed)?;
        let path = self.source.path(file);
        let leaves = Leaves::read(reader, &path, hasher).map_err(failed)??;
        match leaves.root == self.committed.parameters {
            true => Ok(leaves),
            false => Err(NotCompared::because(format!(
                "{} checkpoint does not have the weights that its chain commits to",
                self.whose
            ))),
        }
    }
}

/// What a run with the same weights took over besides them.
pub(super) fn compare_rest(
    child: &CheckpointOf<'_>,
    parent: &CheckpointOf<'_>,
    hasher: &dyn TensorHasher,
) -> (Start, bool) {
    let fresh = RestOfState::fresh();
    if child.committed.rest == fresh.root() {
        return (Start::Weights(Counts::of(&fresh)), false);
    }
    match rests(child, parent, hasher) {
        Ok(start) => (start, false),
        Err(NotCompared {
            why,
            could_not_read,
        }) => (Start::WeightsOnly { why }, could_not_read),
    }
}

fn rests(
    child: &CheckpointOf<'_>,
    parent: &CheckpointOf<'_>,
    hasher: &dyn TensorHasher,
) -> Result<Start, NotCompared> {
    let own = child.rest(hasher)?;
    let counts = Counts::of(&own);
    if own.optimizer == RestOfState::fresh().optimizer {
        return Ok(Start::Weights(counts));
    }
    Ok(match own.optimizer == parent.rest(hasher)?.optimizer {
        true => Start::Optimizer(counts),
        false => Start::OtherOptimizer,
    })
}

/// The leaves of a file's tensors by their paths.
#[derive(Debug)]
pub(super) struct Leaves {
    pub(super) root: ParameterRoot,
    of: BTreeMap<String, Leaf>,
}

#[derive(Debug)]
struct Leaf {
    hash: [u8; 32],
    /// Whether all elements have the same bits, or there are none. Models that have nothing
    /// to do with each other have such tensors in common: a bias of zeros, for instance.
    is_constant: bool,
}

/// Reads a tensor's bytes: the root over their chunks, and whether all elements are equal.
fn read_data(
    bytes: &mut TensorBytes<'_>,
    element: usize,
    hasher: &dyn TensorHasher,
) -> Result<(TreeRoot, bool), LedgerError> {
    let mut data = DataHasher::new(hasher);
    let (mut first, mut is_constant): (Vec<u8>, bool) = (Vec::new(), true);
    while let Some(piece) = bytes.next_piece()? {
        if first.is_empty() {
            first.extend(piece.iter().take(element));
        }
        // A piece has whole elements.
        is_constant = is_constant && piece.chunks(element).all(|each| each == first);
        data.update(piece);
    }
    Ok((data.finish(), is_constant))
}

impl Leaves {
    /// Reads them from `reader`, which is called `path` in errors.
    pub(super) fn read<R: Read>(
        reader: TensorReader<R>,
        path: &Path,
        hasher: &dyn TensorHasher,
    ) -> Result<Result<Self, NotCompared>, LedgerError> {
        let count = reader.tensors().len();
        if count > MAX_TENSORS {
            return Ok(Err(NotCompared::because(format!(
                "{}: {count} tensors; at most {MAX_TENSORS} are compared",
                path.display()
            ))));
        }
        let (mut set, mut of) = (TensorSet::new(), BTreeMap::new());
        reader.stream(|tensor, bytes| {
            let info = tensor.info();
            let element = info.dtype.size() as usize;
            let (data, is_constant) = read_data(bytes, element, hasher)?;
            let added = leaf_of_root(&info, data).and_then(|hash| {
                of.insert(info.path.to_owned(), Leaf { hash, is_constant });
                set.insert_leaf(info.path, hash)
            });
            added.map_err(|error| LedgerError::Tensors {
                path: path.to_owned(),
                reason: error.to_string(),
            })
        })?;
        let root = set.root();
        Ok(Ok(Leaves { root, of }))
    }

    /// How many of these tensors are among `others`. `None` if none is that could not be
    /// equal by chance: tensors whose elements are all equal do not count.
    pub(super) fn taken_from(&self, others: &Leaves) -> Option<Start> {
        let (mut equal, mut of, mut own) = (0, 0, Vec::new());
        for (path, leaf) in &self.of {
            let counts = u64::from(!leaf.is_constant);
            of += counts;
            match others.of.get(path) {
                Some(other) if other.hash == leaf.hash => equal += counts,
                _ => own.push(path.clone()),
            }
        }
        (equal > 0).then_some(Start::Tensors {
            equal,
            of,
            others: own,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pow_core::hash::PlainSha2;
    use pow_core::tensor::DType;

    /// Path, dtype, dims and bytes.
    type Tensor<'a> = (&'a str, DType, &'a [u64], &'a [u8]);

    fn read(tensors: &[Tensor<'_>]) -> Result<Leaves, NotCompared> {
        let (mut fields, mut data) = (Vec::new(), Vec::new());
        for (path, dtype, dims, bytes) in tensors {
            let begin = data.len();
            data.extend_from_slice(bytes);
            fields.push(format!(
                r#""{path}":{{"dtype":"{}","shape":{dims:?},"data_offsets":[{begin},{}]}}"#,
                dtype.name(),
                data.len()
            ));
        }
        let header = format!("{{{}}}", fields.join(","));
        let len = (header.len() as u64).to_le_bytes();
        let file = [&len, header.as_bytes(), &data].concat();
        let path = Path::new("model.safetensors");
        let reader = TensorReader::new(&file[..], file.len() as u64, path).unwrap();
        Leaves::read(reader, path, &PlainSha2).unwrap()
    }

    #[test]
    fn a_file_of_very_many_tensors_is_not_compared() {
        let paths: Vec<String> = (0..=MAX_TENSORS).map(|n| format!("{n}")).collect();
        let all = paths
            .iter()
            .map(|path| (&path[..], DType::U8, &[0][..], &[][..]));
        let all: Vec<Tensor<'_>> = all.collect();
        assert_eq!(read(&all[1..]).unwrap().of.len(), MAX_TENSORS);
        let why = read(&all).unwrap_err().why;
        assert!(
            why.ends_with("65537 tensors; at most 65536 are compared"),
            "{why}"
        );
    }

    fn leaves(tensors: &[Tensor<'_>]) -> Leaves {
        read(tensors).unwrap()
    }

    #[test]
    fn tensors_that_every_model_could_have_do_not_count() {
        let zeros = [0; 5000];
        let mut almost = zeros;
        almost[4999] = 1;
        let constant = [
            ("empty", DType::F64, &[0, 7][..], &[][..]),
            ("ones", DType::F16, &[2], &[0, 0x3c, 0, 0x3c]),
            ("scalar", DType::I64, &[], &[1, 2, 3, 4, 5, 6, 7, 8]),
            ("zeros", DType::U8, &[5000], &zeros),
        ];
        assert_eq!(leaves(&constant).taken_from(&leaves(&constant)), None);
        let with = |last| leaves(&[&constant[..], &[last]].concat());
        let varied = with(("w", DType::U8, &[5000], &almost));
        let other = with(("w", DType::U8, &[2], &[1, 2]));
        let taken = |equal, of, others: &[&str]| {
            let others = others.iter().map(|path| (*path).into()).collect();
            Some(Start::Tensors { equal, of, others })
        };
        assert_eq!(varied.taken_from(&varied), taken(1, 1, &[]));
        assert_eq!(varied.taken_from(&other), None);
        let more = [
            ("v", DType::U8, &[2][..], &[1, 2][..]),
            ("w", DType::U8, &[5000], &almost),
            ("zeros", DType::U8, &[2], &[0, 0]),
        ];
        assert_eq!(
            leaves(&more).taken_from(&varied),
            taken(1, 2, &["v", "zeros"])
        );
    }
}
