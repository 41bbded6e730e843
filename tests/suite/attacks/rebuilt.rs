//! Whole histories made again. A chain shows that it is consistent in itself.
//! Only something outside can show that it is the one that was mined at the time.

use super::files::file;
use super::honest::{Attacked, Honest, end, entries, plan};
use pow_tests::fixture::Plan;
use pow_tests::model::{SMALL, parameters, root};

pub fn attacks(honest: &Honest) -> Vec<Attacked> {
    let other = Honest::record(&Plan { seed: 8, ..plan() }, |_| {});
    vec![
        other.unchanged("rebuilt_with_other_weights"),
        other.unchanged("rebuilt_with_other_weights_pinned"),
        later_history("later_history_rebuilt_pinned", honest),
    ]
}

/// From step 3 on the weights are made up. The checkpoint of step 4 and the
/// artifact are made to fit.
fn later_history(name: &'static str, honest: &Honest) -> Attacked {
    let seed = plan().seed + 1;
    let chain = honest.sealed(|links| {
        for at in [3, 4] {
            let entry = &mut entries(&mut links[at])[0];
            entry.parameters = root(&parameters(SMALL, seed, entry.step.0));
        }
        let last = entries(&mut links[4])[0];
        let end = end(&mut links[5]);
        end.artifact = last.parameters;
        end.state = last.state_root();
    });
    let bytes = chain.to_bytes();
    let files = honest.files.clone();
    let (old, new) = (honest.checkpoint(4), Honest { files, chain }.checkpoint(4));
    let kept = |name: &str| honest.files[&format!("{old}/{name}")].clone();
    let model = file(&parameters(SMALL, seed, 4));
    honest
        .with_chain(name, bytes)
        .without(&old)
        .file(format!("{new}/model.safetensors"), model.clone())
        .file(
            format!("{new}/optimizer.safetensors"),
            kept("optimizer.safetensors"),
        )
        .file(format!("{new}/state.json"), kept("state.json"))
        .file("model.safetensors", model)
}
