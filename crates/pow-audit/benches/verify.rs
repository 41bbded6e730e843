//! How fast headers and whole blocks are verified, beside rust-bitcoin:
//! `cargo bench -p pow-audit`.
//!
//! All contenders take turns, round after round, so that a busy machine slows
//! all of them. Printed are the median rate, the median over the rounds of the
//! ratio to rust-bitcoin, and the greatest rate, of the least disturbed round. Pin it to one core with `taskset` for the
//! single-threaded lines.
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run has to stop"
)]

use bitcoin::block::Header as Peer;
use bitcoin::consensus::deserialize;
use bitcoin::hashes::Hash;
use pow_audit::headers::extend_headers;
use pow_audit::source::{OpenFile, RunSource};
use pow_audit::walk::walk_with;
use pow_core::chain::headers::{CheckedHeaders, HeaderHasher};
use pow_core::chain::{ChainVerifier, PreparedBlocks};
use pow_core::hash::{BlockHash, PlainSha2, StateRoot};
use pow_core::header::HEADER_LEN;
use pow_cpu::Lanes;
use pow_ledger::{LedgerError, RunFile};
use pow_tests::chain_file::{ChainFile, Record};
use pow_tests::stream::{BlockAndBody, Stream};
use std::collections::BTreeSet;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Instant;

const BLOCKS: usize = 100_000;
const ROUNDS: usize = 15;

type Headers = Vec<[u8; HEADER_LEN]>;

fn main() {
    let blocks: Vec<BlockAndBody> = Stream::default().take(BLOCKS).collect();
    let headers: Headers = blocks
        .iter()
        .map(|(block, _)| *block.first_chunk().unwrap())
        .collect();
    let file = InMemory(chain_file(&blocks));
    let threads = available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let lanes = Lanes::fastest();
    let contenders: [(String, &dyn Fn() -> BlockHash); 9] = [
        ("rust-bitcoin: links, validate_pow".into(), &|| {
            peer(&headers)
        }),
        ("rust-bitcoin: the same and work".into(), &|| {
            peer_with_work(&headers)
        }),
        ("headers, links and work".into(), &|| {
            on_one_core(&headers, &PlainSha2)
        }),
        (format!("the same with {}", lanes.kernel()), &|| {
            on_one_core(&headers, &lanes)
        }),
        (format!("headers on {threads} threads"), &|| {
            on_threads(&headers, &PlainSha2, threads)
        }),
        (format!("the same with {}", lanes.kernel()), &|| {
            on_threads(&headers, &lanes, threads)
        }),
        ("whole blocks: headers, bodies, ASERT".into(), &|| {
            whole_blocks(&blocks)
        }),
        (format!("the same in batches, {}", lanes.kernel()), &|| {
            in_batches(&blocks, &lanes)
        }),
        (format!("a chain file on {threads} threads"), &|| {
            from_file(&file, &lanes)
        }),
    ];
    let expected = contenders[0].1();
    let mut seconds: [Vec<f64>; 9] = Default::default();
    for _ in 0..ROUNDS {
        for ((name, run), seconds) in contenders.iter().zip(&mut seconds) {
            let now = Instant::now();
            assert_eq!(black_box(run()), expected, "{name}");
            seconds.push(now.elapsed().as_secs_f64());
        }
    }
    println!("{BLOCKS} headers, {ROUNDS} rounds, medians");
    for ((name, _), own) in contenders.iter().zip(&seconds) {
        let rate = BLOCKS as f64 / median(own.clone());
        let ratios = seconds[0].iter().zip(own).map(|(peer, own)| peer / own);
        let ratio = median(ratios.collect());
        let best = BLOCKS as f64 / own.iter().copied().fold(f64::INFINITY, f64::min);
        println!(
            "{name:40} {:>6.3} M/s  {ratio:>5.2} ×  {:>6.3} M/s at best",
            rate / 1e6,
            best / 1e6
        );
    }
}

/// What a program with rust-bitcoin would do: one hash a header, which
/// `validate_pow` gives back.
fn peer(headers: &Headers) -> BlockHash {
    let mut prev = bitcoin::BlockHash::all_zeros();
    for header in headers {
        let header: Peer = deserialize(header).unwrap();
        assert_eq!(header.prev_blockhash, prev);
        prev = header.validate_pow(header.target()).unwrap();
    }
    BlockHash(prev.to_byte_array())
}

fn peer_with_work(headers: &Headers) -> BlockHash {
    let mut prev = bitcoin::BlockHash::all_zeros();
    let mut work = None;
    for header in headers {
        let header: Peer = deserialize(header).unwrap();
        assert_eq!(header.prev_blockhash, prev);
        prev = header.validate_pow(header.target()).unwrap();
        work = Some(work.map_or(header.work(), |work| work + header.work()));
    }
    black_box(work);
    BlockHash(prev.to_byte_array())
}

fn on_one_core(headers: &Headers, hasher: &impl HeaderHasher) -> BlockHash {
    let mut checked = CheckedHeaders::after(BlockHash::ZERO);
    checked.extend(headers, hasher).unwrap();
    checked.head()
}

fn on_threads(
    headers: &Headers,
    hasher: &(impl HeaderHasher + Sync),
    threads: NonZeroUsize,
) -> BlockHash {
    let mut checked = CheckedHeaders::after(BlockHash::ZERO);
    extend_headers(&mut checked, headers, hasher, threads).unwrap();
    checked.head()
}

fn whole_blocks(blocks: &[BlockAndBody]) -> BlockHash {
    let mut verifier = ChainVerifier::new(None);
    for (block, body) in blocks {
        verifier.push(block, body).unwrap();
    }
    verifier.chain().unwrap().head_hash()
}

fn in_batches(blocks: &[BlockAndBody], lanes: &Lanes) -> BlockHash {
    let mut verifier = ChainVerifier::new(None);
    for blocks in blocks.chunks(256) {
        let bytes = blocks.iter().map(|(block, body)| (&block[..], &body[..]));
        let blocks = PreparedBlocks::new(&bytes.collect::<Vec<_>>(), lanes);
        verifier.push_all(blocks, lanes, &mut |_, _| {}).unwrap();
    }
    verifier.chain().unwrap().head_hash()
}

/// What `pow verify` does with a chain.
fn from_file(file: &InMemory, lanes: &Lanes) -> BlockHash {
    let end = walk_with(file, None, lanes, &mut |_, _| {}).unwrap();
    end.chain.unwrap().head_hash()
}

/// A chain file.
struct InMemory(Vec<u8>);

fn chain_file(blocks: &[BlockAndBody]) -> Vec<u8> {
    let records = blocks.iter().cloned();
    let records = records
        .map(|(block, body)| Record { block, body })
        .collect();
    let header = b"POWCHAIN\x01\0\0\0\0\0\0\0".to_vec();
    ChainFile { header, records }.to_bytes()
}

impl RunSource for InMemory {
    fn name(&self) -> String {
        String::from("in memory")
    }

    fn open(&self, _: RunFile) -> Result<OpenFile<'_>, LedgerError> {
        Ok(OpenFile {
            bytes: Box::new(&self.0[..]),
            len: Some(self.0.len() as u64),
        })
    }

    fn checkpoints(&self) -> Result<Option<BTreeSet<StateRoot>>, LedgerError> {
        Ok(None)
    }

    fn path(&self, file: RunFile) -> PathBuf {
        file.path()
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
