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

/// Both writers look dead to one another, so each takes over when it starts. Only the one
/// that started last may write, and everything that was acknowledged stays.
fn obeys(acts: &[(usize, Act)]) -> Result<(), TestCaseError> {
    let (_place, run) = place();
    let mut writers_: [Option<Writer>; 2] = [None, None];
    let mut last_started = None;
    let mut acknowledged = Vec::new();
    for (who, act) in acts.iter().copied() {
        let name = who as u8;
        match act {
            Act::Start if writers_[who].is_none() => {
                let started = start(&run, name);
                prop_assert!(started.is_ok(), "{:?}", started.err());
                writers_[who] = started.ok();
                last_started = Some(who);
            }
            Act::Append => {
                let Some(writer) = &mut writers_[who] else {
                    continue;
                };
                let appended = writer.append();
                match last_started == Some(who) {
                    true => {
                        prop_assert!(appended.is_ok(), "{:?}", appended.err());
                        acknowledged.push(name);
                    }
                    false => prop_assert!(appended.is_err(), "a former owner wrote"),
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
            }
            Act::Start => {}
        }
        if run.chain().exists() {
            prop_assert_eq!(&writers(&run), &acknowledged);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_chain_has_what_was_acknowledged_and_nothing_else(acts in acts()) {
        obeys(&acts)?;
    }
}
