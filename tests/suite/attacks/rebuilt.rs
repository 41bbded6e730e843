//! Whole histories made anew. A chain shows that it is consistent in itself;
//! that it is the one that was mined at the time, only something outside can
//! show.

use super::honest::{Case, Honest, end, entries, plan};
use pow_tests::fixture::Plan;
use pow_tests::model::{SMALL, parameters, root};

pub fn cases(honest: &Honest) -> Vec<Case> {
    let other = || Honest::record(&Plan { seed: 8, ..plan() }, |_| {});
    let rebuilt = "The whole chain is made and mined anew, with other weights.";
    let seed = plan().seed;
    vec![
        other().attack(
            "rebuilt_with_other_weights",
            rebuilt,
            "NOT SHOWN without a pinned genesis: the chain is consistent in itself.",
        ),
        Honest {
            genesis: honest.genesis.clone(),
            ..other()
        }
        .attack(
            "rebuilt_with_other_weights_pinned",
            rebuilt,
            "Seed and initial state are in genesis, so it is another genesis.",
        )
        .pinned()
        .breaks(0, 20, "genesis is "),
        honest
            .attack(
                "later_history_rebuilt_pinned",
                "Genesis stays, and from step 3 on all is mined anew with made-up weights; the \
                 artifact and the last checkpoint are made to fit.",
                "NOT SHOWN. A pinned genesis binds the beginning alone. An anchor of the old head \
                 would tell, and so would a replay of the steps.",
            )
            .pinned()
            .blocks(&honest.mined(|links| {
                for at in [3, 4] {
                    let entry = &mut entries(&mut links[at])[0];
                    entry.parameters = root(&parameters(SMALL, seed + 1, entry.step.0));
                }
                let last = entries(&mut links[4])[0];
                let end = end(&mut links[5]);
                end.artifact = last.parameters;
                end.state = last.state_root();
            }))
            .with_checkpoint_of(honest, seed + 1),
    ]
}

impl Case {
    /// Moves the checkpoint of step 4 to where the rebuilt chain has it, with
    /// the weights that it commits to; likewise the artifact.
    fn with_checkpoint_of(self, honest: &Honest, seed: u64) -> Self {
        let chain = pow_tests::chain_file::ChainFile::parse(&self.attack.files["chain.pow"]);
        let rebuilt = Honest {
            files: honest.files.clone(),
            chain,
            genesis: honest.genesis.clone(),
        };
        let model = super::files::file(&parameters(SMALL, seed, 4));
        let (old, new) = (honest.checkpoint(4), rebuilt.checkpoint(4));
        let kept = |name: &str| honest.files[&format!("{old}/{name}")].clone();
        self.without(&old)
            .file(format!("{new}/model.safetensors"), model.clone())
            .file(
                format!("{new}/optimizer.safetensors"),
                kept("optimizer.safetensors"),
            )
            .file(format!("{new}/state.json"), kept("state.json"))
            .file("model.safetensors", model)
    }
}
