//! A checkpoint's directory: state.json and two tensor files.

use super::json::Json;
use super::memory::metered;
use crate::oracle::take;
use pow_core::body::StepNumber;
use pow_core::hash::StateRoot;
use pow_core::state::{RestOfState, state_root};
use pow_ledger::{RunDir, TensorFile};

/// Two `u16` lengths, then state.json, the model's file and the optimizer's.
/// Length 0xffff leaves the file out.
pub fn checkpoint(mut data: &[u8]) {
    let lens: [[u8; 2]; 2] = [take(&mut data), take(&mut data)];
    let dir = tempfile::tempdir().unwrap();
    let files = RunDir::new(dir.path()).checkpoint(StateRoot([0; 32]));
    std::fs::create_dir_all(files.dir()).unwrap();
    let mut contents = Vec::new();
    for (path, len) in [files.state(), files.model()].into_iter().zip(lens) {
        let len = u16::from_le_bytes(len);
        let (content, rest) = data.split_at(data.len().min(len.into()));
        contents.push((len != u16::MAX).then_some((path, content)));
        data = if len == u16::MAX { data } else { rest };
    }
    contents.push(Some((files.optimizer(), data)));
    for (path, content) in contents.iter().flatten() {
        std::fs::write(path, content).unwrap();
    }

    let len = contents.iter().flatten().map(|(_, content)| content.len());
    let ours = metered(len.sum(), || files.recompute());
    let root = |path| TensorFile::open(path).and_then(|mut file| file.root()).ok();
    let state = contents[0].as_ref().and_then(|(_, content)| state(content));
    let expected = state
        .zip(root(&files.model()))
        .zip(root(&files.optimizer()))
        .map(
            |(([step, scheduler_steps, seed_position, cursor], model), optimizer)| {
                let rest = RestOfState {
                    optimizer,
                    scheduler_steps,
                    seed_position,
                    cursor,
                };
                (state_root(model, rest.root()), StepNumber(step))
            },
        );
    assert_eq!(ours.as_ref().ok(), expected.as_ref(), "{ours:?}");
}

/// What state.json says: one object with exactly the fields of
/// `docs/format.md`, each once.
fn state(content: &[u8]) -> Option<[u64; 4]> {
    let names = [
        "schema",
        "step",
        "scheduler_steps",
        "seed_position",
        "cursor",
    ];
    let json = Json::read(content)?;
    let [schema, numbers @ ..] = json.fields(names)?;
    if schema.text() != Some("burn-pow/state/v1") {
        return None;
    }
    let [step, scheduler_steps, seed_position, cursor] = numbers.map(Json::number);
    Some([step?, scheduler_steps?, seed_position?, cursor?])
}
