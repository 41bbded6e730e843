//! How a run ends: what is cut off, and what the final block says.

use super::honest::{BLOCKS, Case, Honest, end, entries};
use super::seal::{Link, links};
use pow_core::body::{BodyKind, Ending, Entry, Final};
use pow_core::hash::ParameterRoot;

/// The final block.
const LAST: usize = BLOCKS - 1;

pub fn cases(honest: &Honest) -> Vec<Case> {
    let mined = |name, attack: &str, why: &str, rule, words: &str, edit: fn(&mut Final)| {
        honest
            .attack(name, attack, why)
            .blocks(&honest.mined(|links| edit(end(&mut links[LAST]))))
            .breaks(LAST as u32, rule, words)
    };
    let same = "The final block repeats what the last entry says.";
    let boundaries = honest.chain.boundaries();
    let cut = |at: usize| honest.chain.to_bytes()[..at].to_vec();
    vec![
        honest
            .attack(
                "tail_cut_off",
                "The final block is cut off.",
                "From the file alone this cannot be told from a run that goes on; but it does not \
                 pass for a finished one.",
            )
            .chain(cut(boundaries[LAST]))
            .fails("finished", "no final block after block 4"),
        honest
            .attack(
                "tail_cut_off_inside_a_record",
                "The file ends inside its last record.",
                "The blocks before hold, and the report says where the torn record begins.",
            )
            .chain(cut(boundaries[BLOCKS] - 20))
            .fails("finished", "the file ends inside a record"),
        honest
            .attack(
                "bytes_behind_the_final_block",
                "Bytes follow the final block.",
                "Nothing follows a final block, torn or whole.",
            )
            .chain([honest.chain.to_bytes(), b"PREC\x01".to_vec()].concat())
            .fails("finished", "bytes follow the final block"),
        honest
            .attack(
                "block_behind_the_final_block",
                "A second final block follows the first, with work.",
                "Nothing follows a final block.",
            )
            .blocks(&honest.mined(|blocks| {
                blocks.push(links(&honest.chain).remove(LAST));
            }))
            .breaks(BLOCKS as u32, 10, "follows the final block")
            .fails("finished", "something follows the final block"),
        mined(
            "final_block_with_another_artifact",
            "The final block names weights that are not those of the last step.",
            same,
            18,
            "the artifact's root is",
            |end| end.artifact = ParameterRoot([1; 32]),
        ),
        mined(
            "final_block_with_more_steps",
            "The final block says that there were five steps.",
            same,
            18,
            "the final block says 5 steps, the last entry is step 4",
            |end| end.steps.0 += 1,
        ),
        mined(
            "final_block_with_another_state",
            "The final block has no state root, although the last entry has a checkpoint.",
            same,
            18,
            "the final block's state root is None",
            |end| end.state = None,
        ),
        honest
            .attack(
                "final_block_before_any_step",
                "Right after genesis comes the final block.",
                "There is no model that it could be about.",
            )
            .blocks(&honest.mined(|links| drop(links.drain(1..LAST))))
            .breaks(1, 18, "a final block without any entry before it"),
        honest
            .attack(
                "completed_too_early_mined",
                "The run is cut after step 2 of 4, and called completed.",
                "A completed run took the steps that genesis planned.",
            )
            .blocks(&honest.mined(|links| end_after_two(links, Ending::Completed)))
            .breaks(3, 19, "called completed after 2 steps of 4 planned"),
        honest
            .attack(
                "stopped_early_mined",
                "The steps 3 and 4 are discarded, and a new final block says that the run was \
                 stopped after step 2.",
                "NOT SHOWN. Whoever has the work can end a run anywhere; only an anchor of the \
                 old head would tell. But the report says that it was stopped, and genesis that \
                 four steps were planned.",
            )
            .pinned()
            .blocks(&honest.mined(|links| end_after_two(links, Ending::Stopped)))
            .file(
                "model.safetensors",
                honest.files[&format!("{}/model.safetensors", honest.checkpoint(2))].clone(),
            )
            .says("stopped after 2 steps")
            .says("4 steps planned"),
        honest
            .attack(
                "step_beyond_the_plan_mined",
                "A fifth step follows the four that genesis planned.",
                "Entries are numbered from 0 to the planned steps.",
            )
            .blocks(&honest.mined(|links| {
                let mut more = entries(&mut links[4]).clone();
                more[0].step.0 += 1;
                let bits = pow_tests::fixture::bits(8);
                links.insert(LAST, Link::new(BodyKind::Steps(more), bits));
            }))
            .breaks(5, 15, "step 5 lies beyond the planned 4"),
    ]
}

/// Discards the blocks of the steps 3 and 4, and changes the end accordingly.
fn end_after_two(links: &mut Vec<Link>, ending: Ending) {
    links.drain(3..5);
    let last = entries(&mut links[2])[1];
    *end(&mut links[3]) = Final {
        steps: last.step,
        ending,
        state: Entry::state_root(&last),
        artifact: last.parameters,
    };
}
