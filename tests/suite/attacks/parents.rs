//! Runs that name a parent, with the parent that the verifier has. It lies in the run's
//! directory, where it has no meaning of its own.

use super::honest::{Attacked, Honest, entries, plan};
use pow_core::body::{Entry, StepNumber};
use pow_core::extension::{Known, Parent};
use pow_core::hash::BlockHash;
use pow_core::header::Header;
use pow_tests::chain_file::ChainFile;
use pow_tests::fixture::{First, Plan};
use pow_tests::lineage::{entry_of, names};
use pow_tests::model::{Shapes, parameters, root};

/// No tensor that different models have in common.
const WEIGHTS: Shapes = &[("linear.weight", pow_core::tensor::DType::F32, &[2, 3])];
/// The seed of an invented history.
const INVENTED: u64 = 9;

pub fn attacks() -> Vec<Attacked> {
    let parent = parent(7);
    let link = at(&parent, 2);
    let weights = First::weights(7, 2);
    let step = |step| Parent {
        step: StepNumber(step),
        ..link
    };
    let own = child(First::weights(7, 2), link);
    let itself = child(
        weights,
        Parent {
            genesis: genesis(&own.chain),
            ..link
        },
    );
    let of = |name, first, link| {
        with_parent(child(first, link).unchanged(name), parent.chain.to_bytes())
    };
    let checkpoint = parent.checkpoint(2);
    let of_with_files = |name, first| {
        let files = parent.files.iter();
        let files = files.filter(|(path, _)| path.starts_with(&checkpoint));
        files.fold(of(name, first, link), |attacked, (path, bytes)| {
            attacked.file(format!("parent/{path}"), bytes.clone())
        })
    };
    vec![
        of_with_files("parent_honest", First::optimizer(7, 2)),
        of("parent_with_another_step_mined", weights, step(4)),
        of("parent_step_without_a_checkpoint_mined", weights, step(3)),
        of_with_files(
            "parent_whose_weights_were_not_taken_mined",
            First::weights(INVENTED, 2),
        ),
        with_parent(
            own.unchanged("parent_of_another_genesis"),
            self::parent(8).chain.to_bytes(),
        ),
        with_parent(
            itself.unchanged("parent_that_is_the_run_itself_mined"),
            itself.chain.to_bytes(),
        ),
        grown("parent_that_grew_afterwards", &parent),
        rebuilt("parent_rebuilt_after_its_child_mined", &parent),
    ]
}

fn parent(seed: u64) -> Honest {
    let plan = Plan {
        name: "parent".into(),
        seed,
        shapes: WEIGHTS,
        ..plan()
    };
    Honest::record(&plan, |_| {})
}

fn child(first: First, link: Parent) -> Honest {
    let plan = Plan {
        name: "child".into(),
        seed: 30,
        shapes: WEIGHTS,
        first,
        ..plan()
    };
    Honest::record(&plan, names(Known::Parent(link)))
}

fn genesis(chain: &ChainFile) -> BlockHash {
    Header::from_bytes(chain.records[0].block.first_chunk().unwrap()).hash()
}

fn at(parent: &Honest, step: u64) -> Parent {
    let entry: Entry = entry_of(&parent.chain, step);
    Parent::at(genesis(&parent.chain), &entry).unwrap()
}

fn with_parent(attacked: Attacked, chain: Vec<u8>) -> Attacked {
    attacked.file("parent/chain.pow", chain)
}

/// The child was made when the parent's chain ended with the block of the named step.
fn grown(name: &'static str, parent: &Honest) -> Attacked {
    let young = ChainFile {
        header: parent.chain.header.clone(),
        records: parent.chain.records[..3].to_vec(),
    };
    let link = Parent::at(genesis(&young), &entry_of(&young, 2)).unwrap();
    let child = child(First::weights(7, 2), link);
    with_parent(child.unchanged(name), parent.chain.to_bytes())
}

/// The child has invented weights. The parent's genesis block is the published one, and
/// what follows it was mined again so that it has these weights.
fn rebuilt(name: &'static str, parent: &Honest) -> Attacked {
    let chain = parent.sealed(|links| {
        for entry in entries(&mut links[2]) {
            entry.parameters = root(&parameters(WEIGHTS, INVENTED, entry.step.0));
        }
    });
    assert_eq!(genesis(&chain), genesis(&parent.chain));
    let link = Parent::at(genesis(&chain), &entry_of(&chain, 2)).unwrap();
    let child = child(First::weights(INVENTED, 2), link);
    with_parent(child.unchanged(name), chain.to_bytes())
}
