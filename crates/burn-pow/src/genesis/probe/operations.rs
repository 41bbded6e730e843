//! The operations of the probe.

use super::SEED;
use burn::tensor::activation::{gelu, log_softmax, sigmoid, softmax};
use burn::tensor::module::{avg_pool2d, conv2d, layer_norm, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Distribution, Tensor, TensorData};

/// Executes an operation. `None` if its results cannot be read.
pub(super) type Run = fn(&Device) -> Option<Vec<TensorData>>;

/// All operations that draw nothing.
pub(super) const OPERATIONS: [(&str, Run); 32] = [
    ("matmul 24x64x24", |d| matmul(d, 24, 64)),
    ("matmul 24x600x24", |d| matmul(d, 24, 600)),
    ("matmul 24x3000x24", |d| matmul(d, 24, 3000)),
    // Above 64 rows, Burn's CPU backend divides sums by the size of the CPU's caches.
    ("matmul 96x3000x96", |d| matmul(d, 96, 3000)),
    ("matmul 64x64x10 backward", matmul_backward),
    ("matmul transposed 24x600x24", |d| {
        let (a, b) = (values([600, 24], 1, d), values([600, 24], 2, d));
        read(a.transpose().matmul(b))
    }),
    // Some CPUs multiply small matrices with whole vectors of products, others do not.
    ("matmul rows 8x600x8", |d| {
        let (a, b) = (values([8, 600], 1, d), values([8, 600], 2, d));
        read(a.matmul(b.transpose()))
    }),
    ("matmul row 1x600x8", |d| {
        let (a, b) = (values([1, 600], 1, d), values([8, 600], 2, d));
        read(a.matmul(b.transpose()))
    }),
    ("sum 3000", |d| read(values([3000], 3, d).sum())),
    ("mean 3000", |d| read(values([3000], 3, d).mean())),
    ("sum rows 64x600", |d| {
        read(values([64, 600], 4, d).sum_dim(1))
    }),
    ("sum columns 64x600", |d| {
        read(values([64, 600], 4, d).sum_dim(0))
    }),
    ("mean rows 64x600", |d| {
        read(values([64, 600], 4, d).mean_dim(1))
    }),
    ("variance rows 64x600", |d| {
        read(values([64, 600], 4, d).var(1))
    }),
    ("softmax 64x600", |d| {
        read(softmax(values([64, 600], 5, d) * 8, 1))
    }),
    ("log softmax 64x600", |d| {
        read(log_softmax(values([64, 600], 5, d) * 8, 1))
    }),
    ("layer norm 64x600", |d| {
        let gamma = values([600], 6, d);
        let beta = Some(values([600], 7, d));
        read(layer_norm(values([64, 600], 4, d), gamma, beta, 1e-5))
    }),
    ("exp", |d| read(wide(d).exp())),
    ("log", |d| read(positive(d).log())),
    ("log1p", |d| read(positive(d).log1p())),
    ("sqrt", |d| read(positive(d).sqrt())),
    ("tanh", |d| read(wide(d).tanh())),
    ("erf", |d| read(wide(d).erf())),
    ("sin and cos", |d| read_all([wide(d).sin(), wide(d).cos()])),
    ("sigmoid", |d| read(sigmoid(wide(d)))),
    ("gelu", |d| read(gelu(wide(d)))),
    ("pow", |d| {
        let power = positive(d).powf(values([MANY], 9, d));
        read_all([power, positive(d).powf_scalar(0.75)])
    }),
    ("conv2d 4x3x14x14", convolution),
    ("conv2d 4x3x14x14 backward", convolution_backward),
    ("max pool 4x3x14x14", |d| {
        let options = MaxPoolOptions::new([2, 2]).with_stride([2, 2]);
        pooled(d, |x| max_pool2d(x, options.clone()))
    }),
    ("average pool 4x3x14x14", |d| {
        let options = AvgPoolOptions::new([2, 2]).with_stride([2, 2]);
        pooled(d, |x| avg_pool2d(x, options.clone()))
    }),
    ("host f64 functions", host_functions),
];

/// The operations that draw random numbers.
pub(super) const DRAWS: [(&str, Run); 2] = [
    ("random uniform", |d| {
        drawn(d, Distribution::Uniform(-1.0, 1.0))
    }),
    ("random normal", |d| {
        drawn(d, Distribution::Normal(0.0, 1.0))
    }),
];

/// The number of elements of an elementwise operation. The functions of two C
/// libraries differ in few inputs.
const MANY: usize = 4096;

/// Numbers from -1 (inclusive) to 1 (exclusive), the same on every machine: 24 bits
/// of a hash (SplitMix64) of place and `salt`, so that a float holds them exactly.
fn numbers(count: usize, salt: u64) -> Vec<f32> {
    let number = |place: u64| {
        let mut z = (place + (salt << 32) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bits = ((z ^ (z >> 31)) >> 40) as i32;
        (bits - (1 << 23)) as f32 / (1 << 23) as f32
    };
    (0..count as u64).map(number).collect()
}

fn values<const D: usize>(shape: [usize; D], salt: u64, device: &Device) -> Tensor<D> {
    let data = TensorData::new(numbers(shape.iter().product(), salt), shape);
    Tensor::from_data(data, device)
}

/// Numbers from -8 to 8.
fn wide(device: &Device) -> Tensor<1> {
    values([MANY], 8, device) * 8
}

/// Numbers above 0, up to 8.
fn positive(device: &Device) -> Tensor<1> {
    wide(device).abs() + 1e-3
}

fn read<const D: usize>(tensor: Tensor<D>) -> Option<Vec<TensorData>> {
    read_all([tensor])
}

fn read_all<const D: usize, const N: usize>(tensors: [Tensor<D>; N]) -> Option<Vec<TensorData>> {
    let data = tensors
        .into_iter()
        .map(|tensor| tensor.try_into_data().ok());
    data.collect()
}

fn matmul(device: &Device, outer: usize, inner: usize) -> Option<Vec<TensorData>> {
    let (a, b) = (
        values([outer, inner], 1, device),
        values([inner, outer], 2, device),
    );
    read(a.matmul(b))
}

/// The device with gradients.
fn training(device: &Device) -> Device {
    crate::genesis::machine::training_device(device)
}

fn matmul_backward(device: &Device) -> Option<Vec<TensorData>> {
    let device = &training(device);
    let a = values([64, 64], 1, device).require_grad();
    let b = values([64, 10], 2, device).require_grad();
    let gradients = a.clone().matmul(b.clone()).tanh().sum().backward();
    read_all([a.grad(&gradients)?, b.grad(&gradients)?])
}

fn image(device: &Device) -> Tensor<4> {
    values([4, 3, 14, 14], 10, device)
}

fn kernels(device: &Device) -> Tensor<4> {
    values([8, 3, 3, 3], 11, device)
}

fn convolved(image: Tensor<4>, kernels: Tensor<4>) -> Tensor<4> {
    let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
    conv2d(image, kernels, None, options)
}

fn convolution(device: &Device) -> Option<Vec<TensorData>> {
    read(convolved(image(device), kernels(device)))
}

fn convolution_backward(device: &Device) -> Option<Vec<TensorData>> {
    let device = &training(device);
    let image = image(device).require_grad();
    let kernels = kernels(device).require_grad();
    let loss = convolved(image.clone(), kernels.clone()).tanh().sum();
    let gradients = loss.backward();
    read_all([image.grad(&gradients)?, kernels.grad(&gradients)?])
}

/// A pooling and its gradient.
fn pooled(device: &Device, pool: impl Fn(Tensor<4>) -> Tensor<4>) -> Option<Vec<TensorData>> {
    let device = &training(device);
    let image = image(device).require_grad();
    let pooled = pool(image.clone());
    let gradients = pooled.clone().tanh().sum().backward();
    read_all([pooled, image.grad(&gradients)?])
}

/// What learning-rate schedulers and loops compute on the host, with the C library's
/// functions.
fn host_functions(_: &Device) -> Option<Vec<TensorData>> {
    let of = |function: fn(f64) -> f64| {
        let inputs = numbers(1024, 12).into_iter();
        let results: Vec<f64> = inputs.map(|x| function(f64::from(x) * 4.0)).collect();
        TensorData::from(results.as_slice())
    };
    Some(vec![
        of(f64::cos),
        of(f64::sin),
        of(f64::exp),
        of(f64::tanh),
        of(|x| (x.abs() + 1e-3).ln()),
        of(|x| (x.abs() + 1e-3).powf(x)),
    ])
}

fn drawn(device: &Device, distribution: Distribution) -> Option<Vec<TensorData>> {
    device.seed(SEED);
    read(Tensor::<1>::random([MANY], distribution, device))
}
