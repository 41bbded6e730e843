//! One parent and its child: each way in which they fit, and each in which they do not.

use super::{CHILD, PARENT, by_chains, is_not_shown, options, with_parents};
use pow_audit::source::{OpenFile, RunSource, SharedRun};
use pow_audit::{AuditError, AuditOptions, AuditReport, Level, Verdict, audit};
use pow_core::body::{Extension, StepNumber};
use pow_core::extension::{Known, Parent};
use pow_core::hash::{BlockHash, StateRoot};
use pow_ledger::{CheckpointPart, LedgerError, RunDir, RunFile};
use pow_tests::audits::expect;
use pow_tests::chain_file::ChainFile;
use pow_tests::fixture::{First, Fixture};
use pow_tests::lineage::{BLOCKS, at, child, entry_of, names, plan};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::PathBuf;

tests! {
    what_a_child_took_over_is_said, the_chains_alone_show_less, a_link_that_is_false_fails,
        a_parent_that_does_not_hold_fails, an_unfinished_parent_may_grow,
        a_parent_without_its_checkpoint_shows_the_weights, a_run_that_names_nothing_has_no_level,
        a_parent_that_was_not_given_is_the_trainer_s_word,
        an_extension_that_cannot_be_read_links_nothing, a_child_without_an_entry_is_not_compared,
        a_checkpoint_that_was_swapped_shows_nothing, a_file_that_cannot_be_read_is_no_finding
}

const HAPPENED: &str = "that the trainings before this run happened";
const NOT_BEFORE: &str = "were there when its child began";
const OPTIMIZER: &str = "where the optimizer's state at the start came from";

fn took(report: &AuditReport) -> Option<String> {
    let json = serde_json::to_value(report).unwrap();
    let took = &json["origin"]["parent"]["start"]["took"];
    took.as_str().map(String::from)
}

/// Cases: what the child starts with, the verdict, the words, what it is called.
fn starts() -> [(First, Verdict, &'static str, &'static str); 8] {
    let positions = First {
        scheduler_steps: 3,
        ..First::optimizer(PARENT, 3)
    };
    let new_schedule = First {
        scheduler_steps: 1,
        position: 2,
        ..First::weights(PARENT, 3)
    };
    let another = First {
        optimizer: Some((99, 3)),
        ..First::weights(PARENT, 3)
    };
    let new_layer = First {
        own_tensors: 4,
        ..First::weights(PARENT, 3)
    };
    [
        (
            First::state(PARENT, 3),
            Verdict::Holds,
            "starts with the whole state",
            "state",
        ),
        (
            First::optimizer(PARENT, 3),
            Verdict::Holds,
            "the weights and the optimizer's state\n",
            "optimizer",
        ),
        (
            positions,
            Verdict::Holds,
            "the weights and the optimizer's state, beginning after 3 steps of the scheduler and 0 micro",
            "optimizer",
        ),
        (
            First::weights(PARENT, 3),
            Verdict::Holds,
            "starts with the weights, and a fresh optimizer\n",
            "weights",
        ),
        (
            new_schedule,
            Verdict::Holds,
            "and a fresh optimizer, beginning after 1 step of the scheduler and 2 micro-batches",
            "weights",
        ),
        (
            another,
            Verdict::Partly,
            "an optimizer's state from somewhere else",
            "other_optimizer",
        ),
        (
            new_layer,
            Verdict::Partly,
            "starts with 2 of 3 tensors\n",
            "tensors",
        ),
        (
            First::default(),
            Verdict::Fails,
            "starts with no tensor of the weights of that step",
            "",
        ),
    ]
}

fn what_a_child_took_over_is_said() {
    let parent = Fixture::default();
    for (first, verdict, words, name) in starts() {
        let child = child("more", CHILD, first, at(&parent, 3));
        let report = with_parents(&child.run, &[&parent]);
        let place = format!("step 3 of {}", parent.run.path().display());
        let about = format!(
            "genesis {}, 7 blocks, completed after 6 steps, head ",
            parent.genesis
        );
        expect(&report, Level::Origin, verdict, &[words, &place, &about]);
        assert_eq!(report.holds(), verdict == Verdict::Holds, "{report}");
        assert_eq!(took(&report).unwrap_or_default(), name);
        let fails = verdict == Verdict::Fails;
        assert_eq!(is_not_shown(&report, HAPPENED), !fails, "{report}");
        assert_eq!(is_not_shown(&report, NOT_BEFORE), !fails, "{report}");
        let counts = is_not_shown(&report, "begin where they do");
        assert_eq!(counts, words.contains("beginning after"), "{report}");
        assert_eq!(is_not_shown(&report, OPTIMIZER), name == "other_optimizer");
        let tensors = is_not_shown(&report, "where the other tensors at the start");
        assert_eq!(tensors, name == "tensors", "{report}");
    }
}

/// Equal roots and a fresh optimizer are seen in the chains. The rest needs files.
fn the_chains_alone_show_less() {
    let parent = Fixture::default();
    for (first, verdict, words, name) in starts() {
        let child = child("more", CHILD, first, at(&parent, 3));
        let report = by_chains(&child.run, &parent);
        let (verdict, words) = match (name, first.scheduler_steps) {
            ("state", _) | ("weights", 0) => (verdict, words),
            ("optimizer" | "weights" | "other_optimizer", _) => (
                Verdict::Partly,
                "the optimizer's state was not compared: this run's first checkpoint is not there",
            ),
            _ => (Verdict::NotChecked, "single tensors were not compared"),
        };
        expect(&report, Level::Origin, verdict, &[words]);
        assert!(!report.could_not_check(), "{report}");
    }
}

fn a_link_that_is_false_fails() {
    let parent = Fixture::default();
    let true_link = at(&parent, 3);
    let state = |step| at(&parent, step).state;
    let cases = [
        // Another step of the same run, with its own state and with this one's.
        (StepNumber(6), state(6), "starts with no tensor of"),
        (StepNumber(6), state(3), "the parent commits to the state"),
        (StepNumber(3), state(6), "the parent commits to the state"),
        (StepNumber(3), StateRoot([0; 32]), "but this run names 0000"),
        // Committed, without a checkpoint; past the end; never.
        (StepNumber(4), state(3), "no checkpoint of that step"),
        (StepNumber(7), state(3), "no checkpoint of that step"),
        (StepNumber(u64::MAX), state(3), "no checkpoint of that step"),
    ];
    for (step, state, words) in cases {
        let named = Parent {
            step,
            state,
            ..true_link
        };
        let child = child("more", CHILD, First::weights(PARENT, 3), named);
        let report = with_parents(&child.run, &[&parent]);
        expect(&report, Level::Origin, Verdict::Fails, &[words]);
        assert_eq!(report.headline, "DOES NOT HOLD (origin)");
        assert!(!is_not_shown(&report, HAPPENED), "{report}");
    }
    // A foreign chain, and the child itself: neither is the one that is named.
    let child = child("more", CHILD, First::weights(PARENT, 3), true_link);
    let other = Fixture::other();
    for foreign in [&other, &child] {
        let report = with_parents(&child.run, &[foreign]);
        let genesis = foreign.genesis.to_string();
        let words = ["is no ancestor of this run", &genesis, "was not given"];
        expect(&report, Level::Origin, Verdict::Fails, &words);
        // Beside the true parent it fails as well.
        let report = with_parents(&child.run, &[&parent, foreign]);
        let words = ["is no ancestor of this run", "and a fresh optimizer"];
        expect(&report, Level::Origin, Verdict::Fails, &words);
    }
    // A run from scratch, and a parent.
    let report = with_parents(&other.run, &[&parent]);
    let words = ["is no ancestor of this run", "genesis names no parent"];
    expect(&report, Level::Origin, Verdict::Fails, &words);
}

fn a_parent_that_does_not_hold_fails() {
    let parent = Fixture::default();
    let child = child("more", CHILD, First::weights(PARENT, 3), at(&parent, 3));
    let good = parent.file();
    let refused = |bytes: Vec<u8>, words: &[&str]| {
        parent.write(bytes);
        let report = with_parents(&child.run, &[&parent]);
        expect(&report, Level::Origin, Verdict::Fails, words);
    };
    // A byte of each record, behind the block with the step, too.
    for (at, end) in good.boundaries()[1..].iter().enumerate() {
        let mut bytes = good.to_bytes();
        bytes[end - 10] ^= 1;
        match at {
            0 => refused(bytes, &["has no good genesis block", "byte 16"]),
            _ => refused(bytes, &["the chain of the parent does not hold: byte"]),
        }
    }
    refused(good.to_bytes()[..16].to_vec(), &["no genesis block yet"]);
    refused(b"nothing".to_vec(), &["has no good genesis block"]);
}

fn an_unfinished_parent_may_grow() {
    let parent = Fixture::default();
    let child = child("more", CHILD, First::weights(PARENT, 3), at(&parent, 3));
    let whole = parent.file();
    let keep = |blocks: usize| {
        let records = whole.records[..blocks].to_vec();
        let header = whole.header.clone();
        parent.write(ChainFile { header, records }.to_bytes());
        with_parents(&child.run, &[&parent])
    };
    // Genesis; steps 0; 1 and 2: the copy ends before the step that the child names.
    for (blocks, words) in [
        (1, "before its first step"),
        (2, "at step 0"),
        (3, "at step 2"),
    ] {
        let report = keep(blocks);
        let words = ["this copy of the parent is unfinished and ends", words];
        expect(&report, Level::Origin, Verdict::NotChecked, &words);
        assert!(!report.holds(), "{report}");
    }
    // It grew up to the step, and then beyond.
    for (blocks, words) in [(4, "unfinished at step 3"), (6, "unfinished at step 6")] {
        expect(&keep(blocks), Level::Origin, Verdict::Holds, &[words]);
    }
    expect(
        &keep(7),
        Level::Origin,
        Verdict::Holds,
        &["completed after 6 steps"],
    );
    // A torn record behind the step is the end of an unfinished chain.
    let cut = whole.to_bytes().len() - 5;
    parent.write(&whole.to_bytes()[..cut]);
    let report = with_parents(&child.run, &[&parent]);
    expect(
        &report,
        Level::Origin,
        Verdict::Holds,
        &["unfinished at step 6"],
    );
}

fn a_parent_without_its_checkpoint_shows_the_weights() {
    let parent = Fixture::default();
    let named = at(&parent, 3);
    let optimizer = child("more", CHILD, First::optimizer(PARENT, 3), named);
    let tensors = First {
        own_tensors: 4,
        ..First::weights(PARENT, 3)
    };
    let tensors = child("more", CHILD, tensors, named);
    let fresh = child("more", CHILD, First::weights(PARENT, 3), named);
    std::fs::remove_dir_all(parent.run.checkpoints().join(named.state.to_string())).unwrap();
    let report = with_parents(&optimizer.run, &[&parent]);
    let words = "the optimizer's state was not compared: the parent's checkpoint is not there";
    expect(&report, Level::Origin, Verdict::Partly, &[words]);
    assert!(is_not_shown(&report, OPTIMIZER), "{report}");
    let report = with_parents(&tensors.run, &[&parent]);
    let words = "single tensors were not compared: the parent's checkpoint is not there";
    expect(&report, Level::Origin, Verdict::NotChecked, &[words]);
    // Roots alone show a fresh optimizer.
    let report = with_parents(&fresh.run, &[&parent]);
    expect(&report, Level::Origin, Verdict::Holds, &[]);
}

fn a_checkpoint_that_was_swapped_shows_nothing() {
    let parent = Fixture::default();
    let named = at(&parent, 3);
    let another = First {
        optimizer: Some((99, 3)),
        ..First::weights(PARENT, 3)
    };
    let child = child("more", CHILD, another, named);
    // The child's optimizer in the parent's checkpoint: its chain commits to another one.
    let first = entry_of(&child.file(), 0).state_root().unwrap();
    let file = |fixture: &Fixture, root: StateRoot| {
        let dir = fixture.run.checkpoints().join(root.to_string());
        dir.join("optimizer.safetensors")
    };
    std::fs::copy(file(&child, first), file(&parent, named.state)).unwrap();
    let report = with_parents(&child.run, &[&parent]);
    let words = "the parent's checkpoint is not the one that its chain commits to";
    expect(&report, Level::Origin, Verdict::Partly, &[words]);
    std::fs::write(file(&parent, named.state), b"no tensors").unwrap();
    let report = with_parents(&child.run, &[&parent]);
    expect(
        &report,
        Level::Origin,
        Verdict::Partly,
        &["claims a header"],
    );
    assert!(!report.could_not_check(), "{report}");
    // Weights in either run that would make tensors equal, or hide that they are.
    for (swapped, whose) in [(true, "this run's first"), (false, "the parent's")] {
        swap_weights(swapped, whose);
    }
}

/// Copies the weights of one run over those of the other, and checks that they are noticed
/// in this one.
fn swap_weights(into_child: bool, whose: &str) {
    let parent = Fixture::default();
    let named = at(&parent, 3);
    let new_layer = First {
        own_tensors: 4,
        ..First::weights(PARENT, 3)
    };
    let child = child("more", CHILD, new_layer, named);
    let first = entry_of(&child.file(), 0).state_root().unwrap();
    let model = |fixture: &Fixture, root: StateRoot| {
        let dir = fixture.run.checkpoints().join(root.to_string());
        dir.join("model.safetensors")
    };
    let (theirs, own) = (model(&parent, named.state), model(&child, first));
    match into_child {
        true => std::fs::copy(theirs, own).unwrap(),
        false => std::fs::copy(own, theirs).unwrap(),
    };
    let report = with_parents(&child.run, &[&parent]);
    let words = format!("{whose} checkpoint does not have the weights that its chain commits to");
    expect(&report, Level::Origin, Verdict::NotChecked, &[&words]);
}

fn a_run_that_names_nothing_has_no_level() {
    let fixture = Fixture::default();
    let report = audit(&fixture.run, &AuditOptions::default(), &mut |_| {}).unwrap();
    assert!(report.level(Level::Origin).is_none(), "{report}");
    assert!(report.origin.is_none());
    assert!(!report.to_string().contains("ORIGIN"), "{report}");
    // Who asks is told.
    let report = with_parents(&fixture.run, &[]);
    let words = ["genesis names neither a parent nor a base model"];
    expect(&report, Level::Origin, Verdict::NotChecked, &words);
    assert!(!report.holds());
}

fn a_parent_that_was_not_given_is_the_trainer_s_word() {
    let parent = Fixture::default();
    let child = child("more", CHILD, First::weights(PARENT, 3), at(&parent, 3));
    let report = audit(&child.run, &AuditOptions::default(), &mut |_| {}).unwrap();
    let genesis = parent.genesis.to_string();
    let words = [
        "genesis names step 3 of the run with genesis",
        &genesis,
        "trainer's own word",
    ];
    expect(&report, Level::Origin, Verdict::NotChecked, &words);
    // It is no required level, so the rest of the report stands.
    assert!(report.holds(), "{report}");
    assert!(
        is_not_shown(&report, "goes on from the one that genesis names"),
        "{report}"
    );
    assert!(!is_not_shown(&report, HAPPENED), "{report}");
}

fn an_extension_that_cannot_be_read_links_nothing() {
    let parent = Fixture::default();
    let link = Known::Parent(at(&parent, 3)).to_extension();
    let mut longer = link.clone();
    longer.data.push(0);
    let cases: [(Vec<Extension>, &str); 2] = [
        (vec![longer], "its data cannot be read"),
        (
            vec![link.clone(), link],
            "genesis has 2 extensions of this type",
        ),
    ];
    for (extensions, words) in cases {
        let child = Fixture::record_with(
            &plan("more", CHILD, First::weights(PARENT, 3)),
            |genesis| genesis.extensions = extensions,
            |recorder| recorder.finish_after(BLOCKS),
        );
        let report = audit(&child.run, &options(), &mut |_| {}).unwrap();
        expect(
            &report,
            Level::Origin,
            Verdict::NotChecked,
            &["unusable", words],
        );
        // The true parent does not help: genesis names none that can be read.
        let report = with_parents(&child.run, &[&parent]);
        let words = ["is no ancestor of this run", "unusable", words];
        expect(&report, Level::Origin, Verdict::Fails, &words);
    }
}

fn a_child_without_an_entry_is_not_compared() {
    let parent = Fixture::default();
    let record = |first, blocks: &[&[u64]]| {
        Fixture::record_with(
            &plan("more", CHILD, first),
            names(Known::Parent(at(&parent, 3))),
            |recorder| blocks.iter().for_each(|steps| recorder.steps(steps)),
        )
    };
    let allow = |child: &Fixture| {
        let options = AuditOptions {
            parents: vec![SharedRun::new(parent.run.clone())],
            allow_unfinished: true,
            ..options()
        };
        audit(&child.run, &options, &mut |_| {}).unwrap()
    };
    let report = allow(&record(First::weights(PARENT, 3), &[]));
    let words = ["this run has no entry yet to compare with it"];
    expect(&report, Level::Origin, Verdict::NotChecked, &words);
    // Genesis itself has the root of the whole state.
    let report = allow(&record(First::state(PARENT, 3), &[]));
    expect(&report, Level::Origin, Verdict::Holds, &["the whole state"]);
    let report = allow(&record(First::weights(PARENT, 3), &[&[0]]));
    expect(
        &report,
        Level::Origin,
        Verdict::Holds,
        &["a fresh optimizer"],
    );
    // A parent's hash of nothing but zeros is a run like any other.
    let zero = Parent {
        genesis: BlockHash::ZERO,
        ..at(&parent, 3)
    };
    let child = child("more", CHILD, First::weights(PARENT, 3), zero);
    let report = audit(&child.run, &options(), &mut |_| {}).unwrap();
    expect(
        &report,
        Level::Origin,
        Verdict::NotChecked,
        &["was not given"],
    );
}

/// A run of which one file cannot be read.
struct Unreadable(RunDir, RunFile);

impl RunSource for Unreadable {
    fn name(&self) -> String {
        RunSource::name(&self.0)
    }

    fn open(&self, file: RunFile) -> Result<OpenFile<'_>, LedgerError> {
        match file == self.1 {
            false => RunSource::open(&self.0, file),
            true => Err(LedgerError::Io {
                path: file.path(),
                source: ErrorKind::PermissionDenied.into(),
            }),
        }
    }

    fn checkpoints(&self) -> Result<Option<BTreeSet<StateRoot>>, LedgerError> {
        RunSource::checkpoints(&self.0)
    }

    fn path(&self, file: RunFile) -> PathBuf {
        RunSource::path(&self.0, file)
    }
}

fn a_file_that_cannot_be_read_is_no_finding() {
    let parent = Fixture::default();
    let named = at(&parent, 3);
    let optimizer = child("more", CHILD, First::optimizer(PARENT, 3), named);
    let new_layer = First {
        own_tensors: 4,
        ..First::weights(PARENT, 3)
    };
    let tensors = child("more", CHILD, new_layer, named);
    for (child, part, verdict) in [
        (&optimizer, CheckpointPart::Optimizer, Verdict::Partly),
        (&optimizer, CheckpointPart::State, Verdict::Partly),
        (&tensors, CheckpointPart::Model, Verdict::NotChecked),
    ] {
        let file = RunFile::Checkpoint(named.state, part);
        let options = |file| AuditOptions {
            parents: vec![SharedRun::new(Unreadable(parent.run.clone(), file))],
            ..options()
        };
        let report = audit(&child.run, &options(file), &mut |_| {}).unwrap();
        let words = ["permission denied", "compared"];
        expect(&report, Level::Origin, verdict, &words);
        assert_eq!(report.headline, "COULD NOT CHECK (origin)");
        assert!(report.could_not_check(), "{report}");
        // The chain is what the verifier named, so that is an error.
        let error = audit(&child.run, &options(RunFile::Chain), &mut |_| {}).unwrap_err();
        assert!(matches!(error, AuditError::Ledger(_)), "{error}");
    }
}
