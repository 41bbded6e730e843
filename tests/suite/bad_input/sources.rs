//! Runs that do not come from a directory, and files that cannot be read.

use pow_audit::proof::{ProofRequest, ProofSubject, ProveError, prove};
use pow_audit::replay::{Segments, largest_moves};
use pow_audit::source::{ChainFile, OpenFile, RunSource};
use pow_audit::{AuditOptions, AuditReport, Level, Verdict, audit};
use pow_core::body::StepNumber;
use pow_core::challenge::SegmentIndex;
use pow_core::hash::StateRoot;
use pow_ledger::{CheckpointPart, LedgerError, RunDir, RunFile};
use pow_tests::audits::{expect, report};
use pow_tests::fixture::Fixture;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read};
use std::path::PathBuf;

tests! {
    a_run_in_memory_gives_the_same_report, a_chain_is_checked_alone,
    what_cannot_be_read_is_not_checked, what_cannot_be_read_is_not_said_to_be_gone,
    a_finding_outweighs_what_cannot_be_read
}

/// A run in memory, as a page in a browser would hold it. The files in `broken` are there
/// and cannot be read: they fail when they are opened, or after some bytes.
struct Memory {
    name: String,
    files: BTreeMap<RunFile, Vec<u8>>,
    broken: BTreeMap<RunFile, (ErrorKind, usize)>,
    alone: bool,
}

impl Memory {
    fn of(run: &RunDir) -> Self {
        let mut files = BTreeMap::new();
        let mut add = |file: RunFile| {
            let bytes = std::fs::read(run.path().join(file.path())).unwrap();
            files.insert(file, bytes);
        };
        for file in [RunFile::Chain, RunFile::Config, RunFile::Artifact] {
            add(file);
        }
        for root in run.checkpoint_roots().unwrap() {
            for part in [
                CheckpointPart::Model,
                CheckpointPart::Optimizer,
                CheckpointPart::State,
            ] {
                add(RunFile::Checkpoint(root, part));
            }
        }
        Memory {
            name: run.path().display().to_string(),
            files,
            broken: BTreeMap::new(),
            alone: false,
        }
    }

    fn report(&self, require: &[Level]) -> AuditReport {
        let options = AuditOptions {
            require: require.iter().copied().collect(),
            ..AuditOptions::default()
        };
        audit(self, &options, &mut |_| {}).unwrap()
    }
}

impl RunSource for Memory {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn open(&self, file: RunFile) -> Result<OpenFile<'_>, LedgerError> {
        let fail = |kind: ErrorKind| LedgerError::Io {
            path: self.path(file),
            source: kind.into(),
        };
        let bytes = self
            .files
            .get(&file)
            .ok_or_else(|| fail(ErrorKind::NotFound))?;
        let len = Some(bytes.len() as u64);
        let bytes: Box<dyn Read> = match self.broken.get(&file) {
            None => Box::new(&bytes[..]),
            Some((kind, 0)) => return Err(fail(*kind)),
            Some((kind, good)) => {
                Box::new(bytes[..(*good).min(bytes.len() - 1)].chain(Broken(*kind)))
            }
        };
        Ok(OpenFile { bytes, len })
    }

    fn checkpoints(&self) -> Result<Option<BTreeSet<StateRoot>>, LedgerError> {
        let roots = self.files.keys().filter_map(|file| match file {
            RunFile::Checkpoint(root, _) => Some(*root),
            _ => None,
        });
        Ok((!self.alone).then(|| roots.collect()))
    }

    fn path(&self, file: RunFile) -> PathBuf {
        PathBuf::from(&self.name).join(file.path())
    }
}

/// A file that fails whenever it is read.
struct Broken(ErrorKind);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(self.0.into())
    }
}

fn json(report: &AuditReport) -> serde_json::Value {
    serde_json::to_value(report).unwrap()
}

fn a_run_in_memory_gives_the_same_report() {
    let honest = Fixture::default();
    let damaged = Fixture::default();
    let checkpoint = std::fs::read_dir(damaged.run.checkpoints()).unwrap().next();
    let state = checkpoint.unwrap().unwrap().path().join("state.json");
    std::fs::write(state, "{}").unwrap();
    std::fs::write(damaged.run.config(), "[]").unwrap();
    std::fs::write(damaged.run.artifact(), [0; 9]).unwrap();
    for fixture in [&honest, &damaged] {
        let directory = report(&fixture.run);
        let options = AuditOptions::default();
        // A reference to a source is a source.
        let memory = Memory::of(&fixture.run);
        let memory = audit(&&memory, &options, &mut |_| {}).unwrap();
        assert_eq!(json(&memory), json(&directory));
        assert_eq!(memory.to_string(), directory.to_string());
    }
    assert!(report(&honest.run).holds());
    expect(&report(&damaged.run), Level::State, Verdict::Fails, &[]);
    // A missing file too.
    std::fs::remove_file(honest.run.artifact()).unwrap();
    let mut memory = Memory::of(&damaged.run);
    memory.files.remove(&RunFile::Artifact);
    for found in [report(&honest.run), memory.report(&[])] {
        expect(
            &found,
            Level::Artifact,
            Verdict::Fails,
            &["model.safetensors"],
        );
    }
}

fn a_chain_is_checked_alone() {
    let fixture = Fixture::default();
    let mut memory = Memory::of(&fixture.run);
    memory.alone = true;
    let report = memory.report(&[Level::Chain, Level::Finished]);
    assert!(report.holds(), "{report}");
    // A file is, under its own name.
    let file = ChainFile::new(fixture.run.chain());
    let of_file = audit(&file, &AuditOptions::default(), &mut |_| {}).unwrap();
    assert_eq!(of_file.run, fixture.run.chain().display().to_string());
    assert_eq!(json(&of_file)["levels"][5], json(&report)["levels"][5]);
    for level in [Level::State, Level::Artifact] {
        expect(
            &report,
            level,
            Verdict::NotChecked,
            &["only the chain file"],
        );
    }
}

/// Whatever keeps a file from being read, nothing is said against the run.
fn what_cannot_be_read_is_not_checked() {
    let fixture = Fixture::default();
    let files: Vec<RunFile> = Memory::of(&fixture.run).files.into_keys().collect();
    for kind in [
        ErrorKind::PermissionDenied,
        ErrorKind::OutOfMemory,
        ErrorKind::Other,
    ] {
        for file in &files {
            for good in [0, 1, 20] {
                let mut memory = Memory::of(&fixture.run);
                memory.broken.insert(*file, (kind, good));
                let level = match file {
                    RunFile::Chain => {
                        let options = AuditOptions::default();
                        let error = audit(&memory, &options, &mut |_| {}).unwrap_err();
                        assert!(error.to_string().contains("chain.pow"), "{error}");
                        continue;
                    }
                    RunFile::Artifact => Level::Artifact,
                    _ => Level::State,
                };
                let report = memory.report(&[level]);
                let name = file.path();
                let name = name.to_str().unwrap();
                let words = ["could not check: ", name];
                expect(&report, level, Verdict::NotChecked, &words);
                assert!(!report.holds() && report.could_not_check(), "{report}");
                let headline = format!("COULD NOT CHECK ({})", level.name());
                assert_eq!(report.headline, headline);
                // Where the level is not required, the rest holds.
                let report = memory.report(&[Level::Chain]);
                assert!(report.holds() && !report.could_not_check(), "{report}");
            }
        }
    }
}

/// A missing checkpoint is passed over, and so is a missing artifact. Any other file that
/// cannot be opened is an error.
fn what_cannot_be_read_is_not_said_to_be_gone() {
    let fixture = Fixture::default();
    let segments = Segments::of(&fixture.run, None, &mut |_| {}).unwrap();
    let of_step = |step: usize| segments.iter().nth(step / 3).unwrap().from_state;
    let model = RunFile::Checkpoint(of_step(3), CheckpointPart::Model);
    let request = |step| ProofRequest {
        head: None,
        subject: ProofSubject::Tensor {
            step: StepNumber(step),
            path: "conv.bias".into(),
            chunk: None,
        },
    };
    let mut memory = Memory::of(&fixture.run);
    let len = format!("len: Some({})", memory.files[&model].len());
    let opened = memory.open(model).unwrap();
    assert!(format!("{opened:?}").contains(&len), "{opened:?}");
    drop(opened);
    // The last step's checkpoint is gone, so the artifact is read.
    memory.files.retain(|file, _| match file {
        RunFile::Checkpoint(root, _) => segments.iter().any(|s| s.from_state == *root),
        _ => true,
    });
    prove(&memory, &request(6), &mut |_| {}).unwrap();
    assert_eq!(
        largest_moves(&memory, &segments, 1).unwrap(),
        [SegmentIndex(0)]
    );
    let refused = (ErrorKind::PermissionDenied, 0);
    memory.broken = [(model, refused), (RunFile::Artifact, refused)].into();
    assert!(largest_moves(&memory, &segments, 1).is_err());
    let denied = |error: ProveError| {
        matches!(error, ProveError::Tensors(LedgerError::Io { source, .. })
            if source.kind() == ErrorKind::PermissionDenied)
    };
    for step in [3, 6] {
        assert!(denied(
            prove(&memory, &request(step), &mut |_| {}).unwrap_err()
        ));
    }
    // A checkpoint without its model is damaged, and was not removed.
    memory.files.remove(&model);
    let error = prove(&memory, &request(3), &mut |_| {}).unwrap_err();
    assert!(matches!(error, ProveError::Tensors(_)), "{error}");
    memory.files.remove(&RunFile::Artifact);
    let error = prove(&memory, &request(6), &mut |_| {}).unwrap_err();
    assert!(matches!(error, ProveError::NoTensors { .. }), "{error}");
    assert_eq!(largest_moves(&memory, &segments, 1).unwrap(), []);
}

fn a_finding_outweighs_what_cannot_be_read() {
    let mut memory = Memory::of(&Fixture::default().run);
    let broken = (ErrorKind::PermissionDenied, 0);
    memory.broken.insert(RunFile::Artifact, broken);
    memory.files.insert(RunFile::Config, b"[]".to_vec());
    let report = memory.report(&[Level::Artifact, Level::State]);
    assert_eq!(report.headline, "DOES NOT HOLD (state)");
    assert!(!report.could_not_check());
    // Also within one level.
    let root = memory.checkpoints().unwrap().unwrap().pop_first().unwrap();
    let state = RunFile::Checkpoint(root, CheckpointPart::State);
    memory.broken.insert(state, broken);
    let report = memory.report(&[Level::State]);
    let words = [
        "config.json has digest",
        "could not check: checkpoint of step",
    ];
    expect(&report, Level::State, Verdict::Fails, &words);
    assert!(!report.could_not_check());
}
