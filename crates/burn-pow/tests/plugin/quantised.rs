//! A model whose frozen part is quantised, with a small part on it that learns.

use crate::program::*;
use burn::data::dataloader::DataLoader;
use burn::module::{Module, Quantizer};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::quantization::{Calibration, QuantScheme, QuantValue};
use burn::tensor::{Device, Tensor};
use burn_pow::snapshot::Snapshot;
use burn_pow::{Action, Ending, Finished, PowConfig, PowError, PowRun};
use pow_audit::replay::SegmentOutcome;
use pow_audit::{Level, Verdict};
use pow_core::tensor::DType;
use pow_ledger::{LedgerError, RunDir, TensorFile};

#[derive(Module, Debug)]
struct Adapted {
    base: Linear,
    adapter: Linear,
    last: Linear,
}

impl Adapted {
    fn new(value: QuantValue) -> Self {
        let device = Device::flex().autodiff();
        device.seed(3);
        let scheme = QuantScheme::default().with_value(value);
        let mut quantizer = Quantizer::new(Calibration::MinMax, scheme);
        let base = LinearConfig::new(4, 8).with_bias(false).init(&device);
        let model = Adapted {
            base: base.quantize_weights(&mut quantizer).no_grad(),
            adapter: LinearConfig::new(4, 8).init(&device),
            last: LinearConfig::new(8, 2).init(&device),
        };
        drop(Snapshot::take(&model));
        model
    }

    fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        let x = self.base.forward(inputs.clone()) + self.adapter.forward(inputs);
        self.last.forward(x)
    }
}

fn train(
    action: Action,
    config: PowConfig,
    value: QuantValue,
) -> Result<(Adapted, Finished), PowError> {
    let run = PowRun::open(action, config)?;
    let device = Device::flex().autodiff();
    let train = loader(&run).to_device(&device);
    let started = run.start(Adapted::new(value), AdamConfig::new().init())?;
    let (mut model, mut optimizer) = (started.model, started.optimizer);
    for _ in started.epoch..2 {
        for tracked in train.iter() {
            if run.should_stop() {
                break;
            }
            let batch = run.micro_batch(&model, tracked.unwrap());
            let output = model.forward(batch.inputs);
            let loss = CrossEntropyLossConfig::new().init(&device);
            let loss = loss.forward(output, batch.classes);
            let grads = GradientsParams::from_grads(loss.backward(), &model);
            model = run.step(model, &mut optimizer, 1e-2, grads, None)?;
        }
    }
    let finished = run.finish(&model, Ending::Completed)?;
    Ok((model, finished))
}

/// The artifact's tensors: path, type, dims and bytes.
fn artifact_tensors(run: &RunDir) -> Vec<(String, DType, Vec<u64>, Vec<u8>)> {
    let mut found = Vec::new();
    let mut file = TensorFile::open(&run.artifact()).unwrap();
    file.stream::<LedgerError>(|tensor, bytes| {
        let (info, bytes) = (tensor.info(), bytes.read_all()?);
        found.push((info.path.to_owned(), info.dtype, info.dims.to_vec(), bytes));
        Ok(())
    })
    .unwrap();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[test]
fn it_is_committed_with_its_scheme_resumed_and_replayed() {
    let _alone = alone();
    let (_place, run) = place();
    let config = config(&run).mode(burn_pow::Mode::Gate);
    let (model, finished) = train(Action::Create, config.clone(), QuantValue::Q8S).unwrap();
    sealed(finished);
    let whole = report(&run);
    assert!(whole.holds(), "{whole}");
    assert_eq!(verdict(&whole, Level::State), Verdict::Holds);

    // What a reader of safetensors finds.
    let found = artifact_tensors(&run);
    let field = |name: &str| {
        let tensor = found.iter().find(|tensor| tensor.0 == name);
        tensor.unwrap_or_else(|| panic!("no {name}"))
    };
    let data = model.base.weight.val().into_data();
    assert_eq!(field("base.weight#bytes").3, data.bytes()[..]);
    let dims = field("base.weight#dims");
    assert_eq!((dims.1, &dims.2[..]), (DType::U64, &[2][..]));
    assert_eq!(dims.3, [4u64.to_le_bytes(), 8u64.to_le_bytes()].concat());
    let scheme = String::from_utf8(field("base.weight#scheme").3.clone()).unwrap();
    assert!(scheme.contains("Q8S"), "{scheme}");
    assert!(found.iter().any(|tensor| tensor.0 == "adapter.weight"));

    let expected = entries(&run);
    // Killed within the second epoch, it is resumed to the same end.
    let chain = std::fs::read(run.chain()).unwrap();
    let cut = block_ends(&chain)[7];
    std::fs::write(run.chain(), &chain[..cut]).unwrap();
    std::fs::remove_file(run.artifact()).unwrap();
    sealed(
        train(Action::Resume, config.clone(), QuantValue::Q8S)
            .unwrap()
            .1,
    );
    assert!(report(&run).holds());
    assert_eq!(entries(&run), expected);
    assert_eq!(artifact_tensors(&run), found);

    let report = replayed(&run, None, |action| {
        train(action, config.clone(), QuantValue::Q8S).map(drop)
    });
    for result in report.results() {
        let entries = result.segment.entries;
        assert_eq!(result.outcome, SegmentOutcome::BitExact { entries });
    }
}

#[test]
fn another_scheme_is_another_initial_state() {
    let _alone = alone();
    let roots = [QuantValue::Q8S, QuantValue::Q4S].map(|value| {
        let (_place, run) = place();
        sealed(train(Action::Create, config(&run), value).unwrap().1);
        entries(&run)[0].parameters
    });
    assert_ne!(roots[0], roots[1]);
}
