//! Modules of many kinds: their roots are those of the files that Burn's own
//! store writes, and the recorder's wrapper does not change them.

use crate::program::*;
use burn::module::{Module, Param, ParamId};
use burn::nn::conv::{Conv1d, Conv1dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use burn::nn::gru::{Gru, GruConfig};
use burn::nn::transformer::{TransformerEncoder, TransformerEncoderConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear,
    LinearConfig, LinearLayout, Lstm, LstmConfig, PRelu, PReluConfig,
};
use burn::tensor::{Bool, Device, FloatDType, Int, Tensor, TensorData};
use burn_pow::snapshot::Snapshot;
use burn_pow::tensors::parameter_root;
use burn_store::{ModuleSnapshot, SafetensorsStore};
use pow_core::tensor::DType;
use pow_ledger::TensorFile;
use std::collections::BTreeSet;

#[derive(Module, Debug)]
enum Head {
    Narrow(Linear),
    Wide((Linear, PRelu)),
}

#[derive(Module, Debug)]
struct Zoo {
    conv: Conv1d,
    upward: ConvTranspose2d,
    norm: BatchNorm,
    layer_norm: LayerNorm,
    embedding: Embedding,
    lstm: Lstm,
    gru: Gru,
    encoder: TransformerEncoder,
    columns: Linear,
    half: Param<Tensor<2>>,
    double: Param<Tensor<1>>,
    whole: Param<Tensor<1, Int>>,
    mask: Param<Tensor<2, Bool>>,
    frozen: Linear,
    tied: (Embedding, Embedding),
    narrow: Head,
    wide: Head,
    there: Option<Linear>,
    absent: Option<Linear>,
    array: [Linear; 2],
    many: Vec<Linear>,
    /// Burn does not visit it.
    plain: Tensor<1>,
}

impl Zoo {
    fn new() -> Self {
        let device = Device::flex().autodiff();
        device.seed(3);
        let linear = || LinearConfig::new(2, 3).init(&device);
        let shared = EmbeddingConfig::new(5, 2).init(&device);
        let floats = |count: usize| {
            Tensor::<1>::from_data(
                TensorData::from(&(0..count).map(|i| i as f32 - 1.5).collect::<Vec<_>>()[..]),
                &device,
            )
        };
        let zoo = Zoo {
            conv: Conv1dConfig::new(2, 3, 2).init(&device),
            upward: ConvTranspose2dConfig::new([1, 2], [2, 2]).init(&device),
            norm: BatchNormConfig::new(3).init(&device),
            layer_norm: LayerNormConfig::new(4).init(&device),
            embedding: EmbeddingConfig::new(7, 3).init(&device),
            lstm: LstmConfig::new(2, 3, true).init(&device),
            gru: GruConfig::new(2, 2, true).init(&device),
            encoder: TransformerEncoderConfig::new(4, 8, 2, 2).init(&device),
            columns: LinearConfig::new(2, 5)
                .with_layout(LinearLayout::Col)
                .init(&device),
            half: Param::from_tensor(floats(6).reshape([2, 3]).cast(FloatDType::F16)),
            double: Param::from_tensor(floats(2).cast(FloatDType::F64)),
            whole: Param::initialized(
                ParamId::new(),
                Tensor::from_data(TensorData::from([7i64, -1]), &device),
            ),
            mask: Param::initialized(
                ParamId::new(),
                Tensor::from_data(TensorData::from([[true, false], [false, true]]), &device),
            ),
            frozen: linear().no_grad(),
            tied: (shared.clone(), shared),
            narrow: Head::Narrow(linear()),
            wide: Head::Wide((linear(), PReluConfig::new().init(&device))),
            there: Some(linear()),
            absent: None,
            array: [linear(), linear()],
            many: vec![linear()],
            plain: floats(3),
        };
        drop(Snapshot::take(&zoo));
        zoo
    }
}

#[test]
fn every_kind_of_module_has_the_root_of_its_file() {
    let _alone = alone();
    let zoo = Zoo::new();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("theirs.safetensors");
    let mut store = SafetensorsStore::from_file(&path);
    zoo.save_into(&mut store).unwrap();
    let root = TensorFile::open(&path).unwrap().root().unwrap();
    assert_eq!(root, root_of(&zoo));
}

#[test]
fn the_wrapper_changes_no_root() {
    let _alone = alone();
    let (_place, run) = place();
    let open = create(config(&run));
    let expected = root_of(&Zoo::new());
    assert_eq!(root_of(&open.wrap(Zoo::new())), expected);
    assert_eq!(root_of(&open.wrap(Zoo::new()).valid()), expected);
}

#[test]
fn what_is_committed_of_every_kind() {
    let _alone = alone();
    let zoo = Zoo::new();
    let tensors = Snapshot::take(&zoo).read().unwrap();
    let paths: BTreeSet<&str> = tensors.iter().map(|tensor| tensor.path.as_str()).collect();
    let dtype = |path: &str| {
        let found = tensors.iter().find(|tensor| tensor.path == path);
        found.map(|tensor| tensor.dtype)
    };
    assert_eq!(dtype("half"), Some(DType::F16));
    assert_eq!(dtype("double"), Some(DType::F64));
    assert_eq!(dtype("whole"), Some(DType::I32));
    assert_eq!(dtype("mask"), Some(DType::Bool));
    assert!(paths.contains("frozen.weight"));
    // Tied weights are there under both names, with the same bytes.
    let bytes = |path: &str| {
        let found = tensors.iter().find(|tensor| tensor.path == path);
        found.unwrap().bytes.clone()
    };
    assert_eq!(bytes("tied.0.weight"), bytes("tied.1.weight"));
    assert!(paths.iter().any(|path| path.starts_with("norm.running_")));
    assert!(paths.iter().any(|path| path.starts_with("there.")));
    assert!(!paths.iter().any(|path| path.starts_with("absent")));
    // A plain tensor is no parameter.
    assert!(!paths.contains("plain"));
    // Saved in another shape than it is used in.
    let columns = tensors
        .iter()
        .find(|tensor| tensor.path == "columns.weight");
    assert_eq!(columns.unwrap().dims, [5, 2]);
    assert_eq!(zoo.columns.weight.dims(), [2, 5]);
}

#[test]
fn any_change_of_a_parameter_changes_the_root() {
    let _alone = alone();
    let zoo = Zoo::new();
    let tensors = Snapshot::take(&zoo).read().unwrap();
    let mut seen = BTreeSet::from([root_of(&zoo).0]);
    for at in 0..tensors.len() {
        let mut changed = tensors.clone();
        let mut bytes = changed[at].bytes.to_vec();
        bytes[0] ^= 1;
        changed[at].bytes = std::sync::Arc::new(burn::tensor::Bytes::from_bytes_vec(bytes));
        assert!(
            seen.insert(parameter_root(&changed).unwrap().0),
            "{}",
            tensors[at].path
        );
    }
}
