//! How good samples are, by a small classifier trained on the real data.

use brigand::data::Dataset;
use brigand::modules::{Activate, Chain, How, Initialization, Linear, Mode, Network, Plan, Reshape, Weights};
use brigand::players::{Optimizer, OptimizerRecipe};
use brigand::{Place, Setup};
use brigand_autograd::{Activation, Variable, grad};
use candle_core::{DType, Device, Tensor};

const CLASSES: usize = 10;

/// A fully connected classifier of images.
pub(crate) struct Classifier {
    network: Network<Chain>,
    weights: Weights,
}

/// How a set of images is classified.
#[derive(Debug)]
pub(crate) struct Quality {
    /// Classes with at least 2% of the images (Y4 of the usual yardsticks).
    pub(crate) classes: usize,
    /// The mean of the largest class probability.
    pub(crate) confidence: f64,
    /// The largest share of one class.
    pub(crate) largest_share: f64,
}

impl Classifier {
    /// Trains on the first `samples` images of `data`.
    pub(crate) fn train(data: &Dataset, samples: usize, steps: u64) -> Self {
        let pixels: usize = data.shape().iter().product();
        let schema = brigand::batch::Schema::default();
        let setup = Setup { schema, batch: 64, steps, seed: 1, place: Place::cpu() };
        let plan = Plan::new(Initialization::Glorot);
        let network = Network::build("classifier", &setup, |builder| {
            let mut layers = Chain::new();
            layers.push_plain(Reshape(vec![pixels]));
            layers.push(builder, |b| Linear::new(b, pixels, 128, &plan))?;
            layers.push_plain(Activate(Activation::Relu));
            layers.push(builder, |b| Linear::new(b, 128, CLASSES, &plan))?;
            Ok(layers)
        });
        let mut network = network.unwrap();
        let mut weights = network.parameters().weights().clone();
        let mut optimizer = Optimizer::new(OptimizerRecipe::adam(1e-3, 0.9, 0.999), &weights).unwrap();
        let mut sampler = brigand::data::Sampler::new(samples, 64, 1).unwrap();
        for step in 0..steps {
            let batch = data.get(&sampler.indices(step)).unwrap();
            let labels = batch.labels.unwrap();
            let images = Variable::from_slice(&batch.values, &batch.shape).unwrap();
            let how = How { weights: Some(&weights), ..How::plain(Mode::Training) };
            let logits = network.run(how, |layers, pass| layers.run(pass, &images)).unwrap();
            let target = Variable::one_hot(&labels, CLASSES, DType::F32, &Device::Cpu).unwrap();
            let loss = logits.log_softmax(1).unwrap().mul(&target).unwrap().sum_all().unwrap();
            let loss = loss.scale(-1.0 / labels.len() as f64).unwrap();
            let gradients = grad(&loss, &weights.values().iter().collect::<Vec<_>>(), false).unwrap();
            weights = optimizer.step_all(&weights, &gradients).unwrap();
        }
        Self { network, weights }
    }

    fn probabilities(&self, images: &Variable) -> Vec<Vec<f32>> {
        let logits =
            self.network.sample(Some(&self.weights), images, |layers, pass| layers.run(pass, images));
        let tensor: Tensor = logits.unwrap().softmax(1).unwrap().into_tensor();
        tensor.to_vec2::<f32>().unwrap()
    }

    /// The share of images whose class is recognised.
    pub(crate) fn accuracy(&self, data: &Dataset, indices: &[usize]) -> f64 {
        let batch = data.get(indices).unwrap();
        let images = Variable::from_slice(&batch.values, &batch.shape).unwrap();
        let found = self.probabilities(&images);
        let right =
            found.iter().zip(batch.labels.unwrap()).filter(|(row, label)| largest(row).0 == *label as usize);
        right.count() as f64 / indices.len() as f64
    }

    /// The share of `images` `[n, channels, height, width]` that are classified as the class named for them.
    pub(crate) fn match_share(&self, images: &Variable, classes: &[u32]) -> f64 {
        let found = self.probabilities(images);
        let right = found.iter().zip(classes).filter(|(row, class)| largest(row).0 == **class as usize);
        right.count() as f64 / classes.len() as f64
    }

    /// For each of `images`, its class.
    pub(crate) fn classes(&self, images: &Variable) -> Vec<usize> {
        self.probabilities(images).iter().map(|row| largest(row).0).collect()
    }

    /// How `images` `[n, channels, height, width]` are classified.
    pub(crate) fn quality(&self, images: &Variable) -> Quality {
        let rows = self.probabilities(images);
        let mut counts = [0usize; CLASSES];
        let mut confidence = 0.0;
        for row in &rows {
            let (class, probability) = largest(row);
            counts[class] += 1;
            confidence += f64::from(probability);
        }
        let shares = counts.map(|count| count as f64 / rows.len() as f64);
        Quality {
            classes: shares.iter().filter(|&&share| share >= 0.02).count(),
            confidence: confidence / rows.len() as f64,
            largest_share: shares.into_iter().fold(0.0, f64::max),
        }
    }
}

fn largest(row: &[f32]) -> (usize, f32) {
    row.iter()
        .copied()
        .enumerate()
        .fold((0, f32::MIN), |best, next| if next.1 > best.1 { next } else { best })
}
