use super::*;
use crate::tensors::write::{Tensor, write_tensors};
use pow_core::tensor::{DType, TensorInfo};

fn write(dir: &Path, name: &str, tensors: &[&str]) {
    let info = |path| TensorInfo {
        path,
        dtype: DType::U8,
        dims: &[1],
    };
    let tensors: Vec<Tensor<'_>> = tensors
        .iter()
        .map(|path| Tensor {
            info: info(path),
            data: &[7],
        })
        .collect();
    write_tensors(&dir.join(name), &tensors).unwrap();
}

fn opened(path: &Path) -> Result<Vec<String>, String> {
    let model = PublishedModel::open(path).map_err(|error| error.to_string())?;
    let tensors = model.tensors();
    Ok(tensors.map(|(_, t)| t.info().path.into()).collect())
}

/// A model of two files, whose index is `weight_map`.
fn sharded(weight_map: &str) -> (tempfile::TempDir, Result<Vec<String>, String>) {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "1.safetensors", &["a", "b"]);
    write(dir.path(), "2.safetensors", &["c"]);
    let index = format!(r#"{{"weight_map":{weight_map}}}"#);
    std::fs::write(dir.path().join(INDEX_FILE), index).unwrap();
    let model = opened(dir.path());
    (dir, model)
}

#[test]
fn a_directory_has_one_model() {
    let dir = tempfile::tempdir().unwrap();
    let error = |words: &str| {
        let error = opened(dir.path()).unwrap_err();
        assert!(error.contains(words), "{error}");
    };
    error("neither model.safetensors nor");
    write(dir.path(), MODEL_FILE, &["a"]);
    assert_eq!(opened(dir.path()).unwrap(), ["a"]);
    assert_eq!(opened(&dir.path().join(MODEL_FILE)).unwrap(), ["a"]);
    std::fs::write(dir.path().join(INDEX_FILE), "{}").unwrap();
    error("both model.safetensors and");
}

#[test]
fn the_files_have_exactly_the_tensors_of_the_index() {
    const GOOD: &str = r#"{"a":"1.safetensors","b":"1.safetensors","c":"2.safetensors"}"#;
    let (dir, model) = sharded(GOOD);
    assert_eq!(model.unwrap(), ["a", "b", "c"]);
    assert_eq!(opened(&dir.path().join(INDEX_FILE)).unwrap().len(), 3);
    let refused = |map: &str, words: &str| {
        let (_dir, model) = sharded(map);
        let error = model.unwrap_err();
        assert!(error.ends_with(words), "{error}");
    };
    refused(
        &GOOD.replace(r#""c":"#, r#""d":"2.safetensors","c":"#),
        "it puts tensor d into 2.safetensors, which has no such tensor",
    );
    refused(
        &GOOD.replace(r#","b":"1.safetensors""#, ""),
        "1.safetensors has tensor b, which it does not name",
    );
    refused(
        &GOOD.replace(r#""b":"1"#, r#""b":"2"#),
        "1.safetensors has tensor b, which it puts into 2.safetensors",
    );
    refused(
        &GOOD.replace(r#""c":"2"#, r#""c":"3"#),
        "it names 3.safetensors, which is not there",
    );
    refused(
        &GOOD.replace("2.safetensors", "../2.safetensors"),
        "but only the plain name of a file beside the index is allowed",
    );
}

/// The second file has a tensor that the first one has, too.
#[test]
fn one_tensor_in_two_files_is_refused() {
    let (dir, _) = sharded(r#"{"a":"1.safetensors","b":"1.safetensors","c":"2.safetensors"}"#);
    write(dir.path(), "2.safetensors", &["b", "c"]);
    let error = opened(dir.path()).unwrap_err();
    let words = "2.safetensors has tensor b, which it puts into 1.safetensors";
    assert!(error.ends_with(words), "{error}");
}

/// Each element type of the `safetensors` crate, as that crate writes it.
#[test]
fn every_type_of_the_safetensors_crate_is_read() {
    use safetensors::tensor::{Dtype, TensorView};
    #[rustfmt::skip]
    let all = [
        Dtype::BOOL, Dtype::F4, Dtype::F6_E2M3, Dtype::F6_E3M2, Dtype::U8, Dtype::I8, Dtype::F8_E5M2,
        Dtype::F8_E4M3, Dtype::F8_E8M0, Dtype::F8_E4M3FNUZ, Dtype::F8_E5M2FNUZ, Dtype::I16, Dtype::U16,
        Dtype::F16, Dtype::BF16, Dtype::I32, Dtype::U32, Dtype::F32, Dtype::C64, Dtype::F64, Dtype::I64,
        Dtype::U64,
    ];
    let data = [7; 64];
    let views = all.map(|dtype| {
        let data = &data[..dtype.bitsize()];
        (
            dtype.to_string(),
            TensorView::new(dtype, vec![4, 2], data).unwrap(),
        )
    });
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(MODEL_FILE);
    std::fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    let model = PublishedModel::open(&path).unwrap();
    let mut found: Vec<(String, usize)> = model
        .tensors()
        .map(|(_, tensor)| {
            assert_eq!(tensor.info().dtype.name(), tensor.info().path);
            (tensor.info().path.to_owned(), tensor.byte_len() as usize)
        })
        .collect();
    found.sort();
    let mut expected = all.map(|dtype| (dtype.to_string(), dtype.bitsize()));
    expected.sort();
    assert_eq!(found, expected);
}

#[cfg(unix)]
#[test]
fn nothing_beside_the_index_is_reached_through_a_link() {
    use std::os::unix::fs::symlink;
    let (dir, _) = sharded(r#"{"a":"1.safetensors","b":"1.safetensors","c":"2.safetensors"}"#);
    let (shard, moved) = (dir.path().join("2.safetensors"), dir.path().join("moved"));
    std::fs::rename(&shard, &moved).unwrap();
    symlink(&moved, &shard).unwrap();
    let error = opened(dir.path()).unwrap_err();
    let words = "2.safetensors: not a regular file: it is a symbolic link";
    assert!(error.ends_with(words), "{error}");
    // The directory itself may be a link.
    std::fs::remove_file(&shard).unwrap();
    std::fs::rename(&moved, &shard).unwrap();
    let link = dir.path().join("link");
    symlink(dir.path(), &link).unwrap();
    assert_eq!(opened(&link).unwrap().len(), 3);
}
