//! The chain is untouched, and the files beside it are not.

use super::honest::{Case, Honest};
use pow_core::tensor::DType;
use pow_ledger::write_tensors;
use pow_tests::model::{ODD_FLOATS, OwnedTensor, SMALL, borrowed, moments, parameters};
use tempfile::TempDir;

const ARTIFACT: &str = "model.safetensors";

pub fn cases(honest: &Honest) -> Vec<Case> {
    let seed = super::plan().seed;
    let checkpoint = |step, file: &str| format!("{}/{file}", honest.checkpoint(step));
    let state = "A checkpoint's name is the root of what it holds.";
    let artifact = |name, attack: &str, why: &str, edit: fn(&mut Vec<OwnedTensor>)| {
        let mut model = parameters(SMALL, seed, 4);
        edit(&mut model);
        honest
            .attack(name, attack, why)
            .file(ARTIFACT, file(&model))
            .fails("artifact", "model.safetensors has root ")
    };
    let bits = "Roots are over the bits of the elements, and nothing is normalised.";
    let mut edited_moments = moments(SMALL, seed, 2);
    edited_moments[0].data[0] ^= 1;
    vec![
        honest
            .attack(
                "checkpoint_with_other_weights",
                "The checkpoint of step 2 has the weights of step 4.",
                state,
            )
            .file(
                checkpoint(2, ARTIFACT),
                honest.files[&checkpoint(4, ARTIFACT)].clone(),
            )
            .fails("state", "checkpoint of step 2 "),
        honest
            .attack(
                "checkpoint_with_doctored_moments",
                "A bit of the optimizer's state at step 2 is flipped.",
                state,
            )
            .file(
                checkpoint(2, "optimizer.safetensors"),
                file(&edited_moments),
            )
            .fails("state", "checkpoint of step 2 "),
        honest
            .attack(
                "checkpoint_with_another_cursor",
                "The checkpoint of step 2 says that another batch comes next.",
                state,
            )
            .file(
                checkpoint(2, "state.json"),
                replaced(&honest.files[&checkpoint(2, "state.json")], "\"cursor\": 2"),
            )
            .fails("state", "checkpoint of step 2 "),
        honest
            .attack(
                "checkpoint_under_another_name",
                "The doctored checkpoint of step 2 lies under the name of what it holds.",
                "The chain commits to another state root, whose checkpoint is missing.",
            )
            .without(&honest.checkpoint(2))
            .file(
                format!("checkpoints/{}/{ARTIFACT}", "ab".repeat(32)),
                file(&parameters(SMALL, seed, 3)),
            )
            .fails("state", "checkpoint of step 2 "),
        honest
            .attack(
                "checkpoint_withheld",
                "The checkpoint of step 2 is not there.",
                "Genesis says that all are kept.",
            )
            .without(&honest.checkpoint(2))
            .fails("state", "is missing"),
        honest
            .attack(
                "config_edited",
                "config.json names another learning rate.",
                "Its digest is in genesis.",
            )
            .file("config.json", "{\"learning_rate\": 0.1}")
            .fails("state", "config.json has digest "),
        artifact(
            "artifact_of_another_step",
            "The weights handed over are not those of the last step.",
            "The final block has their root.",
            |model| *model = parameters(SMALL, super::plan().seed, 3),
        ),
        artifact(
            "artifact_with_zero_for_minus_zero",
            "A weight of −0 is now 0, which compares as equal.",
            bits,
            |model| {
                let odd = tensor(model, ODD_FLOATS);
                assert_eq!(odd.data[..4], (-0f32).to_le_bytes());
                odd.data[..4].copy_from_slice(&0f32.to_le_bytes());
            },
        ),
        artifact(
            "artifact_with_another_nan",
            "A weight that is NaN is now another NaN.",
            bits,
            |model| {
                let odd = tensor(model, ODD_FLOATS);
                assert!(f32::from_le_bytes(*odd.data.last_chunk().unwrap()).is_nan());
                odd.data[4] ^= 2;
            },
        ),
        artifact(
            "artifact_of_another_shape",
            "A matrix of 2 × 3 is now one of 3 × 2, with the same bytes.",
            "A tensor's leaf takes in its dims.",
            |model| tensor(model, "linear.weight").dims.reverse(),
        ),
        artifact(
            "artifact_of_another_dtype",
            "A tensor of floats is now one of integers, with the same bytes.",
            "A tensor's leaf takes in its dtype.",
            |model| tensor(model, "linear.weight").dtype = DType::I32,
        ),
        artifact(
            "artifact_with_a_tensor_more",
            "A tensor without elements is added.",
            "The root over tensors takes in their number.",
            |model| {
                model.push(OwnedTensor {
                    path: "more".into(),
                    dtype: DType::F32,
                    dims: vec![0],
                    data: Vec::new(),
                });
            },
        ),
        honest
            .attack(
                "artifact_missing",
                "No weights are handed over.",
                "What is not there is not shown.",
            )
            .without(ARTIFACT)
            .fails("artifact", "model.safetensors"),
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

/// The text with the last digit of `field` made a 9.
fn replaced(text: &[u8], field: &str) -> Vec<u8> {
    let text = std::str::from_utf8(text).unwrap();
    assert!(text.contains(field), "{text}");
    let other = format!("{}9", &field[..field.len() - 1]);
    text.replace(field, &other).into_bytes()
}
