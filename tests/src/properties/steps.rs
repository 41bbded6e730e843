//! Chains put together from well-formed parts, mostly as the rules want them:
//! what the fuzzer changes is what the blocks say.

use super::chain_file::find_nonce;
use super::session::Session;
use arbitrary::{Arbitrary, Result, Unstructured};
use pow_core::block::{Block, Template};
use pow_core::body::{
    Body, BodyKind, CodeDigests, Common, Ending, Entry, Environment, Extension, Final, Genesis,
    InitialState, Mode, OrderRule, Schedule, StepNumber, UnixMillis,
};
use pow_core::coinbase::{ExtraNonce, Height};
use pow_core::difficulty::{Asert, Difficulty, Millis, Policy};
use pow_core::hash::{
    BatchDigest, BlockHash, BodyCommitment, FileDigest, ParameterRoot, RestRoot, TxRoot,
};
use pow_core::header::{HeaderTime, Version};
use pow_core::state::state_root;
use pow_core::target::{CompactTarget, MAX_TARGET};

/// The most blocks of one chain.
const BLOCKS: usize = 24;
const INITIAL: [ParameterRoot; 1] = [ParameterRoot([0; 32])];
const REST: RestRoot = RestRoot([0xee; 32]);

/// Choices, read off `data`, of what a recorder says and a forger changes.
pub fn steps(data: &[u8]) {
    let mut choices = Unstructured::new(data);
    let mut forger = Forger {
        session: Session::new(),
        start: UnixMillis(0),
        last: None,
        schedule: None,
    };
    for _ in 0..BLOCKS {
        if choices.is_empty() || forger.block(&mut choices).is_err() {
            break;
        }
    }
    forger.session.finish();
}

struct Forger {
    session: Session,
    start: UnixMillis,
    last: Option<Entry>,
    schedule: Option<Schedule>,
}

impl Forger {
    fn block(&mut self, choices: &mut Unstructured<'_>) -> Result<()> {
        let kind = self.kind(choices)?;
        let found = self.time(self.start, choices)?;
        let start = self.time(found, choices)?;
        let parent_found = match kind {
            BodyKind::Genesis(_) if choices.ratio(15, 16)? => start,
            _ => found,
        };
        let chain = self.session.verifier.chain();
        let height = chain.map_or(0, |chain| chain.height().get() + 1);
        let mut body = Body {
            common: Common {
                height: Height::new(height).unwrap(),
                start,
                parent_found,
                previous_blocks: self.session.verifier.previous_blocks(),
            },
            kind,
        };
        let edit = choices.arbitrary::<u8>()?;
        edit_body(edit, &mut body);
        let mut block = self.seal(&body);
        edit_block(edit, &mut block);
        find_nonce(&mut block.header);
        if edit == 13 {
            block.header.nonce.0 ^= 1;
        }
        let accepted = height;
        self.session.push(&block.to_bytes(), &body.to_bytes());
        let height = self
            .session
            .verifier
            .chain()
            .map(|chain| chain.height().get());
        if height == Some(accepted) {
            self.start = start;
            match body.kind {
                BodyKind::Genesis(genesis) => self.schedule = Some(genesis.schedule),
                BodyKind::Steps(entries) => self.last = entries.last().copied(),
                BodyKind::Final(_) => {}
            }
        }
        Ok(())
    }

    /// Mostly a little later; sometimes long ago, or at the end of time.
    fn time(&self, after: UnixMillis, choices: &mut Unstructured<'_>) -> Result<UnixMillis> {
        Ok(UnixMillis(match choices.int_in_range(0..=31)? {
            0 => after.0.wrapping_sub(1),
            1 => u64::MAX,
            2 => choices.arbitrary()?,
            3..=7 => after.0,
            _ => after.0.saturating_add(choices.arbitrary::<u16>()?.into()),
        }))
    }

    fn kind(&self, choices: &mut Unstructured<'_>) -> Result<BodyKind> {
        let first = self.session.verifier.chain().is_none();
        Ok(match choices.int_in_range(0..=31)? {
            0 => BodyKind::Genesis(Box::new(genesis(choices)?)),
            1..=3 => self.end(choices)?,
            _ if first => BodyKind::Genesis(Box::new(genesis(choices)?)),
            _ => self.entries(choices)?,
        })
    }

    fn entries(&self, choices: &mut Unstructured<'_>) -> Result<BodyKind> {
        let mut last = self.last;
        let count = choices.int_in_range(1..=3)?;
        let mut entries = Vec::new();
        for _ in 0..count {
            let entry = self.entry(last, choices)?;
            last = Some(entry);
            entries.push(entry);
        }
        Ok(BodyKind::Steps(entries))
    }

    fn entry(&self, last: Option<Entry>, choices: &mut Unstructured<'_>) -> Result<Entry> {
        let schedule = self.schedule;
        let every = schedule.map_or(1, |schedule| schedule.commit_every);
        let step = match (last, choices.int_in_range(0..=31)?) {
            (_, 0) => choices.arbitrary()?,
            (Some(last), 1..=4) => last.step.0.wrapping_add(choices.int_in_range(0..=4)?),
            (Some(last), 5..=7) => schedule.and_then(|s| s.planned).unwrap_or(last.step.0),
            (Some(last), _) => last.step.0.saturating_add(every),
            (None, 1) => 1,
            (None, _) => 0,
        };
        let due = schedule.is_some_and(|schedule| {
            let on_interval =
                schedule.checkpoint_every != 0 && step.is_multiple_of(schedule.checkpoint_every);
            step == 0 || on_interval || schedule.planned == Some(step)
        });
        let usual = choices.ratio(15, 16)?;
        Ok(Entry {
            step: StepNumber(step),
            parameters: if step == 0 && usual {
                INITIAL[0]
            } else {
                ParameterRoot([step as u8; 32])
            },
            batch: (choices.arbitrary::<bool>()? && (step > 0 || !usual))
                .then_some(BatchDigest([1; 32])),
            loss: choices.arbitrary()?,
            learning_rate: (choices.arbitrary::<bool>()? && (step > 0 || !usual)).then_some(0),
            rest: (due == choices.ratio(15, 16)?).then_some(REST),
        })
    }

    fn end(&self, choices: &mut Unstructured<'_>) -> Result<BodyKind> {
        let last = self.last;
        let edit = choices.int_in_range(0..=15)?;
        let step = last.map_or(0, |last| last.step.0);
        let state = last.and_then(|last| last.state_root());
        let artifact = last.map_or(INITIAL[0], |last| last.parameters);
        Ok(BodyKind::Final(Final {
            steps: StepNumber(if edit == 1 {
                step.wrapping_add(1)
            } else {
                step
            }),
            ending: *choices.choose(&[Ending::Completed, Ending::Stopped, Ending::Failed])?,
            state: if edit == 2 { None } else { state },
            artifact: if edit == 3 {
                ParameterRoot([0xaa; 32])
            } else {
                artifact
            },
        }))
    }

    /// The block that this body belongs in.
    fn seal(&self, body: &Body) -> Block {
        let chain = self.session.verifier.chain();
        let ends = matches!(body.kind, BodyKind::Final(_));
        let bits = match (chain, &body.kind) {
            (Some(chain), _) => chain.required(body.common.parent_found, ends).unwrap(),
            (None, BodyKind::Genesis(genesis)) => genesis.difficulty.of_genesis(),
            (None, _) => MAX_TARGET,
        };
        let template = Template {
            height: body.common.height,
            prev: chain.map_or(BlockHash::ZERO, |chain| chain.head_hash()),
            time: HeaderTime((body.common.start.0 / 1000) as u32),
            bits,
            commitment: body.commitment(),
        };
        template.block(ExtraNonce::default())
    }
}

fn genesis(choices: &mut Unstructured<'_>) -> Result<Genesis> {
    let commit_every = match choices.int_in_range(0..=7)? {
        0 => u64::arbitrary(choices)?.max(1),
        1 => u64::MAX,
        2 => 2,
        3 => 3,
        _ => 1,
    };
    let checkpoint_every = commit_every.saturating_mul(choices.int_in_range(0..=3)?);
    Ok(Genesis {
        name: choices.arbitrary::<&str>()?.chars().take(16).collect(),
        seed: choices.arbitrary()?,
        initial: InitialState {
            root: state_root(INITIAL[0], REST),
            regenerable: choices.arbitrary()?,
        },
        schedule: Schedule {
            planned: match choices.int_in_range(0..=3)? {
                0 => None,
                1 => choices.arbitrary()?,
                _ => Some(choices.int_in_range(0..=8)?),
            },
            commit_every,
            // Where it saturated, it may be no multiple.
            checkpoint_every: checkpoint_every - checkpoint_every % commit_every,
            keep_checkpoints: choices.arbitrary()?,
        },
        mode: *choices.choose(&[Mode::Pipelined, Mode::Pipelined, Mode::Gate])?,
        order: OrderRule::Foreign,
        dataset: None,
        config: FileDigest([0; 32]),
        code: CodeDigests::default(),
        environment: Environment::default(),
        difficulty: difficulty(choices)?,
        extensions: match choices.int_in_range(0..=3)? {
            0 => vec![Extension {
                kind: choices.arbitrary()?,
                data: choices.arbitrary::<&[u8]>()?.to_vec(),
            }],
            _ => Vec::new(),
        },
    })
}

fn difficulty(choices: &mut Unstructured<'_>) -> Result<Difficulty> {
    let mut bits = || -> Result<CompactTarget> {
        Ok(match choices.int_in_range(0..=15)? {
            0 => CompactTarget(choices.arbitrary()?),
            1..=3 => CompactTarget(0x203f_ffff),
            4 | 5 => CompactTarget(0x2007_ffff),
            _ => MAX_TARGET,
        })
    };
    let (reference, floor, final_bits) = (bits()?, bits()?, bits()?);
    let policy = if choices.arbitrary()? {
        Policy::Fixed(reference)
    } else {
        let mut time = || -> Result<Millis> {
            Ok(Millis(match choices.int_in_range(0..=7)? {
                0 => 0,
                1 => u64::MAX,
                _ => choices.arbitrary::<u16>()?.into(),
            }))
        };
        Policy::Asert(Asert {
            reference,
            spacing: time()?,
            half_life: time()?,
        })
    };
    Ok(Difficulty {
        policy,
        floor,
        final_bits,
    })
}

fn edit_body(edit: u8, body: &mut Body) {
    match edit {
        1 => body.common.previous_blocks.0[0] ^= 1,
        2 => body.common.height = Height::new(body.common.height.get() ^ 1).unwrap(),
        _ => {}
    }
}

fn edit_block(edit: u8, block: &mut Block) {
    let header = &mut block.header;
    match edit {
        3 => block.coinbase.commitment = BodyCommitment([0; 32]),
        4 => block.coinbase.height = Height::new(block.coinbase.height.get() ^ 1).unwrap(),
        // Miners roll these bits, and not those.
        5 => header.version = Version(0x3fff_e000),
        6 => header.version = Version(0x2000_0001),
        7 => header.prev.0[31] ^= 1,
        8 => header.tx_root = TxRoot([0; 32]),
        9 => header.time.0 = header.time.0.wrapping_add(7200),
        10 => header.time.0 = header.time.0.wrapping_add(7201),
        11 => header.time.0 = header.time.0.wrapping_sub(1),
        12 => header.bits = CompactTarget(0x203f_ffff),
        14 => block.coinbase.extranonce = ExtraNonce([0xff; 12]),
        _ => {}
    }
    if matches!(edit, 3 | 4 | 14) {
        block.header.tx_root = block.coinbase.txid();
    }
}
