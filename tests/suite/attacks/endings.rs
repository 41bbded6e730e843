//! How a run ends: what is cut off, and what the final block says.

use super::honest::{Attacked, BLOCKS, Honest, end, entries};
use pow_core::body::{BodyKind, Ending, Final};
use pow_core::hash::ParameterRoot;
use pow_tests::fixture::bits;
use pow_tests::seal::{Link, links};

/// The final block.
const LAST: usize = BLOCKS - 1;

pub fn attacks(honest: &Honest) -> Vec<Attacked> {
    let final_block =
        |name, edit: fn(&mut Final)| honest.mined(name, |links| edit(end(&mut links[LAST])));
    let boundaries = honest.chain.boundaries();
    let cut = |name, at: usize| honest.with_chain(name, &honest.chain.to_bytes()[..at]);
    let weights_of_2 = &honest.files[&format!("{}/model.safetensors", honest.checkpoint(2))];
    vec![
        cut("tail_cut_off", boundaries[LAST]),
        cut("tail_cut_off_inside_a_record", boundaries[BLOCKS] - 20),
        honest.with_chain(
            "bytes_behind_the_final_block",
            [honest.chain.to_bytes(), b"PREC\x01".to_vec()].concat(),
        ),
        honest.mined("block_behind_the_final_block", |blocks| {
            blocks.push(links(&honest.chain).remove(LAST));
        }),
        final_block("final_block_with_another_artifact", |end| {
            end.artifact = ParameterRoot([1; 32]);
        }),
        final_block("final_block_with_more_steps", |end| end.steps.0 += 1),
        final_block("final_block_with_another_state", |end| end.state = None),
        honest.mined("final_block_before_any_step", |links| {
            drop(links.drain(1..LAST))
        }),
        honest.mined("completed_too_early_mined", |links| {
            end_after_two(links, Ending::Completed);
        }),
        honest
            .mined("stopped_early_mined", |links| {
                end_after_two(links, Ending::Stopped)
            })
            .file("model.safetensors", weights_of_2.clone()),
        honest.mined("step_beyond_the_plan_mined", |links| {
            let mut more = entries(&mut links[4]).clone();
            more[0].step.0 += 1;
            links.insert(LAST, Link::new(BodyKind::Steps(more), bits(8)));
        }),
    ]
}

/// Discards the blocks of the steps 3 and 4, and changes the end accordingly.
fn end_after_two(links: &mut Vec<Link>, ending: Ending) {
    links.drain(3..5);
    let last = entries(&mut links[2])[1];
    *end(&mut links[3]) = Final {
        steps: last.step,
        ending,
        state: last.state_root(),
        artifact: last.parameters,
    };
}
