//! Two writers without locks, in any order of what they can do.

use super::*;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

#[derive(Clone, Copy, Debug)]
enum Act {
    /// Begins the run or goes on with it, as `--requeue` does.
    Start,
    Append,
    /// Ends, as one that is not killed.
    End,
    /// Is killed: what it would still do when it ends is undone.
    Kill,
    /// A user removes the owner's file.
    RemoveOwner,
}

fn acts() -> impl Strategy<Value = Vec<(usize, Act)>> {
    let act = prop_oneof![
        3 => Just(Act::Start),
        6 => Just(Act::Append),
        1 => Just(Act::End),
        1 => Just(Act::Kill),
        1 => Just(Act::RemoveOwner),
    ];
    proptest::collection::vec((0..2_usize, act), 1..40)
}

fn start(run: &RunDir, name: u8) -> Result<Writer, LedgerError> {
    match run.create_again_in(&suspended(), b"{}", Durability::Grouped)? {
        Some((files, chain)) => Ok(Writer {
            files,
            chain,
            name,
            next: 0,
        }),
        None => Writer::resume(run, &suspended(), name),
    }
}

/// Both writers look dead to one another, so each takes over when it starts. While the one
/// that started last lives, only that one writes, unless somebody removes its file. Then
/// one of them takes the run again. Everything that was acknowledged stays.
fn obeys(acts: &[(usize, Act)]) -> Result<(), TestCaseError> {
    let (_place, run) = place();
    let mut writers_: [Option<Writer>; 2] = [None, None];
    let mut last_started = None;
    let mut acknowledged = Vec::new();
    let mut is_file_removed = false;
    for (who, act) in acts.iter().copied() {
        let name = who as u8;
        match act {
            Act::Start if writers_[who].is_none() => {
                let started = start(&run, name);
                prop_assert!(started.is_ok(), "{:?}", started.err());
                writers_[who] = started.ok();
                last_started = Some(who);
                is_file_removed = false;
            }
            Act::Append => {
                let is_owner = last_started == Some(who);
                let owner_lives = last_started.is_some_and(|last| writers_[last].is_some());
                let Some(writer) = &mut writers_[who] else {
                    continue;
                };
                match writer.append() {
                    Ok(()) => {
                        let may = is_owner || !owner_lives || is_file_removed;
                        prop_assert!(may, "a former owner wrote");
                        // Nothing was written since, so the one before goes on.
                        last_started = Some(who);
                        is_file_removed = false;
                        acknowledged.push(name);
                    }
                    Err(error) => prop_assert!(!is_owner, "{error}"),
                }
            }
            Act::End => writers_[who] = None,
            Act::Kill => {
                let note = std::fs::read(run.owner()).ok();
                writers_[who] = None;
                if let Some(note) = note {
                    std::fs::write(run.owner(), note).unwrap();
                }
            }
            Act::RemoveOwner => {
                let _ = std::fs::remove_file(run.owner());
                is_file_removed = true;
            }
            Act::Start => {}
        }
        if run.chain().exists() {
            prop_assert_eq!(&writers(&run), &acknowledged);
        }
    }
    Ok(())
}

#[test]
fn a_writer_goes_on_if_the_next_one_ended_without_a_change() {
    use Act::{Append, End, RemoveOwner, Start};
    let acts = [
        (0, Start),
        (0, Append),
        (1, Start),
        (0, End),
        (0, RemoveOwner),
        (0, Start),
        (0, End),
        (1, Append),
        (0, Start),
        (0, Append),
        (1, Append),
    ];
    obeys(&acts).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_chain_has_what_was_acknowledged_and_nothing_else(acts in acts()) {
        obeys(&acts)?;
    }
}
