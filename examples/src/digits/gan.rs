//! A Wasserstein GAN that draws digits: a generator, a critic with clipped weights, and
//! the average of the generator over the last steps. (Arjovsky, Chintala, Bottou:
//! Wasserstein GAN, 2017.)

use super::PIXELS;
use burn::module::{Module, ModuleMapper, Param};
use burn::nn::{LeakyRelu, LeakyReluConfig, Linear, LinearConfig, Relu};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Distribution, Tensor};
use burn_pow::snapshot::Snapshot;
use burn_pow::{Parts, TrainingParts};

/// The number of random numbers that an image is made from.
pub const NOISE: usize = 16;

/// The critic takes this many steps for each step of the generator.
const CRITIC_STEPS: u64 = 3;

/// No weight of the critic is larger.
const CLIP: f32 = 0.1;

/// The share of the average that each step of the generator keeps.
const KEEP: f64 = 0.98;

const RATE: f64 = 1e-3;

/// Makes images from noise. It has about 26,000 parameters.
#[derive(Module, Debug)]
pub struct Generator {
    first: Linear,
    second: Linear,
    last: Linear,
    relu: Relu,
}

impl Generator {
    fn new(device: &Device) -> Self {
        Generator {
            first: LinearConfig::new(NOISE, 128).init(device),
            second: LinearConfig::new(128, 128).init(device),
            last: LinearConfig::new(128, PIXELS).init(device),
            relu: Relu::new(),
        }
    }

    /// Images of shape `[images, 64]`, from noise of shape `[images, 16]`.
    pub fn forward(&self, noise: Tensor<2>) -> Tensor<2> {
        let x = self.relu.forward(self.first.forward(noise));
        let x = self.relu.forward(self.second.forward(x));
        sigmoid(self.last.forward(x))
    }

    /// Images from noise that the device draws.
    pub fn draw(&self, images: usize) -> Tensor<2> {
        let device = self.first.weight.val().device();
        let shape = [images, NOISE];
        self.forward(Tensor::random(
            shape,
            Distribution::Normal(0.0, 1.0),
            &device,
        ))
    }
}

/// Scores how real images look. It has about 25,000 parameters.
#[derive(Module, Debug)]
pub struct Critic {
    first: Linear,
    second: Linear,
    last: Linear,
    relu: LeakyRelu,
}

impl Critic {
    fn new(device: &Device) -> Self {
        Critic {
            first: LinearConfig::new(PIXELS, 128).init(device),
            second: LinearConfig::new(128, 128).init(device),
            last: LinearConfig::new(128, 1).init(device),
            relu: LeakyReluConfig::new().init(),
        }
    }

    /// The mean score of images of shape `[images, 64]`.
    fn score(&self, images: Tensor<2>) -> Tensor<1> {
        let x = self.relu.forward(self.first.forward(images));
        let x = self.relu.forward(self.second.forward(x));
        self.last.forward(x).mean()
    }
}

/// All that the training changes.
pub struct Gan {
    generator: Generator,
    generator_optimizer: ModuleOptimizer,
    critic: Critic,
    critic_optimizer: ModuleOptimizer,
    /// The average of the generator over its last steps. It draws better images.
    averaged: Generator,
    /// Steps of the critic.
    steps: u64,
}

impl TrainingParts for Gan {
    fn show(&mut self, parts: &mut Parts<'_>) {
        parts.model("generator", &mut self.generator);
        parts.optimizer("generator", &mut self.generator_optimizer, &self.generator);
        parts.model("critic", &mut self.critic);
        parts.optimizer("critic", &mut self.critic_optimizer, &self.critic);
        parts.own_module("averaged", &mut self.averaged);
        parts.own("steps", &mut self.steps);
    }
}

impl Gan {
    /// The rate of both optimizers.
    pub const RATE: f64 = RATE;

    /// Networks with weights that `device` draws.
    pub fn new(device: &Device) -> Self {
        let generator = Generator::new(device);
        // Burn draws weights on first use, and the average begins with the same.
        drop(Snapshot::take(&generator));
        // A critic that changes as much as this one is followed better without much momentum.
        let adam = AdamConfig::new().with_beta_1(0.5).with_beta_2(0.9);
        Gan {
            averaged: generator.valid(),
            generator,
            generator_optimizer: adam.init(),
            critic: Critic::new(device),
            critic_optimizer: adam.init(),
            steps: 0,
        }
    }

    /// The average of the generator over its last steps.
    pub fn averaged(&self) -> &Generator {
        &self.averaged
    }

    /// The models that the next step changes.
    pub fn moves(&self) -> &'static [&'static str] {
        match self.moves_generator() {
            true => &["critic", "generator"],
            false => &["critic"],
        }
    }

    fn moves_generator(&self) -> bool {
        (self.steps + 1).is_multiple_of(CRITIC_STEPS)
    }

    /// How much higher the critic scores real `images`, of shape `[images, 64]`, than
    /// images from the generator. The critic's loss is the negative of it.
    pub fn gap(&self, images: Tensor<2>) -> Tensor<1> {
        let made = self.generator.draw(images.dims()[0]).detach();
        self.critic.score(images) - self.critic.score(made)
    }

    /// One step: of the critic, from the `gap` on `count` images, and of the generator if
    /// it is due.
    #[must_use]
    pub fn step(mut self, gap: Tensor<1>, count: usize) -> Self {
        let grads = GradientsParams::from_grads(gap.neg().backward(), &self.critic);
        let critic = self.critic_optimizer.step(RATE, self.critic, grads);
        self.critic = critic.map(&mut Clip);
        if self.moves_generator() {
            let loss = self.critic.score(self.generator.draw(count)).neg();
            let grads = GradientsParams::from_grads(loss.backward(), &self.generator);
            self.generator = self.generator_optimizer.step(RATE, self.generator, grads);
            self.averaged = average(self.averaged, &self.generator.valid());
        }
        self.steps += 1;
        self
    }
}

/// Limits each weight.
struct Clip;

impl ModuleMapper for Clip {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| {
            let is_trained = tensor.is_require_grad();
            let clipped = tensor.inner().clamp(-CLIP, CLIP).autodiff();
            clipped.set_require_grad(is_trained)
        })
    }
}

fn average(mean: Generator, newest: &Generator) -> Generator {
    let linear = |mean: Linear, newest: &Linear| Linear {
        weight: mixed(mean.weight, &newest.weight),
        bias: match (mean.bias, &newest.bias) {
            (Some(mean), Some(newest)) => Some(mixed(mean, newest)),
            (mean, _) => mean,
        },
    };
    Generator {
        first: linear(mean.first, &newest.first),
        second: linear(mean.second, &newest.second),
        last: linear(mean.last, &newest.last),
        relu: mean.relu,
    }
}

fn mixed<const D: usize>(mean: Param<Tensor<D>>, newest: &Param<Tensor<D>>) -> Param<Tensor<D>> {
    mean.map(|mean| mean * KEEP + newest.val() * (1.0 - KEEP))
}
