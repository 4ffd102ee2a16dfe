//! Each system really trains at a small scale, and the same yardstick rejects it when it does not learn.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

#[allow(dead_code, reason = "each test file uses its part of the yardstick")]
mod yardstick;

use brigand::recipe::{Changes, Recipe};
use brigand::systems::{self, Feed, System};
use brigand::training::load_data;
use candle_core::Device;
use yardstick::{Classifier, Verdict};

/// The recipe of `system` with `changes`.
fn recipe(system: &str, changes: &[&str]) -> Recipe {
    let assignments = changes.iter().map(ToString::to_string).collect();
    Recipe::resolve(systems::find(system).unwrap(), &Changes { file: None, assignments }).unwrap()
}

/// The system after `steps` steps.
fn trained(recipe: &Recipe, steps: u64) -> Box<dyn System> {
    let data = load_data(recipe).unwrap();
    let seed = recipe.common.training.seed;
    let mut feed = Feed::new(data, recipe.common.training.batch, seed, &Device::Cpu).unwrap();
    let entry = systems::find(&recipe.common.system).unwrap();
    let mut system = entry
        .build(&recipe.parts, &recipe.common.setup(feed.sample_shape().unwrap(), &[], &Device::Cpu))
        .unwrap();
    for step in 0..steps {
        system.train_step(&mut feed, step).unwrap();
    }
    system
}

/// Trains on labelled images and lets a classifier of the same images judge 500 samples.
fn verdict(recipe: &Recipe, steps: u64, known: usize) -> Verdict {
    let data = load_data(recipe).unwrap();
    let classifier = Classifier::train(&data, known.min(data.len() - 200), 600);
    let held_out: Vec<usize> = (data.len() - 200..data.len()).collect();
    let accuracy = classifier.accuracy(&data, &held_out);
    let verdict = classifier.judge(&trained(recipe, steps).sample(500, 7).unwrap());
    println!("seed {} accuracy {accuracy:.3} {verdict:?}", recipe.common.training.seed);
    assert!(accuracy > 0.8, "the judge itself is right in only {accuracy} of held-out images");
    verdict
}

impl Verdict {
    /// All classes, no class for half of the samples, and samples that look like a class.
    fn passes(&self, confidence: f64) -> bool {
        self.classes >= 9 && self.largest_share < 0.4 && self.confidence >= confidence
    }
}

/// A generator that hardly moves: the idea switched off.
const STILL: &str = "optimizer.generator.learning_rate=1e-12";

#[test]
fn gan_learns_the_digits() {
    for seed in 0..3 {
        let verdict = verdict(&recipe("gan", &[&format!("training.seed={seed}")]), 2500, 1500);
        assert!(verdict.passes(0.7), "{verdict:?}");
    }
}

#[test]
fn gan_without_generator_updates_fails() {
    let verdict = verdict(&recipe("gan", &[STILL]), 300, 1500);
    assert!(!verdict.passes(0.7), "{verdict:?}");
}

/// A quarter of the channels, and a generator that keeps up with batch norm in so small a discriminator.
const SMALL: [&str; 4] = [
    "data.size=28",
    "generator.width=16",
    "discriminator.width=16",
    "optimizer.generator.learning_rate=1e-3",
];

#[test]
fn dcgan_learns_28x28_digits() {
    for seed in 0..2 {
        let verdict =
            verdict(&recipe("dcgan", &[&SMALL[..], &[&format!("training.seed={seed}")]].concat()), 500, 1500);
        assert!(verdict.passes(0.7), "{verdict:?}");
    }
}

#[test]
fn dcgan_without_generator_updates_fails() {
    let verdict = verdict(&recipe("dcgan", &[&SMALL[..], &[STILL]].concat()), 60, 1500);
    assert!(!verdict.passes(0.7), "{verdict:?}");
}

/// The share of the held-out digits that a small classifier recognises after 800 steps.
fn held_out_accuracy(changes: &[&str]) -> f64 {
    let recipe = recipe("classifier", &[&["network.width=8", "held_out.every=800"], changes].concat());
    let training = recipe.common.training;
    let mut feed =
        Feed::new(load_data(&recipe).unwrap(), training.batch, training.seed, &Device::Cpu).unwrap();
    feed.hold_out(None).unwrap();
    let entry = systems::find("classifier").unwrap();
    let shape = feed.sample_shape().unwrap();
    let mut system = entry.build(&recipe.parts, &recipe.common.setup(shape, &[], &Device::Cpu)).unwrap();
    let mut report = systems::Report::new();
    for step in 0..800 {
        report = system.train_step(&mut feed, step).unwrap();
    }
    println!("{changes:?} {report:?}");
    report[systems::classifier::HELD_OUT_ACCURACY]
}

#[test]
fn classifier_learns_the_digits() {
    for seed in 0..3 {
        let accuracy = held_out_accuracy(&[&format!("training.seed={seed}")]);
        assert!(accuracy > 0.93, "{accuracy}");
    }
}

#[test]
fn classifier_without_updates_fails() {
    let accuracy = held_out_accuracy(&["optimizer.classifier.learning_rate=1e-12"]);
    assert!(accuracy < 0.5, "{accuracy}");
}
