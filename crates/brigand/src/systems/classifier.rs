//! `classifier`: a small convolutional classifier of labelled images, trained by cross-entropy. Its features and
//! class probabilities judge samples of the same data, as Inception's judge photographs.

use brigand_autograd::{Output, Variable};
use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::Optimizer;
use super::average::WeightAverage;
use super::feed::Feed;
use super::recognition::{held_out_accuracy, labels, no_labels, recognised};
use super::registry::{Entry, Family, Length, SystemRecipe, own};
use super::state::{Fragment, State};
use super::{Report, Setup, System};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::layers::Mode;
use crate::networks::classifier::{Classifier, ClassifierNetworkRecipe};
use crate::networks::{Network, SampleKind, SampleShape, joint_gradients};
use crate::objectives::cross_entropy;
use crate::random::Stream;
use crate::systems::AverageRecipe;
use crate::systems::LatentSpace;
use crate::systems::OptimizerRecipe;

pub use super::recognition::HELD_OUT_ACCURACY;

/// The system's name in the registry.
pub(crate) const NAME: &str = "classifier";
/// Name of the cross-entropy of the training batch, in nats.
pub const LOSS: &str = "loss";
/// Name of the share of the training batch that is recognised.
pub const ACCURACY: &str = "accuracy";

/// How the classifier's weights step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierOptimizers {
    /// The optimizer of all its weights.
    pub classifier: OptimizerRecipe,
}

/// When it is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOutRecipe {
    /// Steps between two looks at the held-out samples; 0 for none. What falls between two lines of the
    /// measurements is not written, so let it be a multiple of `training.report_every`.
    pub every: u64,
}

/// How training images are varied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AugmentationRecipe {
    /// Each image is moved by up to this many pixels along both axes, its edge repeated; 0 for none.
    pub shift: usize,
}

/// Everything that makes a classifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierRecipe {
    /// Its network.
    pub network: ClassifierNetworkRecipe,
    /// How it steps.
    pub optimizer: ClassifierOptimizers,
    /// The average of the weights that is judged and used afterwards.
    pub average: AverageRecipe,
    /// How training images are varied.
    pub augmentation: AugmentationRecipe,
    /// When it is judged.
    pub held_out: HeldOutRecipe,
}

impl Default for ClassifierRecipe {
    fn default() -> Self {
        Self {
            network: ClassifierNetworkRecipe::default(),
            optimizer: ClassifierOptimizers { classifier: OptimizerRecipe::adam(1e-3, 0.9, 0.999) },
            average: AverageRecipe { decay: 0.995 },
            augmentation: AugmentationRecipe { shift: 1 },
            held_out: HeldOutRecipe { every: 200 },
        }
    }
}

impl SystemRecipe for ClassifierRecipe {
    fn defaults(_: SampleKind) -> Result<Self> {
        Ok(Self::default())
    }

    fn build(self, setup: &Setup<'_>) -> Result<Box<dyn System>> {
        Ok(Box::new(ClassifierTraining::new(self, setup.sample, setup.seed, setup.device)?))
    }

    fn check(&self) -> Result<()> {
        self.network.check()?;
        self.average.check()?;
        self.optimizer.classifier.check(NAME)
    }
}

/// Averages of the two parts' weights.
struct Averages {
    body: WeightAverage,
    head: WeightAverage,
}

/// A classifier in training.
pub struct ClassifierTraining {
    recipe: ClassifierRecipe,
    classifier: Classifier,
    optimizers: [Optimizer; 2],
    averages: Option<Averages>,
    device: Device,
}

/// Its row of the registry.
pub(super) const ROW: Entry = Entry {
    name: NAME,
    family: Family::Judges,
    summary: "a small convolutional classifier of labelled images, whose features judge samples of them",
    paper: "LeCun et al. 1998, doi:10.1109/5.726791",
    data: "digits",
    length: |_| Length { steps: 4000, batch: 64 },
    make: own::<ClassifierRecipe>(),
};

impl ClassifierTraining {
    /// Builds the network for samples of `sample`, with first values from `seed`.
    ///
    /// # Errors
    /// If the recipe is impossible or the network does not fit the samples.
    pub fn new(recipe: ClassifierRecipe, sample: SampleShape, seed: u64, device: &Device) -> Result<Self> {
        recipe.check()?;
        let classifier = Classifier::new(recipe.network, sample, seed, device)?;
        let average = |network: &Network| WeightAverage::new(recipe.average, &network.weights);
        let averages = average(&classifier.body)
            .zip(average(&classifier.head))
            .map(|(body, head)| Averages { body, head });
        let optimizer = Optimizer::new(recipe.optimizer.classifier);
        let optimizers = [optimizer.clone(), optimizer];
        Ok(Self { recipe, classifier, optimizers, averages, device: device.clone() })
    }

    /// The classifier with the averaged weights, on the processor.
    pub fn trained(&self) -> Result<Classifier> {
        let Classifier { body, head, .. } = &self.classifier;
        match &self.averages {
            Some(averages) => self.classifier.with_weights(&averages.body.weights, &averages.head.weights),
            None => self.classifier.with_weights(&body.weights, &head.weights),
        }
    }

    /// One step of all weights down `loss`.
    fn descend(&mut self, loss: &Variable) -> Result<()> {
        let Classifier { body, head, .. } = &mut self.classifier;
        let output = Output { variable: loss, weight: None };
        let gradients = joint_gradients(&[&*body, &*head], &[output])?;
        let learning = [&mut *body, &mut *head].into_iter().zip(&mut self.optimizers);
        for ((network, optimizer), own) in learning.zip(gradients) {
            optimizer.step(&mut network.weights, &own)?;
        }
        if let Some(averages) = &mut self.averages {
            averages.body.follow(&body.weights)?;
            averages.head.follow(&head.weights)?;
        }
        Ok(())
    }

    /// Everything a checkpoint holds, by name.
    fn parts(&mut self) -> Vec<(&'static str, &mut dyn Fragment)> {
        let [body_optimizer, head_optimizer] = &mut self.optimizers;
        let mut parts: Vec<(&'static str, &mut dyn Fragment)> = vec![
            ("body", &mut self.classifier.body),
            ("head", &mut self.classifier.head),
            ("optimizer.body", body_optimizer),
            ("optimizer.head", head_optimizer),
        ];
        if let Some(averages) = &mut self.averages {
            parts.push(("average.body", &mut averages.body));
            parts.push(("average.head", &mut averages.head));
        }
        parts
    }
}

/// Every image moved by its own draw of up to `reach` pixels along both axes, its edge repeated.
fn shifted(images: &Variable, reach: usize, stream: &mut Stream) -> Result<Variable> {
    let (count, channels, height, width) = images.dims4("shift")?;
    if reach == 0 {
        return Ok(images.clone());
    }
    let values = images.to_vec_f32()?;
    let draws = stream.uniform(2 * count, 0.0, (2 * reach + 1) as f32);
    let place = |at: usize, draw: f32, size: usize| {
        (at + (draw as usize).min(2 * reach)).saturating_sub(reach).min(size - 1)
    };
    let mut moved = Vec::with_capacity(values.len());
    for (image, draw) in values.chunks_exact(channels * height * width).zip(draws.chunks_exact(2)) {
        for plane in image.chunks_exact(height * width) {
            for y in 0..height {
                let row = &plane[place(y, draw[0], height) * width..][..width];
                moved.extend((0..width).map(|x| row[place(x, draw[1], width)]));
            }
        }
    }
    let moved = Tensor::from_vec(moved, images.shape(), &Device::Cpu)?.to_device(images.device())?;
    Ok(Variable::constant(moved))
}

impl System for ClassifierTraining {
    fn networks(&self) -> Vec<&Network> {
        vec![&self.classifier.body, &self.classifier.head]
    }

    fn train_step(&mut self, feed: &mut Feed, step: u64) -> Result<Report> {
        let batch = feed.batch(step)?;
        let labels = labels(&batch)?;
        let mut stream = Stream::new(feed.seed(), "augmentation", step);
        let images = shifted(&batch.samples, self.recipe.augmentation.shift, &mut stream)?;
        let logits = self.classifier.forward(&images, Mode::Training)?.logits;
        let classes = self.classifier.classes();
        let targets = Variable::one_hot(labels, classes, logits.dtype(), &self.device)?;
        let loss = cross_entropy(&logits, &targets)?;
        let mut report = Report::from([
            (LOSS.to_owned(), loss.scalar()?),
            (ACCURACY.to_owned(), recognised(&logits, labels)? as f64 / labels.len().max(1) as f64),
        ]);
        self.descend(&loss)?;
        let every = self.recipe.held_out.every;
        if every > 0 && (step + 1).is_multiple_of(every) && feed.held_out_count() > 0 {
            let judge = self.trained()?;
            let share = held_out_accuracy(feed, &Device::Cpu, |samples| Ok(judge.judge(samples)?.logits))?;
            report.insert(HELD_OUT_ACCURACY.into(), share);
        }
        Ok(report)
    }

    fn sample_shape(&self) -> SampleShape {
        self.classifier.sample_shape()
    }

    fn generates(&self) -> bool {
        false
    }

    fn needs_held_out(&self) -> bool {
        true
    }

    fn check_data(&self, data: &Dataset) -> Result<()> {
        let (found, wanted) = (data.labels().ok_or_else(no_labels)?.classes.len(), self.classifier.classes());
        if found != wanted {
            return Err(Error::Request(format!(
                "{} has {found} classes, the network {wanted}; give --set network.classes={found}",
                data.name()
            )));
        }
        Ok(())
    }

    fn device(&self) -> &Device {
        &self.device
    }

    fn latent_space(&self) -> Result<LatentSpace> {
        Err(no_samples())
    }

    fn generate(&self, _: &Variable) -> Result<Variable> {
        Err(no_samples())
    }

    fn save(&mut self, state: &mut State) -> Result<()> {
        self.parts().into_iter().try_for_each(|(name, part)| part.save(name, state))
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.parts().into_iter().try_for_each(|(name, part)| part.restore(name, state))
    }
}

fn no_samples() -> Error {
    Error::Request("a classifier makes no samples; it judges those of a generator".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts_move_whole_images_and_repeat_their_edge() {
        let image: Vec<f32> = (0..20).map(|i| i as f32).collect();
        let images = Variable::from_slice(&image.repeat(200), &[200, 1, 4, 5]).unwrap();
        let moved = shifted(&images, 1, &mut Stream::new(3, "a test", 0)).unwrap().to_vec_f32().unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for moved in moved.chunks(20) {
            let at = |y: i32, x: i32| (y.clamp(0, 3) * 5 + x.clamp(0, 4)) as f32;
            let (dy, dx) = (-1..=1)
                .flat_map(|dy| (-1..=1).map(move |dx| (dy, dx)))
                .find(|&(dy, dx)| (0..20).all(|i| moved[i as usize] == at(i / 5 + dy, i % 5 + dx)))
                .unwrap();
            seen.insert((dy, dx));
        }
        assert_eq!(seen.len(), 9);
        let still = shifted(&images, 0, &mut Stream::new(3, "a test", 0)).unwrap();
        assert_eq!(still.to_vec().unwrap(), images.to_vec().unwrap());
    }

    #[test]
    fn recognition_counts_the_rows_that_are_largest_at_their_label() {
        let logits =
            Variable::from_slice(&[0.0, 1.0, -1.0, 5.0, 4.0, 3.0, f32::NAN, 0.0, 1.0], &[3, 3]).unwrap();
        assert_eq!(recognised(&logits, &[1, 0, 2]).unwrap(), 3);
        assert_eq!(recognised(&logits, &[0, 0, 0]).unwrap(), 1);
    }
}
