//! Edited blocks, with links, commitments and work updated.

use super::tampered_run::{ChainBlock, TamperedRun};
use anyhow::{Context, bail};
use fastrand::Rng;
use pow_core::block::Template;
use pow_core::body::{Body, BodyKind, Entry, Final};
use pow_core::chain::block_leaf;
use pow_core::coinbase::ExtraNonce;
use pow_core::hash::BlockHash;
use pow_core::header::HeaderTime;
use pow_core::merkle::Frontier;
use pow_core::search::CancelToken;
use pow_ledger::{ChainWriter, Durability};
use std::fs;
use std::ops::Range;

/// How much of an edited block a forger updates.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// The links and commitments.
    Commitments,
    /// The work too.
    Work,
}

/// The bodies of the honest chain, to be edited.
pub(super) fn bodies(run: &TamperedRun) -> Vec<Body> {
    let body = |block: &ChainBlock| block.body.clone();
    run.blocks().iter().map(body).collect()
}

/// A chain file of these bodies, with correct checksums.
///
/// The blocks in `again` are made anew, each on top of the block before it. The
/// others are the blocks of the honest chain, even if their bodies were edited.
pub(super) fn chain(
    run: &mut TamperedRun,
    mut bodies: Vec<Body>,
    again: Range<usize>,
    effort: Effort,
) -> anyhow::Result<Vec<u8>> {
    let forged = run.workshop().join("forged.pow");
    let mut writer = ChainWriter::create(&forged, Durability::Grouped)?;
    // The run's difficulty is fixed.
    let bits = honest(run, 0)?.block.header.bits;
    let mut previous = Frontier::new();
    let mut prev = BlockHash::ZERO;
    for (at, body) in bodies.iter_mut().enumerate() {
        let block = if again.contains(&at) {
            body.common.previous_blocks = previous.root();
            let template = Template {
                height: body.common.height,
                prev,
                time: HeaderTime(u32::try_from(body.common.start.0 / 1000)?),
                bits,
                commitment: body.commitment(),
            };
            match effort {
                Effort::Commitments => template.block(ExtraNonce::default()),
                Effort::Work => *run.miner.mine(&template, &CancelToken::new())?.block(),
            }
        } else {
            honest(run, at)?.block
        };
        writer.append(&block.to_bytes(), &body.to_bytes())?;
        prev = block.header.hash();
        previous.push(block_leaf(prev));
    }
    drop(writer);
    let bytes = fs::read(&forged)?;
    fs::remove_file(&forged)?;
    Ok(bytes)
}

/// Changes a bit of an entry after the first. Returns the number of its block, and
/// what was changed.
pub(super) fn edit(bodies: &mut [Body], rng: &mut Rng) -> anyhow::Result<(usize, String)> {
    // The first two blocks are genesis and step 0; the last is the end.
    let at = rng.usize(2..bodies.len() - 1);
    let entry = entry(bodies, at, rng)?;
    let bit = rng.u32(0..64);
    let field = match rng.u32(0..4) {
        0 => {
            entry.parameters.0[bit as usize / 8] ^= 1 << (bit % 8);
            "parameter root"
        }
        1 => {
            let batch = entry.batch.as_mut().context("an entry without a batch")?;
            batch.0[bit as usize / 8] ^= 1 << (bit % 8);
            "batch digest"
        }
        2 => {
            let loss = entry.loss.as_mut().context("an entry without a loss")?;
            *loss ^= 1 << bit;
            "loss"
        }
        _ => {
            let rate = entry.learning_rate.as_mut();
            *rate.context("an entry without a learning rate")? ^= 1 << bit;
            "learning rate"
        }
    };
    let step = entry.step;
    Ok((at, format!("{field} of step {step}, in block {at}")))
}

/// Makes the final block repeat the last entry.
pub(super) fn settle_end(bodies: &mut [Body]) -> anyhow::Result<()> {
    let mut last = None;
    for body in bodies {
        match &mut body.kind {
            BodyKind::Genesis(_) => {}
            BodyKind::Steps(entries) => last = entries.last().copied(),
            BodyKind::Final(end) => {
                let last = last.context("the chain has a final block but no entry")?;
                *end = Final {
                    steps: last.step,
                    ending: end.ending,
                    state: last.state_root(),
                    artifact: last.parameters,
                };
            }
        }
    }
    Ok(())
}

fn honest(run: &TamperedRun, at: usize) -> anyhow::Result<&ChainBlock> {
    run.blocks().get(at).context("the chain has too few blocks")
}

fn entry<'a>(bodies: &'a mut [Body], at: usize, rng: &mut Rng) -> anyhow::Result<&'a mut Entry> {
    match bodies.get_mut(at).map(|body| &mut body.kind) {
        Some(BodyKind::Steps(entries)) => {
            let which = rng.usize(0..entries.len());
            Ok(&mut entries[which])
        }
        _ => bail!("block {at} holds no entries"),
    }
}
