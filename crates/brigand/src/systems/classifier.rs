//! `classifier`: a small convolutional classifier of labelled images, trained by cross-entropy. Evaluation compares
//! samples of the same data in its features and class probabilities, as photographs in Inception's.

use brigand_autograd::Variable;
use brigand_core::batch::{Batch, LABELS, Need, SampleKind};
use brigand_core::capability::Classifier;
use brigand_core::networks::{ClassifierNetwork, ClassifierNetworkRecipe, ClassifierOutput, ImageClassifier};
use brigand_core::objectives::{count_correct, cross_entropy};
use brigand_core::players::{AverageRecipe, Learner, OptimizerRecipe, Player, Turn};
use brigand_core::random::Stream;
use brigand_core::recipe::{Family, Length, Make, Row, SystemRecipe};
use brigand_core::system::{Parts, System};
use brigand_core::{Error, Place, Result, Setup, parts};
use serde::{Deserialize, Serialize};

use super::held_out::{self, HeldOutRecipe};

/// The system's name in the registry.
const NAME: &str = "classifier";
/// Name of the cross-entropy of the training batch, in nats.
pub const LOSS: &str = "loss";
/// Name of the share of the training batch that is classified correctly.
pub const ACCURACY: &str = "accuracy";

/// How the classifier's weights step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierOptimizers {
    /// The optimizer of all its weights.
    pub classifier: OptimizerRecipe,
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
    /// The average of the weights that is measured and used afterwards.
    pub average: AverageRecipe,
    /// How training images are varied.
    pub augmentation: AugmentationRecipe,
    /// When it is measured on held-out samples.
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

/// Its row of the registry.
pub(super) const ROW: Row = Row {
    name: NAME,
    family: Family::Classifiers,
    summary: "convolutional classifier of labelled images, a feature extractor for evaluation",
    paper: "LeCun et al. 1998, doi:10.1109/5.726791",
    data: "digits",
    length: |_| Length { steps: 4000, batch: 64 },
    make: Make::of::<ClassifierRecipe>(),
};

impl SystemRecipe for ClassifierRecipe {
    const NEEDS: &'static [Need] = &[Need::Samples, Need::Indices(LABELS)];

    fn defaults(_: SampleKind) -> Result<Self> {
        Ok(Self::default())
    }

    fn check(&self) -> Result<()> {
        self.network.check()?;
        self.average.check()?;
        self.optimizer.classifier.check(NAME)
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        let sample = setup.schema.sample_shape()?;
        let network = self.network.classifier(NAME, setup, sample)?;
        let (found, needed) = (setup.schema.class_counts().len(), self.network.classes);
        if found != needed {
            return Err(Error::Data(format!(
                "the data has {found} classes, the network {needed}; give --set network.classes={found}"
            )));
        }
        Ok(Box::new(ClassifierSystem {
            classifier: Player::new(network, self.optimizer.classifier)?.averaged(self.average),
            place: setup.place.clone(),
            recipe: self.clone(),
        }))
    }
}

/// A classifier in training.
struct ClassifierSystem {
    recipe: ClassifierRecipe,
    classifier: Player<ClassifierNetwork>,
    place: Place,
}

impl ClassifierSystem {
    /// Features and logits with the averaged weights.
    fn outputs(&self, images: &Variable) -> Result<ClassifierOutput> {
        self.classifier.sample(images, |classifier, pass| classifier.forward(pass, images))
    }
}

/// Every image moved by its own draw of up to `reach` pixels along both axes, its edge repeated.
fn shifted(images: &Variable, reach: usize, stream: &mut Stream, place: &Place) -> Result<Variable> {
    let (count, channels, height, width) = images.dims4("shift")?;
    if reach == 0 {
        return Ok(images.clone());
    }
    let values = images.to_vec_f32()?;
    let draws = stream.uniform(2 * count, 0.0, (2 * reach + 1) as f32);
    let at = |at: usize, draw: f32, size: usize| {
        (at + (draw as usize).min(2 * reach)).saturating_sub(reach).min(size - 1)
    };
    let mut moved = Vec::with_capacity(values.len());
    for (image, draw) in values.chunks_exact(channels * height * width).zip(draws.chunks_exact(2)) {
        for plane in image.chunks_exact(height * width) {
            for y in 0..height {
                let row = &plane[at(y, draw[0], height) * width..][..width];
                moved.extend((0..width).map(|x| row[at(x, draw[1], width)]));
            }
        }
    }
    place.numbers(moved, images.shape())
}

impl System for ClassifierSystem {
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, classifier)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let draw = turn.only_draw();
        let batch = turn.batch(draw)?;
        let labels = batch.required_labels()?.to_vec();
        let (shift, mut stream) = (self.recipe.augmentation.shift, draw.stream("augmentation"));
        let images = shifted(batch.samples()?, shift, &mut stream, &self.place)?;
        let logits = self.classifier.train(|network, pass| network.forward(pass, &images))?.logits;
        let targets = self.place.one_hot(&labels, self.recipe.network.classes)?;
        let loss = cross_entropy(&logits, &targets)?;
        turn.note(LOSS, &loss);
        let count = labels.len().max(1) as f64;
        turn.note_derived(ACCURACY, &logits, move |logits| count_correct(logits, &labels) as f64 / count);
        turn.descend(&mut [&mut self.classifier], &loss)?;
        if self.recipe.held_out.is_due(turn) {
            held_out::note_accuracy(turn, |batch| Ok(self.outputs(batch.samples()?)?.logits))?;
        }
        Ok(())
    }

    fn needs_held_out(&self) -> bool {
        true
    }

    fn as_classifier(&self) -> Option<&dyn Classifier> {
        Some(self)
    }
}

impl Classifier for ClassifierSystem {
    fn classify(&self, batch: &Batch) -> Result<Variable> {
        Ok(self.outputs(batch.samples()?)?.logits.softmax(1)?)
    }

    fn image_classifier(&self) -> Result<Option<ImageClassifier>> {
        let (recipe, weights) = (self.recipe.network, self.classifier.sampling_weights());
        let sample = self.classifier.module().sample_shape();
        let parameters = Learner::parameters(&self.classifier);
        ImageClassifier::with_values(recipe, sample, weights, parameters).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts_move_whole_images_and_repeat_their_edge() {
        let image: Vec<f32> = (0..20).map(|i| i as f32).collect();
        let images = Variable::from_slice(&image.repeat(200), &[200, 1, 4, 5]).unwrap();
        let shifted = |reach| {
            let moved = shifted(&images, reach, &mut Stream::new(3, "a test", 0), &Place::cpu());
            moved.unwrap().to_vec_f32().unwrap()
        };
        let mut found = std::collections::BTreeSet::new();
        for moved in shifted(1).chunks(20) {
            let at = |y: i32, x: i32| (y.clamp(0, 3) * 5 + x.clamp(0, 4)) as f32;
            let (dy, dx) = (-1..=1)
                .flat_map(|dy| (-1..=1).map(move |dx| (dy, dx)))
                .find(|&(dy, dx)| (0..20).all(|i| moved[i as usize] == at(i / 5 + dy, i % 5 + dx)))
                .unwrap();
            found.insert((dy, dx));
        }
        assert_eq!(found.len(), 9);
        assert_eq!(shifted(0), images.to_vec_f32().unwrap());
    }
}
