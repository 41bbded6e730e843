//! Runs with disks and engines that fail.

use super::*;
use crate::config::PowConfig;
use crate::resume::directory::OpenRun;
use burn::nn::{Linear, LinearConfig};
use burn::optim::SgdConfig;
use burn::tensor::{Device, Tensor};
use pow_audit::{AuditOptions, Level, Verdict, audit};
use pow_core::body::{Ending, Mode};
use pow_core::search::{CancelToken, Engine, EngineError, Found, HitLimit, Job, Reference};
use pow_ledger::{Disk, Durability, LedgerError};
use pow_mine::{Coordinator, CpuShare, EngineChoice, Selected, select};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

fn place() -> (tempfile::TempDir, PowConfig) {
    let place = tempfile::tempdir().unwrap();
    let config = PowConfig::new(place.path().join("run"));
    (place, config.engine(EngineChoice::Cpu).zero_bits(4))
}

fn cpu() -> Selected {
    select(EngineChoice::Cpu, CpuShare::default()).unwrap()
}

fn selected(engine: impl Engine + 'static) -> Selected {
    Selected {
        engine: Box::new(engine),
        note: String::new(),
    }
}

/// A new run whose chain is written through `between`.
fn opened(mut config: PowConfig, between: impl FnOnce(Box<dyn Disk>) -> Box<dyn Disk>) -> PowRun {
    let dir = RunDir::new(config.dir());
    let mut opened = OpenRun::create(&dir, &mut config).unwrap();
    opened.chain = opened.chain.through(between);
    PowRun::begin(config, dir, opened, cpu()).unwrap()
}

/// Finishes a run that gets its final block.
fn sealed(run: PowRun, model: &Linear) -> RunSummary {
    match run.finish(model, Ending::Stopped).unwrap() {
        Finished::Sealed(summary) => summary,
        other => panic!("{other:?}"),
    }
}

/// Takes `steps` steps, or fewer if one fails. Returns the last model and the number of
/// steps taken.
fn train(run: &PowRun, steps: u64) -> (Linear, Result<u64, (u64, PowError)>) {
    let device = Device::flex().autodiff();
    let started = run.start(
        LinearConfig::new(2, 1).init(&device),
        SgdConfig::new().init(),
    );
    let started = started.map_err(|error| error.to_string()).unwrap();
    let (mut model, mut optimizer) = (started.model, started.optimizer);
    for step in 0..steps {
        let input = Tensor::<2>::ones([1, 2], &device);
        let grads = model.forward(input).sum().backward();
        let grads = GradientsParams::from_grads(grads, &model);
        match run.step(model.clone(), &mut optimizer, 0.1, grads, None) {
            Ok(next) => model = next,
            Err(error) => return (model, Err((step, error))),
        }
    }
    (model, Ok(steps))
}

/// Forwards all calls, until a sync fails.
#[derive(Debug)]
struct FailsToSync {
    disk: Box<dyn Disk>,
    syncs_left: usize,
    seen: Arc<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    appended: AtomicUsize,
    failed: AtomicUsize,
    asked_after_that: AtomicUsize,
}

impl FailsToSync {
    fn count(&self) {
        if self.seen.failed.load(Ordering::SeqCst) > 0 {
            self.seen.asked_after_that.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Disk for FailsToSync {
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.count();
        self.seen.appended.fetch_add(1, Ordering::SeqCst);
        self.disk.append(bytes)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.count();
        match self.syncs_left.checked_sub(1) {
            Some(left) => {
                self.syncs_left = left;
                self.disk.sync()
            }
            None => {
                self.seen.failed.fetch_add(1, Ordering::SeqCst);
                Err(std::io::Error::other("the disk is broken"))
            }
        }
    }
}

#[test]
fn a_sync_that_fails_ends_the_training_and_the_chain() {
    for durability in [Durability::EveryBlock, Durability::Grouped] {
        for mode in [Mode::Gate, Mode::Pipelined] {
            let (_place, config) = place();
            let config = config.durability(durability).mode(mode).checkpoint_every(0);
            let seen = Arc::new(Seen::default());
            let syncs_left = match durability {
                Durability::EveryBlock => 3,
                // The first sync is after many blocks.
                Durability::Grouped => 0,
            };
            let disk_seen = seen.clone();
            let run = opened(config, |disk| {
                Box::new(FailsToSync {
                    disk,
                    syncs_left,
                    seen: disk_seen,
                })
            });
            let dir = run.dir().clone();
            let case = format!("{durability:?}, {mode:?}");

            // Many more steps than will be taken.
            let (model, trained) = train(&run, 100_000);
            let (steps, error) = trained.unwrap_err();
            let says_so = |error: &PowError| {
                matches!(error, PowError::Ledger(error) if matches!(&**error,
                    LedgerError::Io { path, source } if *path == dir.chain()
                        && source.to_string() == "the disk is broken"))
            };
            assert!(says_so(&error), "{case}: {error}");
            let appended = seen.appended.load(Ordering::SeqCst);
            let length = std::fs::metadata(dir.chain()).unwrap().len();

            // The end cannot be recorded either, and nothing was retried.
            let ended = run.finish(&model, Ending::Stopped).unwrap_err();
            assert!(says_so(&ended), "{case}: {ended}");
            assert_eq!(seen.failed.load(Ordering::SeqCst), 1, "{case}");
            assert_eq!(seen.asked_after_that.load(Ordering::SeqCst), 0, "{case}");
            assert_eq!(std::fs::metadata(dir.chain()).unwrap().len(), length);
            assert!(!dir.artifact().exists(), "{case}");

            let report = audit(&dir, &AuditOptions::default(), &mut |_| {}).unwrap();
            let holds = |level| {
                let line = report.levels.iter().find(|line| line.level == level);
                line.unwrap().verdict == Verdict::Holds
            };
            assert!(holds(Level::Chain) && !holds(Level::Finished), "{report}");
            let blocks = report.chain.unwrap().height as usize + 1;
            assert_eq!(blocks, appended, "{case}");
            if mode == Mode::Gate && durability == Durability::EveryBlock {
                // The fourth block, with step 2, was not acknowledged: step 3 was not taken.
                assert_eq!((blocks, steps), (4, 2));
            }
        }
    }
}

/// Notes whether the newest block was synced when a checkpoint was removed.
#[derive(Debug)]
struct Watches {
    disk: Box<dyn Disk>,
    checkpoints: PathBuf,
    there: Vec<PathBuf>,
    synced: bool,
    gone: Arc<Mutex<Vec<bool>>>,
}

impl Disk for Watches {
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let gone = self.there.iter().filter(|path| !path.exists());
        self.gone.lock().unwrap().extend(gone.map(|_| self.synced));
        self.there = std::fs::read_dir(&self.checkpoints)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        // Checkpoints that are still being written.
        self.there.retain(|path| path.extension().is_none());
        self.synced = false;
        self.disk.append(bytes)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.synced = true;
        self.disk.sync()
    }
}

#[test]
fn a_checkpoint_goes_only_after_its_successors_are_safe() {
    let (_place, config) = place();
    // The group's window is much longer than this run.
    let config = config
        .mode(Mode::Gate)
        .checkpoint_every(1)
        .keep_checkpoints(0);
    let gone = Arc::new(Mutex::new(Vec::new()));
    let (noted, checkpoints) = (gone.clone(), RunDir::new(config.dir()).checkpoints());
    let run = opened(config, |disk| {
        Box::new(Watches {
            disk,
            checkpoints,
            there: Vec::new(),
            synced: false,
            gone: noted,
        })
    });
    let (model, trained) = train(&run, 12);
    trained.unwrap();
    sealed(run, &model);
    let gone = gone.lock().unwrap();
    assert!(gone.len() > 5, "{gone:?}");
    assert!(gone.iter().all(|synced| *synced), "{gone:?}");
}

/// Calls `action` before the search for the final block, which is the one after the
/// artifact.
struct Meanwhile {
    engine: Box<dyn Engine>,
    artifact: PathBuf,
    action: Option<Box<dyn FnOnce() + Send>>,
}

impl Engine for Meanwhile {
    fn name(&self) -> String {
        self.engine.name()
    }

    fn search(
        &mut self,
        job: &Job,
        limit: HitLimit,
        cancel: &CancelToken,
    ) -> Result<Found, EngineError> {
        if let Some(action) = self.action.take_if(|_| self.artifact.exists()) {
            action();
        }
        self.engine.search(job, limit, cancel)
    }
}

#[test]
fn a_run_that_goes_while_its_last_block_is_mined_is_not_claimed() {
    for is_moved in [true, false] {
        let (_place, config) = place();
        let dir = RunDir::new(config.dir());
        let (from, to) = (dir.path().to_owned(), dir.path().with_extension("moved"));
        let action = move || match is_moved {
            true => std::fs::rename(from, to).unwrap(),
            false => std::fs::remove_dir_all(from).unwrap(),
        };
        let engine = Meanwhile {
            engine: cpu().engine,
            artifact: dir.artifact(),
            action: Some(Box::new(action)),
        };
        let selected = selected(engine);
        let run =
            PowRun::open_selected(OpenRun::create, config.mode(Mode::Gate), selected).unwrap();
        let (model, trained) = train(&run, 3);
        trained.unwrap();
        let ended = run.finish(&model, Ending::Stopped).unwrap_err();
        let PowError::Ledger(error) = &ended else {
            panic!("{ended}");
        };
        assert!(
            matches!(&**error, LedgerError::Io { path, source }
                if *path == dir.chain() && source.kind() == std::io::ErrorKind::NotFound),
            "{error}"
        );
        assert!(!dir.path().exists());
    }
}

/// Counts the blocks that are not synced.
#[derive(Debug)]
struct Unsynced {
    disk: Box<dyn Disk>,
    blocks: Arc<AtomicUsize>,
}

impl Disk for Unsynced {
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.blocks.fetch_add(1, Ordering::SeqCst);
        self.disk.append(bytes)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.blocks.store(0, Ordering::SeqCst);
        self.disk.sync()
    }
}

/// Makes each search slow, and notes how many blocks are not synced during it.
struct Slow {
    unsynced: Arc<AtomicUsize>,
    noted: Arc<Mutex<Vec<usize>>>,
}

impl Engine for Slow {
    fn name(&self) -> String {
        "slow".into()
    }

    fn search(
        &mut self,
        job: &Job,
        limit: HitLimit,
        cancel: &CancelToken,
    ) -> Result<Found, EngineError> {
        let unsynced = self.unsynced.load(Ordering::SeqCst);
        self.noted.lock().unwrap().push(unsynced);
        std::thread::sleep(Duration::from_millis(1));
        Reference.search(job, limit, cancel)
    }
}

#[test]
fn a_long_search_begins_with_everything_synced() {
    let (_place, config) = place();
    // 16 hashes take a millisecond, so 4,096 take a quarter of a second.
    let mut config = config.mode(Mode::Gate).final_zero_bits(12);
    let dir = RunDir::new(config.dir());
    let (blocks, noted) = (Arc::new(AtomicUsize::new(0)), Arc::default());
    let unsynced = blocks.clone();
    let mut opened = OpenRun::create(&dir, &mut config).unwrap();
    opened.chain = opened
        .chain
        .through(|disk| Box::new(Unsynced { disk, blocks }));
    let engine = Slow {
        unsynced,
        noted: Arc::clone(&noted),
    };
    let run = PowRun::begin(config, dir, opened, selected(engine)).unwrap();
    let (model, trained) = train(&run, 5);
    trained.unwrap();
    sealed(run, &model);
    let noted = noted.lock().unwrap();
    // Genesis, the steps 0 to 5, and the end.
    assert_eq!(noted.len(), 8);
    // Quick searches do not wait for the disk.
    assert!(noted[..7].iter().any(|unsynced| *unsynced > 0), "{noted:?}");
    assert_eq!(noted[7], 0, "{noted:?}");
}

/// A device that is lost.
struct Gone;

impl Engine for Gone {
    fn name(&self) -> String {
        "gpu".into()
    }

    fn search(
        &mut self,
        _job: &Job,
        _limit: HitLimit,
        _cancel: &CancelToken,
    ) -> Result<Found, EngineError> {
        Err(EngineError::Device {
            engine: self.name(),
            message: "device lost".into(),
        })
    }
}

#[test]
fn an_engine_that_fails_among_others_is_named_in_the_record() {
    let recorded = |selected| {
        let (_place, config) = place();
        let run = PowRun::open_selected(OpenRun::create, config, selected).unwrap();
        let (model, trained) = train(&run, 3);
        trained.unwrap();
        sealed(run, &model).failed_engines
    };
    assert_eq!(recorded(cpu()), []);
    // Every search starts with the first engine.
    let both = Coordinator::new(Box::new(Gone), vec![cpu().engine]);
    // Alone, it is replaced by the CPU.
    for selected in [selected(both), selected(Gone)] {
        let failed = recorded(selected);
        let failed: Vec<String> = failed.iter().map(EngineError::to_string).collect();
        assert_eq!(failed, ["engine gpu: device lost"]);
    }
}
