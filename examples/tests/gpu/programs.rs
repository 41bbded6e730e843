//! The example `digits`, trained on a GPU as a user would do it.

use crate::device::gpu;
use crate::program::{command, ends, example, says, start};
use crate::runs::{bit_exact, entries, same};
use pow_audit::walk::walk;
use pow_core::body::{BodyKind, Environment};
use pow_ledger::RunDir;
use tempfile::TempDir;

/// 180 steps, with a checkpoint at step 100, trained and mined on the GPU.
const ON_GPU: &str = "--epochs 2 --batch-size 16 --zero-bits 14 --device gpu --engine shared";

/// The same training on the CPU.
const ON_CPU: &str = "--epochs 2 --batch-size 16 --zero-bits 14 --device cpu --engine cpu";

/// The environment in the genesis block.
pub fn environment(run: &RunDir) -> Environment {
    let mut found = None;
    walk(run, None, &mut |row, _| {
        if let BodyKind::Genesis(genesis) = &row.block.body().kind {
            found = Some(genesis.environment.clone());
        }
    })
    .unwrap();
    found.unwrap()
}

pub fn a_training_is_resumed_and_replayed_bit_for_bit() {
    let place = TempDir::new().unwrap();
    let [whole, killed] = ["whole", "killed"].map(|run| RunDir::new(place.path().join(run)));
    let adapter = gpu().as_ref().unwrap().setup.adapter.get_info();
    let line = format!("training on {}, {}, driver ", adapter.name, adapter.backend);
    let stderr = ends("digits", &whole, ON_GPU).stderr;
    says(&stderr, [&line, "which the program opened"]);

    let mut program = example("digits", &killed, ON_GPU);
    program.wait_until(|| {
        let entries = killed.chain().exists().then(|| entries(&killed));
        entries.is_some_and(|entries| entries.len() > 110)
    });
    program.kill();
    assert!(!killed.artifact().exists());
    // Genesis commits to what trains: the CPU cannot resume this run.
    let before = std::fs::read(killed.chain()).unwrap();
    let refused = example("digits", &killed, &format!("{ON_CPU} --resume"));
    says(&refused.ended(1).stderr, [r#""device":"gpu""#]);
    assert!(std::fs::read(killed.chain()).unwrap() == before);
    let resumed = ends("digits", &killed, &format!("{ON_GPU} --resume"));
    says(&resumed.stderr, ["resuming from step 100"]);

    let environment = environment(&whole);
    assert_eq!(environment.backend, "Wgpu");
    assert!(environment.device.starts_with(&adapter.name));
    says(&environment.device, [&adapter.driver_info]);
    assert_eq!(entries(&whole).len(), 181);
    same(&killed, &whole);

    // Another process repeats every step, and gets the bits of the chain.
    let report = place.path().join("replay.json");
    let mut replay = command("digits");
    replay.arg("replay").arg(whole.path()).arg("--all");
    replay.arg("--report").arg(&report);
    start(replay).ended(0);
    assert_eq!(bit_exact(&report).results().len(), 2);
}

/// The same program: it takes a GPU only if it is asked to.
pub fn the_cpu_still_trains() {
    let place = TempDir::new().unwrap();
    let [run, shared] = ["run", "shared"].map(|run| RunDir::new(place.path().join(run)));
    ends("digits", &run, ON_CPU);
    assert_eq!(environment(&run).backend, "Flex");
    let refused = example("digits", &shared, "--device cpu --engine shared");
    says(&refused.ended(1).stderr, ["needs --device gpu"]);
    assert!(!shared.path().exists());
}
