//! The chain is untouched, and the files beside it are not.

use super::honest::{Attacked, Honest, plan};
use pow_core::tensor::DType;
use pow_ledger::write_tensors;
use pow_tests::model::{ODD_FLOATS, OwnedTensor, SMALL, borrowed, moments, parameters};
use tempfile::TempDir;

const ARTIFACT: &str = "model.safetensors";

pub fn attacks(honest: &Honest) -> Vec<Attacked> {
    let seed = plan().seed;
    let of_step = |step, file: &str| format!("{}/{file}", honest.checkpoint(step));
    let checkpoint = |name, file: &str, edit: &dyn Fn(&[u8]) -> Vec<u8>| {
        let path = of_step(2, file);
        let bytes = edit(&honest.files[&path]);
        honest.unchanged(name).file(path, bytes)
    };
    let artifact = |name, edit: &dyn Fn(&mut Vec<OwnedTensor>)| {
        let mut model = parameters(SMALL, seed, 4);
        edit(&mut model);
        honest.unchanged(name).file(ARTIFACT, file(&model))
    };
    let without = |name, path: &str| honest.unchanged(name).without(path);
    vec![
        checkpoint("checkpoint_with_other_weights", ARTIFACT, &|_| {
            honest.files[&of_step(4, ARTIFACT)].clone()
        }),
        checkpoint(
            "checkpoint_with_doctored_moments",
            "optimizer.safetensors",
            &|_| {
                let mut edited = moments(SMALL, seed, 2);
                edited[0].data[0] ^= 1;
                file(&edited)
            },
        ),
        checkpoint("checkpoint_with_another_cursor", "state.json", &|state| {
            let state = std::str::from_utf8(state).unwrap();
            assert!(state.contains("\"cursor\": 2"), "{state}");
            state.replace("\"cursor\": 2", "\"cursor\": 9").into_bytes()
        }),
        without("checkpoint_under_another_name", &honest.checkpoint(2)).file(
            format!("checkpoints/{}/{ARTIFACT}", "ab".repeat(32)),
            file(&parameters(SMALL, seed, 3)),
        ),
        without("checkpoint_withheld", &honest.checkpoint(2)),
        honest
            .unchanged("config_edited")
            .file("config.json", "{\"learning_rate\": 0.1}"),
        artifact("artifact_of_another_step", &|model| {
            *model = parameters(SMALL, seed, 3)
        }),
        artifact("artifact_with_zero_for_minus_zero", &|model| {
            let odd = tensor(model, ODD_FLOATS);
            assert_eq!(odd.data[..4], (-0f32).to_le_bytes());
            odd.data[..4].copy_from_slice(&0f32.to_le_bytes());
        }),
        artifact("artifact_with_another_nan", &|model| {
            let odd = tensor(model, ODD_FLOATS);
            assert!(f32::from_le_bytes(*odd.data.last_chunk().unwrap()).is_nan());
            odd.data[4] ^= 2;
        }),
        artifact("artifact_of_another_shape", &|model| {
            tensor(model, "linear.weight").dims.reverse();
        }),
        artifact("artifact_of_another_dtype", &|model| {
            tensor(model, "linear.weight").dtype = DType::I32;
        }),
        artifact("artifact_with_a_tensor_more", &|model| {
            model.push(OwnedTensor {
                path: "more".into(),
                dtype: DType::F32,
                dims: vec![0],
                data: Vec::new(),
            });
        }),
        without("artifact_missing", ARTIFACT),
    ]
}

fn tensor<'a>(model: &'a mut [OwnedTensor], path: &str) -> &'a mut OwnedTensor {
    model.iter_mut().find(|tensor| tensor.path == path).unwrap()
}

/// The bytes of a tensor file.
pub fn file(model: &[OwnedTensor]) -> Vec<u8> {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("tensors");
    write_tensors(&path, &borrowed(model)).unwrap();
    std::fs::read(path).unwrap()
}
