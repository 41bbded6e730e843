//! SHA-256d of an 80-byte header, on symbols.

use super::graph::{Graph, NodeId, Operation};
use super::{INPUTS, Trace};
use crate::sha256::{INITIAL, ROUND_CONSTANTS};

/// The number of rounds of the second compression that the hash's last word
/// needs. In the three rounds after them, `e` only moves to `h`.
const ROUNDS_TO_THE_LAST_WORD: usize = 61;

impl Trace {
    /// Traces the search of a header's nonces.
    ///
    /// The inputs are, in this order: the eight words of the SHA-256 state
    /// after the header's first 64 bytes, and the header's words 16, 17 and 18
    /// (bytes 64 to 75), read as big-endian.
    pub fn search() -> Self {
        let mut graph = Graph::default();
        let inputs: [NodeId; INPUTS] = std::array::from_fn(|i| graph.add(Operation::Input(i)));
        let nonce = graph.add(Operation::Nonce);
        let [midstate @ .., _, _, _] = inputs;
        let tail = &inputs[midstate.len()..];

        // The header's last 16 bytes, a one bit, and 640 bits of length.
        let block = padded(&mut graph, &[tail, &[nonce]].concat(), 640);
        let state = rounds(&mut graph, midstate, block, 64);
        let inner: Vec<NodeId> = (midstate.iter().zip(state))
            .map(|(before, after)| graph.sum(&[*before, after]))
            .collect();

        // The 32 bytes of the inner hash, a one bit, and 256 bits of length.
        let block = padded(&mut graph, &inner, 256);
        let initial = INITIAL.map(|word| graph.constant(word));
        let state = rounds(&mut graph, initial, block, ROUNDS_TO_THE_LAST_WORD);
        let root = graph.sum(&[initial[7], state[4]]);
        Trace::new(graph, root)
    }
}

/// A message's last block.
pub(super) fn padded(graph: &mut Graph, words: &[NodeId], bits: u32) -> Vec<NodeId> {
    let mut block = words.to_vec();
    block.push(graph.constant(0x8000_0000));
    block.resize(15, graph.constant(0));
    block.push(graph.constant(bits));
    block
}

/// The first rounds of a compression (6.2.2). Each schedule word is computed
/// just before the round that needs it, so few values are alive at the same
/// time.
pub(super) fn rounds(
    graph: &mut Graph,
    mut state: [NodeId; 8],
    mut words: Vec<NodeId>,
    rounds: usize,
) -> [NodeId; 8] {
    for (round, constant) in ROUND_CONSTANTS.into_iter().enumerate().take(rounds) {
        if round >= words.len() {
            let word = next_word(graph, &words);
            words.push(word);
        }
        let constant = graph.constant(constant);
        state = one_round(graph, state, words[round], constant);
    }
    state
}

fn next_word(graph: &mut Graph, words: &[NodeId]) -> NodeId {
    let t = words.len();
    let sigma_1 = graph.add(Operation::SmallSigma1(words[t - 2]));
    let sigma_0 = graph.add(Operation::SmallSigma0(words[t - 15]));
    graph.sum(&[sigma_1, words[t - 7], sigma_0, words[t - 16]])
}

fn one_round(graph: &mut Graph, state: [NodeId; 8], word: NodeId, constant: NodeId) -> [NodeId; 8] {
    let [a, b, c, d, e, f, g, h] = state;
    let input = graph.sum(&[h, word, constant]);
    let sigma_1 = graph.add(Operation::BigSigma1(e));
    let choice = graph.add(Operation::Choice(e, f, g));
    let t1 = graph.sum(&[input, sigma_1, choice]);
    let next_e = graph.sum(&[d, t1]);
    let sigma_0 = graph.add(Operation::BigSigma0(a));
    let majority = graph.add(Operation::Majority(a, b, c));
    let next_a = graph.sum(&[t1, sigma_0, majority]);
    [next_a, a, b, c, next_e, e, f, g]
}
