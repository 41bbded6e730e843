//! Records a run as a training program would. The clock is a function of the
//! height, so the same plan always gives the same bytes.

mod genesis;

pub use genesis::{CONFIG, bare_genesis, bits};

use crate::chain_file::ChainFile;
use crate::model::{SHAPES, Shapes, borrowed, moments, parameters, root};
use pow_core::block::{Block, Template};
use pow_core::body::{
    Body, BodyKind, Common, Ending, Entry, Final, Genesis, StepNumber, UnixMillis,
};
use pow_core::chain::ChainVerifier;
use pow_core::coinbase::{ExtraNonce, Height};
use pow_core::hash::{BatchDigest, BlockHash};
use pow_core::header::{Header, HeaderTime, Nonce};
use pow_core::order::SeededSchedule;
use pow_core::search::{CancelToken, Engine, HitLimit, Job, NonceRange, Reference};
use pow_core::state::RestOfState;
use pow_core::target::{CompactTarget, MAX_TARGET};
use pow_ledger::{ChainWriter, Checkpoint, Durability, RunDir, RunWriter};
use std::path::Path;
use tempfile::TempDir;

/// When the first block's mining began.
pub const BEGAN: UnixMillis = UnixMillis(1_700_000_000_123);

/// What to record.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Name of the run.
    pub name: String,
    /// Its seed; the weights follow from it.
    pub seed: u64,
    /// Steps planned.
    pub planned: Option<u64>,
    /// Steps from one checkpoint to the next; 0 for none.
    pub checkpoint_every: u64,
    /// Zero bits of every block but the last.
    pub zero_bits: u32,
    /// Zero bits of the last block.
    pub final_zero_bits: u32,
    /// The model's tensors.
    pub shapes: Shapes,
}

impl Default for Plan {
    /// Six steps with a checkpoint at every third. The last block is the
    /// hardest, so that no change to its header meets the target by luck.
    fn default() -> Self {
        Plan {
            name: "fixture".into(),
            seed: 7,
            planned: Some(6),
            checkpoint_every: 3,
            zero_bits: 8,
            final_zero_bits: 16,
            shapes: SHAPES,
        }
    }
}

/// A run in a temporary directory, which is removed when this is dropped.
#[derive(Debug)]
pub struct Fixture {
    /// The run.
    pub run: RunDir,
    /// Hash of its genesis block.
    pub genesis: BlockHash,
    _dir: TempDir,
}

impl Default for Fixture {
    /// The run of the usual plan.
    fn default() -> Self {
        Self::record(&Plan::default())
    }
}

impl Fixture {
    /// Records genesis, five blocks of one or two entries, and the final
    /// block.
    pub fn record(plan: &Plan) -> Self {
        let blocks = [&[0][..], &[1, 2], &[3], &[4, 5], &[6]];
        Self::record_with(plan, |_| {}, |recorder| recorder.finish_after(blocks))
    }

    /// Records genesis, changed by `edit`, and what `record` adds.
    pub fn record_with(
        plan: &Plan,
        edit: impl FnOnce(&mut Genesis),
        record: impl FnOnce(&mut Recorder),
    ) -> Self {
        let dir = TempDir::new().unwrap();
        let mut recorder = Recorder::begin_with(&dir.path().join("run"), plan, edit);
        record(&mut recorder);
        Fixture {
            run: recorder.files.dir().clone(),
            genesis: recorder.genesis_hash(),
            _dir: dir,
        }
    }

    /// A run of other weights that differs in nothing else.
    pub fn other() -> Self {
        Self::record(&Plan {
            seed: 8,
            ..Plan::default()
        })
    }

    /// Its chain file, taken apart.
    pub fn file(&self) -> ChainFile {
        ChainFile::read(&self.run.chain())
    }

    /// Replaces its chain file.
    pub fn write(&self, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.run.chain(), bytes).unwrap();
    }
}

/// Records a run block by block.
pub struct Recorder {
    files: RunWriter,
    chain: ChainWriter,
    verifier: ChainVerifier,
    plan: Plan,
    schedule: SeededSchedule,
    last: Option<Entry>,
}

impl Recorder {
    /// Creates the run directory and seals genesis.
    pub fn begin(path: &Path, plan: &Plan) -> Self {
        Self::begin_with(path, plan, |_| {})
    }

    /// As [`begin`](Self::begin), with genesis changed by `edit`. The batches
    /// of the entries are still those of the plan.
    pub fn begin_with(path: &Path, plan: &Plan, edit: impl FnOnce(&mut Genesis)) -> Self {
        let (files, chain) = RunDir::new(path)
            .create(CONFIG, Durability::Grouped)
            .unwrap();
        let mut genesis = genesis::genesis(plan);
        let schedule = genesis.seeded_schedule().unwrap();
        edit(&mut genesis);
        let mut recorder = Recorder {
            files,
            chain,
            verifier: ChainVerifier::new(None),
            plan: plan.clone(),
            schedule,
            last: None,
        };
        recorder.seal(BodyKind::Genesis(Box::new(genesis))).unwrap();
        recorder
    }

    /// Hash of the genesis block.
    pub fn genesis_hash(&self) -> BlockHash {
        self.verifier.chain().unwrap().genesis_hash()
    }

    /// The run directory.
    pub fn run(&self) -> &RunDir {
        self.files.dir()
    }

    /// Blocks sealed so far.
    pub fn blocks(&self) -> u64 {
        u64::from(self.verifier.chain().unwrap().height().get()) + 1
    }

    /// Writes the checkpoints of these steps that are due, and seals the steps
    /// in one block.
    pub fn steps(&mut self, steps: &[u64]) {
        self.try_steps(steps).unwrap();
    }

    /// Seals these blocks of steps, and ends the run.
    pub fn finish_after<'a>(&mut self, blocks: impl IntoIterator<Item = &'a [u64]>) {
        for steps in blocks {
            self.steps(steps);
        }
        self.finish();
    }

    /// As [`steps`](Self::steps), where appending may fail.
    ///
    /// # Errors
    ///
    /// What [`ChainWriter::append`] answers.
    pub fn try_steps(&mut self, steps: &[u64]) -> Result<(), pow_ledger::LedgerError> {
        let entries = steps.iter().map(|step| self.entry(*step)).collect();
        self.seal(BodyKind::Steps(entries))
    }

    /// Seals a step with a batch digest that is made up.
    pub fn forged_step(&mut self, step: u64) {
        let entry = Entry {
            step: StepNumber(step),
            parameters: root(&parameters(self.plan.shapes, self.plan.seed, step)),
            batch: Some(BatchDigest([0xbb; 32])),
            loss: None,
            learning_rate: None,
            rest: None,
        };
        self.last = Some(entry);
        self.seal(BodyKind::Steps(vec![entry])).unwrap();
    }

    /// Seals the last entry's model and state again, as the steps that follow.
    pub fn repeat(&mut self, count: u32) {
        let last = self.last.unwrap();
        let entries = (1..=u64::from(count)).map(|after| Entry {
            step: StepNumber(last.step.0 + after),
            ..last
        });
        self.seal(BodyKind::Steps(entries.collect())).unwrap();
    }

    /// Writes the artifact and seals the final block.
    pub fn finish(&mut self) {
        let last = self.last.unwrap();
        let model = parameters(self.plan.shapes, self.plan.seed, last.step.0);
        self.files.artifact(&borrowed(&model)).unwrap();
        let end = Final {
            steps: last.step,
            ending: Ending::Completed,
            state: last.state_root(),
            artifact: last.parameters,
        };
        self.seal(BodyKind::Final(end)).unwrap();
    }

    fn entry(&mut self, step: u64) -> Entry {
        let model = parameters(self.plan.shapes, self.plan.seed, step);
        let every = self.plan.checkpoint_every;
        let due = step == 0
            || self.plan.planned == Some(step)
            || (every != 0 && step.is_multiple_of(every));
        let rest = due.then(|| self.checkpoint(step));
        let since = self.last.map_or(step, |last| last.step.0);
        let entry = Entry {
            step: StepNumber(step),
            parameters: root(&model),
            batch: self.schedule.digest(since..step),
            // Every other step has a loss, as a caller may give none.
            loss: (step % 2 == 1).then(|| (1.0 / step as f64).to_bits()),
            learning_rate: (step > 0).then(|| 0.5f64.to_bits()),
            rest: rest.map(|rest| rest.root()),
        };
        self.last = Some(entry);
        entry
    }

    fn checkpoint(&self, step: u64) -> RestOfState {
        let model = parameters(self.plan.shapes, self.plan.seed, step);
        let optimizer = moments(self.plan.shapes, self.plan.seed, step);
        let rest = RestOfState {
            optimizer: root(&optimizer),
            scheduler_steps: step,
            seed_position: step,
            cursor: step,
        };
        self.files
            .checkpoint(&Checkpoint {
                step: StepNumber(step),
                parameters: root(&model),
                rest,
                model: &borrowed(&model),
                optimizer: &borrowed(&optimizer),
            })
            .unwrap();
        rest
    }

    fn bits(&self, parent_found: UnixMillis, is_final: bool) -> CompactTarget {
        match self.verifier.chain() {
            Some(chain) => chain.required(parent_found, is_final).unwrap(),
            None => genesis::difficulty(&self.plan).of_genesis(),
        }
    }

    /// Mines a block and appends it. Checks it as a stranger would.
    fn seal(&mut self, kind: BodyKind) -> Result<(), pow_ledger::LedgerError> {
        let (height, prev) = match self.verifier.chain() {
            Some(chain) => (chain.height().next().unwrap(), chain.head_hash()),
            None => (Height::GENESIS, BlockHash::ZERO),
        };
        // A block a second, each found after 400 ms.
        let start = UnixMillis(BEGAN.0 + 1000 * u64::from(height.get()));
        let parent_found = match height {
            Height::GENESIS => start,
            _ => UnixMillis(start.0 - 600),
        };
        let is_final = matches!(kind, BodyKind::Final(_));
        let body = Body {
            common: Common {
                height,
                start,
                parent_found,
                previous_blocks: self.verifier.previous_blocks(),
            },
            kind,
        };
        let template = Template {
            height,
            prev,
            time: HeaderTime((start.0 / 1000) as u32),
            bits: self.bits(parent_found, is_final),
            commitment: body.commitment(),
        };
        let (block, body) = (mine(&template).to_bytes(), body.to_bytes());
        self.chain.append(&block, &body)?;
        self.verifier.push(&block, &body).unwrap();
        Ok(())
    }
}

/// Seals a template with the reference engine.
pub fn mine(template: &Template) -> Block {
    let mut block = template.block(ExtraNonce::default());
    block.header.nonce = nonce(block.header, true);
    block
}

/// The first nonce with which a header meets its target, or misses it.
///
/// A malformed target counts as the easiest one: a verifier refuses it before it
/// looks at the work.
///
/// # Panics
///
/// If there is no such nonce. Up to some 24 zero bits there is always one.
pub fn nonce(header: Header, meets: bool) -> Nonce {
    let target = header.bits.decode().or(MAX_TARGET.decode()).unwrap();
    let job = Job::new(header, target, NonceRange::FULL);
    if meets {
        let found = Reference.search(&job, HitLimit::First, &CancelToken::new());
        found.unwrap().hits[0].nonce()
    } else {
        let mut all = (0..).map(Nonce);
        all.find(|nonce| job.check(*nonce).is_none()).unwrap()
    }
}
