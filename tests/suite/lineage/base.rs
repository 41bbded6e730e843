//! A run that starts with the weights of a published model.

use super::{CHILD, PARENT, is_not_shown, options, with_base};
use pow_audit::lineage::BaseFile;
use pow_audit::source::ChainFile;
use pow_audit::{AuditError, AuditOptions, Level, Verdict, audit};
use pow_core::extension::Known;
use pow_core::hash::ParameterRoot;
use pow_tests::audits::expect;
use pow_tests::fixture::{First, Fixture};
use pow_tests::lineage::{BLOCKS, at, names, plan};

tests! {
    weights_of_a_file_are_found, a_named_model_without_its_file_is_the_trainer_s_word,
        a_file_that_is_none_is_an_error, parent_and_base_model_are_both_wanted
}

/// A run that starts with `first`, and names a base model or none.
fn tuned(first: First, base: Option<ParameterRoot>) -> Fixture {
    Fixture::record_with(
        &plan("tuned", CHILD, first),
        |genesis| {
            genesis.extensions.clear();
            let base = base.map(|root| Known::BaseModel(root).to_extension());
            genesis.extensions.extend(base);
        },
        |recorder| recorder.finish_after(BLOCKS),
    )
}

/// The artifact of a run, which ends at step 6, stands for a published model.
fn published() -> (Fixture, ParameterRoot) {
    let fixture = Fixture::default();
    let root = pow_tests::lineage::entry_of(&fixture.file(), 6).parameters;
    (fixture, root)
}

fn weights_of_a_file_are_found() {
    let (published, root) = published();
    let new_layer = First {
        own_tensors: 4,
        ..First::weights(PARENT, 6)
    };
    let other = ParameterRoot([9; 32]);
    let names_it = "genesis names it: parameter root";
    let names_none = "genesis names no base model, so this rests on your file alone";
    let cases = [
        (
            First::weights(PARENT, 6),
            Some(root),
            Verdict::Holds,
            "and a fresh optimizer",
            names_it,
        ),
        (
            First::weights(PARENT, 6),
            None,
            Verdict::Holds,
            "and a fresh optimizer",
            names_none,
        ),
        (
            First::optimizer(PARENT, 6),
            Some(root),
            Verdict::Holds,
            "the optimizer's state at the start is not a fresh one",
            names_it,
        ),
        (
            new_layer,
            Some(root),
            Verdict::Partly,
            "2 of 3 tensors of it",
            names_it,
        ),
        (
            new_layer,
            None,
            Verdict::Partly,
            "not among them: embedding",
            names_none,
        ),
        (
            First::default(),
            Some(root),
            Verdict::Fails,
            "no tensor of it",
            names_it,
        ),
        (
            First::weights(PARENT, 6),
            Some(other),
            Verdict::Fails,
            "but genesis names 0909",
            "its parameter root is",
        ),
    ];
    for (first, named, verdict, words, more) in cases {
        let run = tuned(first, named);
        let report = with_base(&run.run, &published.run.artifact());
        expect(&report, Level::Origin, verdict, &[words, more]);
        assert_eq!(report.holds(), verdict == Verdict::Holds, "{report}");
        assert!(is_not_shown(&report, "who made the base model"), "{report}");
    }
    let run = tuned(First::optimizer(PARENT, 6), Some(root));
    let report = with_base(&run.run, &published.run.artifact());
    assert!(is_not_shown(
        &report,
        "where the optimizer's state at the start came from"
    ));
    // Without the run's files, tensors are not compared.
    let options = AuditOptions {
        base_model: Some(BaseFile::new(published.run.artifact())),
        ..options()
    };
    let run = tuned(new_layer, Some(root));
    let report = audit(&ChainFile::new(run.run.chain()), &options, &mut |_| {}).unwrap();
    let words = "single tensors were not compared: this run's first checkpoint is not there";
    expect(&report, Level::Origin, Verdict::NotChecked, &[words]);
}

fn a_named_model_without_its_file_is_the_trainer_s_word() {
    let (_, root) = published();
    for (first, words) in [
        (First::weights(PARENT, 6), "which are its initial weights;"),
        (
            First::default(),
            "which are not its initial weights as a whole;",
        ),
    ] {
        let run = tuned(first, Some(root));
        let report = audit(&run.run, &AuditOptions::default(), &mut |_| {}).unwrap();
        let words = [words, "the trainer's own word"];
        expect(&report, Level::Origin, Verdict::NotChecked, &words);
        assert!(
            is_not_shown(&report, "its file was not given (--base)"),
            "{report}"
        );
        assert!(report.holds(), "{report}");
    }
}

fn a_file_that_is_none_is_an_error() {
    let (published, root) = published();
    let run = tuned(First::weights(PARENT, 6), Some(root));
    for (file, words) in [
        (run.run.path().join("nothing"), "nothing"),
        (published.run.config(), "config.json"),
        (run.run.checkpoints(), "checkpoints"),
    ] {
        let options = AuditOptions {
            base_model: Some(BaseFile::new(&file)),
            ..options()
        };
        let error = audit(&run.run, &options, &mut |_| {}).unwrap_err();
        assert!(matches!(error, AuditError::BaseModel(_)), "{error}");
        let text = error.to_string();
        assert!(
            text.starts_with("the base model: ") && text.contains(words),
            "{text}"
        );
    }
}

fn parent_and_base_model_are_both_wanted() {
    let (published, root) = published();
    let run = Fixture::record_with(
        &plan("tuned", CHILD, First::weights(PARENT, 6)),
        |genesis| {
            names(Known::Parent(at(&published, 6)))(genesis);
            genesis
                .extensions
                .push(Known::BaseModel(root).to_extension());
        },
        |recorder| recorder.finish_after(BLOCKS),
    );
    let report = |parent: bool, base: bool| {
        let parent = parent.then(|| pow_audit::source::SharedRun::new(published.run.clone()));
        let options = AuditOptions {
            parents: parent.into_iter().collect(),
            base_model: base.then(|| BaseFile::new(published.run.artifact())),
            ..options()
        };
        audit(&run.run, &options, &mut |_| {}).unwrap()
    };
    for (parent, base, verdict) in [
        (false, false, Verdict::NotChecked),
        (true, false, Verdict::Partly),
        (false, true, Verdict::Partly),
        (true, true, Verdict::Holds),
    ] {
        expect(&report(parent, base), Level::Origin, verdict, &[]);
    }
}
