//! Each system really trains at a small scale, and fails the same measure when it does not learn.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use crate::support::sample_quality::{Classifier, Quality};
use crate::support::{recipe, session, trained};
use brigand::measurements::HELD_OUT_ACCURACY;
use brigand::training::load_data;

/// Trains on labelled images and classifies 500 samples by a classifier of the same images.
fn quality(system: &str, words: &str, known: usize) -> Quality {
    let data = load_data(&recipe(system, words).unwrap()).unwrap();
    let classifier = Classifier::train(&data, known.min(data.len() - 200), 600);
    let held_out: Vec<usize> = (data.len() - 200..data.len()).collect();
    let accuracy = classifier.accuracy(&data, &held_out);
    let session = trained(system, words);
    let samples = session.system().sampler().unwrap().sample(500, 7).unwrap();
    let quality = classifier.quality(&samples);
    println!("{words}: accuracy {accuracy:.3} {quality:?}");
    assert!(accuracy > 0.8, "the classifier itself is right on only {accuracy} of held-out images");
    quality
}

impl Quality {
    /// All classes, no class for half of the samples, and samples that are clearly of a class.
    fn passes(&self, confidence: f64) -> bool {
        self.classes >= 9 && self.largest_share < 0.4 && self.confidence >= confidence
    }
}

/// A generator that hardly moves: the idea switched off.
const STILL: &str = "optimizer.generator.learning_rate=1e-12";

#[test]
fn gan_learns_the_digits() {
    for seed in 0..3 {
        let quality = quality("gan", &format!("training.steps=2500 training.seed={seed}"), 1500);
        assert!(quality.passes(0.7), "{quality:?}");
    }
}

#[test]
fn gan_without_generator_updates_fails() {
    let quality = quality("gan", &format!("training.steps=300 {STILL}"), 1500);
    assert!(!quality.passes(0.7), "{quality:?}");
}

/// A quarter of the channels, and a generator that keeps up with batch norm in so small a discriminator.
const SMALL: &str =
    "data.size=28 generator.width=16 discriminator.width=16 optimizer.generator.learning_rate=1e-3";

#[test]
fn dcgan_learns_28x28_digits() {
    for seed in 0..2 {
        let quality = quality("dcgan", &format!("{SMALL} training.steps=500 training.seed={seed}"), 1500);
        assert!(quality.passes(0.7), "{quality:?}");
    }
}

#[test]
fn dcgan_without_generator_updates_fails() {
    let quality = quality("dcgan", &format!("{SMALL} {STILL} training.steps=60"), 1500);
    assert!(!quality.passes(0.7), "{quality:?}");
}

/// The share of the held-out digits that a small classifier recognises after 800 steps.
fn held_out_accuracy(words: &str) -> f64 {
    let words = format!("network.width=8 held_out.every=800 training.steps=800 {words}");
    let mut session = session("classifier", &words).unwrap();
    session.advance_to(800).unwrap()[HELD_OUT_ACCURACY]
}

#[test]
fn classifier_learns_the_digits() {
    for seed in 0..3 {
        let accuracy = held_out_accuracy(&format!("training.seed={seed}"));
        assert!(accuracy > 0.93, "{accuracy}");
    }
}

#[test]
fn classifier_without_updates_fails() {
    let accuracy = held_out_accuracy("optimizer.classifier.learning_rate=1e-12");
    assert!(accuracy < 0.5, "{accuracy}");
}
