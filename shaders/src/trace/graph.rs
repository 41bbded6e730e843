//! Operations on symbols. Operations on constants are computed at once.

use crate::sha256::{big_sigma_0, big_sigma_1, choice, majority, small_sigma_0, small_sigma_1};
use std::collections::HashMap;

/// The id of an operation in a [`Graph`]. Ids grow in the order of computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(usize);

impl NodeId {
    /// Its index in the graph.
    pub fn index(self) -> usize {
        self.0
    }
}

/// The operations of SHA-256 (FIPS 180-4, section 4.1.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A number.
    Constant(u32),
    /// A word that is the same for all nonces of a job.
    Input(usize),
    /// The header's word 19, which holds the nonce.
    Nonce,
    /// A sum modulo 2^32 of two or more terms.
    Sum(Vec<NodeId>),
    /// Σ0.
    BigSigma0(NodeId),
    /// Σ1.
    BigSigma1(NodeId),
    /// σ0.
    SmallSigma0(NodeId),
    /// σ1.
    SmallSigma1(NodeId),
    /// Ch: bits of the second operand where the first has ones, bits of the
    /// third where the first has zeros.
    Choice(NodeId, NodeId, NodeId),
    /// Maj: the bits that are set in at least two operands.
    Majority(NodeId, NodeId, NodeId),
}

impl Operation {
    /// The operations whose results it needs.
    pub fn operands(&self) -> Vec<NodeId> {
        match self {
            Operation::Constant(_) | Operation::Input(_) | Operation::Nonce => Vec::new(),
            Operation::Sum(terms) => terms.clone(),
            Operation::BigSigma0(x)
            | Operation::BigSigma1(x)
            | Operation::SmallSigma0(x)
            | Operation::SmallSigma1(x) => vec![*x],
            Operation::Choice(x, y, z) | Operation::Majority(x, y, z) => vec![*x, *y, *z],
        }
    }
}

/// When a result is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KnownAt {
    /// When the code is generated.
    Generation,
    /// Once per job.
    Job,
    /// Again for each nonce.
    Nonce,
}

/// Operations. Each is computed once, even if it is used several times.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<(Operation, KnownAt)>,
    ids: HashMap<Operation, NodeId>,
}

impl Graph {
    /// The number of operations.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are no operations.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// All operations. Operands come before the operations that use them.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.nodes.len()).map(NodeId)
    }

    /// The operation.
    pub fn operation(&self, id: NodeId) -> &Operation {
        &self.nodes[id.0].0
    }

    /// When its result is known.
    pub fn known_at(&self, id: NodeId) -> KnownAt {
        self.nodes[id.0].1
    }

    /// Adds an operation, or finds it. If all operands are constants, so is
    /// the result.
    pub fn add(&mut self, operation: Operation) -> NodeId {
        if let Some(id) = self.ids.get(&operation) {
            return *id;
        }
        let known_at = match &operation {
            Operation::Constant(_) => KnownAt::Generation,
            Operation::Input(_) => KnownAt::Job,
            Operation::Nonce => KnownAt::Nonce,
            other => {
                let operands = other.operands();
                let known_at = operands.iter().map(|operand| self.known_at(*operand));
                known_at.max().unwrap_or(KnownAt::Generation)
            }
        };
        if known_at == KnownAt::Generation && !matches!(operation, Operation::Constant(_)) {
            let value = evaluate(&operation, |id| match self.operation(id) {
                Operation::Constant(value) => *value,
                other => unreachable!("{other:?} is no constant"),
            });
            return self.constant(value);
        }
        let id = NodeId(self.nodes.len());
        self.nodes.push((operation.clone(), known_at));
        self.ids.insert(operation, id);
        id
    }

    /// A number.
    pub fn constant(&mut self, value: u32) -> NodeId {
        self.add(Operation::Constant(value))
    }

    /// A sum. Terms that are known earlier are added earlier. So a sum that is
    /// computed for each nonce has at most one term that is known before, and
    /// this term is the last.
    pub fn sum(&mut self, terms: &[NodeId]) -> NodeId {
        let mut constant = 0u32;
        let mut hoisted = Vec::new();
        let mut per_nonce = Vec::new();
        for term in terms {
            match (self.operation(*term), self.known_at(*term)) {
                (Operation::Constant(value), _) => constant = constant.wrapping_add(*value),
                (_, KnownAt::Nonce) => per_nonce.push(*term),
                _ => hoisted.push(*term),
            }
        }
        if constant != 0 || (hoisted.is_empty() && per_nonce.is_empty()) {
            hoisted.push(self.constant(constant));
        }
        if !hoisted.is_empty() {
            hoisted.sort();
            let known = self.sum_of(hoisted);
            per_nonce.push(known);
        }
        self.sum_of(per_nonce)
    }

    /// A sum of at least one term.
    fn sum_of(&mut self, terms: Vec<NodeId>) -> NodeId {
        match terms[..] {
            [only] => only,
            _ => self.add(Operation::Sum(terms)),
        }
    }
}

/// Computes one operation from its operands' values.
///
/// # Panics
///
/// If the operation is an input or the nonce, which have no operands.
pub fn evaluate(operation: &Operation, value: impl Fn(NodeId) -> u32) -> u32 {
    match operation {
        Operation::Constant(constant) => *constant,
        Operation::Input(_) | Operation::Nonce => panic!("{operation:?} has no operands"),
        Operation::Sum(terms) => terms
            .iter()
            .fold(0, |sum, term| sum.wrapping_add(value(*term))),
        Operation::BigSigma0(x) => big_sigma_0(value(*x)),
        Operation::BigSigma1(x) => big_sigma_1(value(*x)),
        Operation::SmallSigma0(x) => small_sigma_0(value(*x)),
        Operation::SmallSigma1(x) => small_sigma_1(value(*x)),
        Operation::Choice(x, y, z) => choice(value(*x), value(*y), value(*z)),
        Operation::Majority(x, y, z) => majority(value(*x), value(*y), value(*z)),
    }
}
