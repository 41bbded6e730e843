//! The operations of SHA-256d of a header, specialised for a nonce search.
//!
//! A search hashes headers that differ only in the nonce, and needs only the
//! most significant word of the hash. [`Trace::search`] runs SHA-256d once,
//! with symbols instead of numbers. So it finds out for each operation when its
//! result is known: it is a constant, or it depends on the job but not on the
//! nonce (it is then *hoisted*: computed once for each job), or it must be
//! computed for every nonce. Operations whose result is not needed are dropped.
//! These include most of the last rounds. The others are written as
//! straight-line code: as WGSL for GPUs, and as Rust for vector units.
//!
//! The generated files are committed, and a test generates them again. See
//! `docs/search.md`.

mod compression;
mod emit;
mod graph;
mod sha256d;

pub use compression::{Compression, compressions_wgsl};
pub use graph::{Graph, KnownAt, NodeId, Operation};

/// The number of input words of a job: the midstate (8) and the header's words
/// 16 to 18.
pub const INPUTS: usize = 11;

/// The program that computes the most significant word of a header's hash from
/// a nonce.
#[derive(Clone, Debug)]
pub struct Trace {
    graph: Graph,
    /// The hash's last word, as SHA-256 writes it: big-endian.
    root: NodeId,
    /// Operations that depend on the nonce, operands first.
    per_nonce: Vec<NodeId>,
    /// Operations that do not depend on the nonce, operands first. They are
    /// computed once for each job.
    per_job: Vec<NodeId>,
    /// The operations of `per_job` that operations of `per_nonce` use.
    hoisted: Vec<NodeId>,
}

/// The number of operations: for each nonce, or in one compression.
///
/// ```
/// let counts = pow_kernels::trace::Trace::search().counts();
/// // Two whole compressions have 128.
/// assert_eq!(counts.choices, 120);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OperationCounts {
    /// Additions of two operands.
    pub additions: usize,
    /// Additions, if one instruction adds three operands.
    pub three_way_additions: usize,
    /// Functions of three rotations (Σ0, Σ1).
    pub big_sigmas: usize,
    /// Functions of two rotations and a shift (σ0, σ1).
    pub small_sigmas: usize,
    /// Ch.
    pub choices: usize,
    /// Maj.
    pub majorities: usize,
}

impl OperationCounts {
    /// Counts these operations.
    fn of(graph: &Graph, ids: impl Iterator<Item = NodeId>) -> Self {
        let mut counts = OperationCounts::default();
        for id in ids {
            match graph.operation(id) {
                Operation::Sum(terms) => {
                    counts.additions += terms.len() - 1;
                    counts.three_way_additions += terms.len() / 2;
                }
                Operation::BigSigma0(_) | Operation::BigSigma1(_) => counts.big_sigmas += 1,
                Operation::SmallSigma0(_) | Operation::SmallSigma1(_) => counts.small_sigmas += 1,
                Operation::Choice(..) => counts.choices += 1,
                Operation::Majority(..) => counts.majorities += 1,
                Operation::Constant(_) | Operation::Input(_) | Operation::Nonce => {}
            }
        }
        counts
    }

    /// All instructions of a machine that rotates, combines three words by logic,
    /// and adds three words in one instruction each.
    pub fn instructions(&self) -> usize {
        self.shifts() + self.three_way_logic() + self.three_way_additions
    }

    /// Rotations and shifts.
    pub fn shifts(&self) -> usize {
        3 * (self.big_sigmas + self.small_sigmas)
    }

    /// Logic operations, if one instruction takes three operands.
    pub fn three_way_logic(&self) -> usize {
        self.big_sigmas + self.small_sigmas + self.choices + self.majorities
    }
}

impl Trace {
    /// The number of hoisted values.
    pub fn hoisted_len(&self) -> usize {
        self.hoisted.len()
    }

    /// The operations for each nonce.
    pub fn counts(&self) -> OperationCounts {
        OperationCounts::of(&self.graph, self.per_nonce.iter().copied())
    }

    /// Keeps those operations of `graph` that `root` needs.
    fn new(graph: Graph, root: NodeId) -> Self {
        let mut needed = vec![false; graph.len()];
        let mut hoisted = Vec::new();
        let mut stack = vec![(root, KnownAt::Nonce)];
        while let Some((id, user)) = stack.pop() {
            let known_at = graph.known_at(id);
            if known_at == KnownAt::Job && user == KnownAt::Nonce {
                hoisted.push(id);
            }
            if !std::mem::replace(&mut needed[id.index()], true) {
                let operands = graph.operation(id).operands();
                stack.extend(operands.into_iter().map(|operand| (operand, known_at)));
            }
        }
        hoisted.sort();
        hoisted.dedup();
        let of = |known_at| {
            let is_known_then = |id: &NodeId| needed[id.index()] && graph.known_at(*id) == known_at;
            graph.ids().filter(is_known_then).collect::<Vec<_>>()
        };
        Trace {
            root,
            per_nonce: of(KnownAt::Nonce),
            per_job: of(KnownAt::Job),
            hoisted,
            graph,
        }
    }
}
