//! JSON that some readers accept and others refuse. One file must not be two
//! models, or a checkpoint for one reader only.

use pow_core::hash::StateRoot;
use pow_core::tensor::{DType, TensorInfo};
use pow_ledger::{CheckpointFiles, RunDir, Tensor, TensorFile, write_tensors};
use pow_tests::model::tensor_file;
use std::path::Path;
use tempfile::TempDir;

tests! {
    a_tensor_that_is_no_object, lengths_that_overflow_when_added, a_state_that_is_no_object,
    a_tensor_called_as_the_metadata
}

/// The error that a file of this header and four bytes of data gives.
fn refused(header: &str) -> String {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("model.safetensors");
    std::fs::write(&path, tensor_file(header, &[0; 4])).unwrap();
    TensorFile::open(&path).unwrap_err().to_string()
}

/// The `safetensors` crate takes both; `scripts/param_root.py` takes neither.
fn a_tensor_that_is_no_object() {
    let array = r#"{"w":["F32",[1],[0,4]]}"#;
    assert!(refused(array).contains("invalid type: sequence"));
    let more = r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"strides":[1]}}"#;
    assert!(refused(more).contains("unknown field `strides`"));
}

/// Eight tensors of nearly 2^61 bytes and a small one: in a build with overflow
/// checks, the `safetensors` crate panics where it adds them up.
fn lengths_that_overflow_when_added() {
    let len = (1u64 << 61) - 1;
    let lens = [len, len, len, len, len, len, len, len, 7];
    let mut end = 0;
    let tensors = lens.map(|len| {
        let begin = end;
        end += len;
        format!(r#""{begin}":{{"dtype":"U8","shape":[{len}],"data_offsets":[{begin},{end}]}}"#)
    });
    assert_eq!(end, u64::MAX);
    let words = refused(&format!("{{{}}}", tensors.join(",")));
    let expected = format!("a tensor ends at byte {len} of 4");
    assert!(words.contains(&expected), "{words}");
}

fn checkpoint(dir: &Path, state: &str) -> CheckpointFiles {
    let files = RunDir::new(dir).checkpoint(StateRoot([0; 32]));
    std::fs::create_dir_all(files.dir()).unwrap();
    let nothing = tensor_file("{}", &[]);
    std::fs::write(files.model(), &nothing).unwrap();
    std::fs::write(files.optimizer(), &nothing).unwrap();
    std::fs::write(files.state(), state).unwrap();
    files
}

fn a_state_that_is_no_object() {
    let dir = TempDir::new().unwrap();
    let object = r#"
        {"schema":"burn-pow/state/v1","step":1,"scheduler_steps":2,"seed_position":3,"cursor":4}"#;
    let (_, step) = checkpoint(dir.path(), object).recompute().unwrap();
    assert_eq!(step.0, 1);
    let array = r#"["burn-pow/state/v1",1,2,3,4]"#;
    let error = checkpoint(dir.path(), array).recompute().unwrap_err();
    assert!(error.to_string().contains("not a JSON object"), "{error}");
}

/// If it were written, no reader would find it.
fn a_tensor_called_as_the_metadata() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("model.safetensors");
    let written = |path_in_model| {
        let info = TensorInfo {
            path: path_in_model,
            dtype: DType::U8,
            dims: &[1],
        };
        write_tensors(&path, &[Tensor { info, data: &[7] }])
    };
    assert!(written("__metadata").is_ok());
    let error = written("__metadata__").unwrap_err().to_string();
    let words = "no tensor can be called __metadata__";
    assert!(error.contains(words), "{error}");
}
