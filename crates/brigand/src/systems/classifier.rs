//! `classifier`: a small convolutional classifier of labelled images, trained by cross-entropy. Its features and
//! class probabilities judge samples of the same data, as Inception's judge photographs.

use brigand_autograd::{GradientOptions, Output, Variable, grad_of};
use candle_core::Device;
use serde::{Deserialize, Serialize};

use super::average::{AverageRecipe, WeightAverage};
use super::feed::{Feed, RealBatch};
use super::optimizer::{Optimizer, OptimizerRecipe};
use super::state::{Fragment, State};
use super::{Report, System};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::layers::Mode;
use crate::networks::classifier::{Classifier, ClassifierNetworkRecipe};
use crate::networks::{Network, SampleShape};
use crate::random::Stream;

/// The system's name in the registry.
pub(crate) const NAME: &str = "classifier";
/// Name of the cross-entropy of the training batch, in nats.
pub const LOSS: &str = "loss";
/// Name of the share of the training batch that is recognised.
pub const ACCURACY: &str = "accuracy";
/// Name of the share of the held-out samples that the averaged weights recognise.
pub const HELD_OUT_ACCURACY: &str = "held_out_accuracy";
/// Held-out samples judged at once.
const PORTION: usize = 500;

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
    /// When it is judged.
    pub held_out: HeldOutRecipe,
}

impl Default for ClassifierRecipe {
    fn default() -> Self {
        Self {
            network: ClassifierNetworkRecipe::default(),
            optimizer: ClassifierOptimizers { classifier: OptimizerRecipe::adam(1e-3, 0.9, 0.999) },
            average: AverageRecipe { decay: 0.995 },
            held_out: HeldOutRecipe { every: 200 },
        }
    }
}

impl ClassifierRecipe {
    /// Refuses values with which nothing can be learnt.
    pub fn check(&self) -> Result<()> {
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

    /// Minus the mean logarithm of the probability of the right class.
    fn cross_entropy(&self, logits: &Variable, labels: &[u32]) -> Result<Variable> {
        let classes = self.classifier.classes();
        let target = Variable::one_hot(labels, classes, logits.dtype(), &self.device)?;
        let total = logits.log_softmax(1)?.mul(&target)?.sum_all()?;
        Ok(total.scale(-1.0 / labels.len().max(1) as f64)?)
    }

    /// One step of all weights down `loss`.
    fn descend(&mut self, loss: &Variable) -> Result<()> {
        let Classifier { body, head, .. } = &mut self.classifier;
        let inputs: Vec<&Variable> = body.weights.values().iter().chain(head.weights.values()).collect();
        let output = Output { variable: loss, weight: None };
        let mut gradients: Vec<Variable> =
            grad_of(&[output], &inputs, GradientOptions::default())?.into_iter().flatten().collect();
        let of_head = gradients.split_off(body.weights.values().len());
        let [body_optimizer, head_optimizer] = &mut self.optimizers;
        body_optimizer.step(&mut body.weights, &gradients)?;
        head_optimizer.step(&mut head.weights, &of_head)?;
        if let Some(averages) = &mut self.averages {
            averages.body.follow(&body.weights)?;
            averages.head.follow(&head.weights)?;
        }
        Ok(())
    }

    /// The share of the held-out samples that the averaged weights recognise.
    fn held_out_accuracy(&self, feed: &Feed) -> Result<f64> {
        let (judge, count) = (self.trained()?, feed.held_out_count());
        let mut right = 0;
        for start in (0..count).step_by(PORTION) {
            let batch = feed.held_out(start..(start + PORTION).min(count))?;
            let samples = Variable::constant(batch.samples.tensor().to_device(&Device::Cpu)?);
            right += recognised(&judge.judge(&samples)?.logits, labels(&batch)?)?;
        }
        Ok(right as f64 / count.max(1) as f64)
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

fn labels(batch: &RealBatch) -> Result<&[u32]> {
    batch.labels.as_deref().ok_or_else(no_labels)
}

fn no_labels() -> Error {
    Error::Request(
        "a classifier needs labelled data; use digits, mnist, idx:IMAGES,LABELS or a folder with a sub-folder for \
         each class"
            .into(),
    )
}

/// How many rows of `logits` are largest at their label.
pub(crate) fn recognised(logits: &Variable, labels: &[u32]) -> Result<usize> {
    let (values, classes) = (logits.to_vec_f32()?, logits.elements() / labels.len().max(1));
    let largest = |row: &[f32]| {
        let better = |best: (usize, f32), next: (usize, &f32)| {
            if *next.1 > best.1 { (next.0, *next.1) } else { best }
        };
        row.iter().enumerate().fold((usize::MAX, f32::NEG_INFINITY), better).0
    };
    let rows = values.chunks_exact(classes.max(1)).zip(labels);
    Ok(rows.filter(|(row, label)| largest(row) == **label as usize).count())
}

impl System for ClassifierTraining {
    fn networks(&self) -> Vec<&Network> {
        vec![&self.classifier.body, &self.classifier.head]
    }

    fn train_step(&mut self, feed: &mut Feed, step: u64) -> Result<Report> {
        let batch = feed.batch(step)?;
        let labels = labels(&batch)?;
        let logits = self.classifier.forward(&batch.samples, Mode::Training)?.logits;
        let loss = self.cross_entropy(&logits, labels)?;
        let mut report = Report::from([
            (LOSS.to_owned(), loss.scalar()?),
            (ACCURACY.to_owned(), recognised(&logits, labels)? as f64 / labels.len().max(1) as f64),
        ]);
        self.descend(&loss)?;
        let every = self.recipe.held_out.every;
        if every > 0 && (step + 1).is_multiple_of(every) && feed.held_out_count() > 0 {
            report.insert(HELD_OUT_ACCURACY.into(), self.held_out_accuracy(feed)?);
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

    fn latents(&self, _: usize, _: &mut Stream) -> Result<Variable> {
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
