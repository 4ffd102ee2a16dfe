//! Claims about conditional systems: their samples are of the class that was asked for, and are not when the
//! discriminator does not use it; InfoGAN's categorical code comes to stand for the classes, and does not without its
//! term; every way to condition goes with every objective, penalty and constraint.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests")]

use std::sync::LazyLock;

use crate::support::sample_quality::Classifier;
use crate::support::{refusal, reports, session};
use brigand::data::{Options, Spec, load};
use brigand::latent::{CATEGORY, CLASS, LatentSpace};
use brigand::random::Stream;
use brigand::session::Session;
use brigand::system::System;
use brigand_autograd::Variable;
use candle_core::Device;
use pathfinding::matrix::Matrix;
use pathfinding::prelude::kuhn_munkres;

static CLASSIFIER: LazyLock<Classifier> = LazyLock::new(|| {
    let digits = load(&"digits".parse::<Spec>().unwrap(), &Options::default()).unwrap();
    Classifier::train(&digits, digits.len(), 3000)
});

/// `system` after so many steps of its run.
pub(crate) fn trained(system: &str, words: &str, steps: u64) -> Session {
    let mut session = session(system, words).unwrap_or_else(|error| panic!("{system}: {error}"));
    session.advance_to(steps).unwrap_or_else(|error| panic!("{system}: {error}"));
    session
}

/// 50 latents of every value of the category called `name`, and the values.
fn asked(space: &LatentSpace, name: &str) -> (Variable, Vec<u32>) {
    let (range, _) = space.part(name).unwrap();
    let choices: Vec<u32> = (0..50 * range.len() as u32).map(|number| number % range.len() as u32).collect();
    let drawn = space.draw(choices.len(), &mut Stream::new(7, "asked", 0), &Device::Cpu).unwrap();
    (space.with_category(&drawn, name, &choices).unwrap(), choices)
}

/// The share of digits that are of the class that was asked for.
pub(crate) fn class_match(system: &dyn System) -> f64 {
    let sampler = system.sampler().unwrap();
    let (latents, classes) = asked(sampler.space(), CLASS);
    CLASSIFIER.match_share(&sampler.generate(&latents).unwrap(), &classes)
}

#[test]
fn digits_are_of_the_class_that_was_asked_for() {
    const NARROW: &str = "generator.width=16 discriminator.width=16";
    let runs = [
        ("cgan", "", 3000),
        ("cgan-projection", NARROW, 3000),
        ("cgan-matching", NARROW, 1000),
        ("acgan", NARROW, 1500),
    ];
    for (system, words, steps) in runs {
        let share = class_match(trained(system, words, steps).system());
        println!("{system}: {share:.3}");
        assert!(share >= 0.95, "{system}: {share}");
    }
}

#[test]
fn a_generator_ignores_the_class_if_the_discriminator_does() {
    let share = class_match(trained("cgan", "condition.discriminator.kind=nothing", 3000).system());
    assert!(share <= 0.3, "{share}");
}

/// The share of samples whose class is the one that their categorical code stands for, codes and classes matched one to
/// one as well as possible.
fn code_match(system: &dyn System) -> f64 {
    let sampler = system.sampler().unwrap();
    let (latents, codes) = asked(sampler.space(), CATEGORY);
    let classes = CLASSIFIER.classes(&sampler.generate(&latents).unwrap());
    let mut together = Matrix::new(10, 10, 0_i32);
    for (code, class) in codes.iter().zip(&classes) {
        together[(*code as usize, *class)] += 1;
    }
    let (right, _) = kuhn_munkres(&together);
    f64::from(right) / codes.len() as f64
}

/// Fully connected networks, which are the quickest on digits of 8x8.
const INFOGAN: &str = "generator.kind=mlp generator.widths=[256,512] generator.normalization=before-activation \
    discriminator.kind=mlp discriminator.widths=[512,256] optimizer.generator.learning_rate=5e-4 \
    training.batch=100";

#[test]
fn infogan_codes_come_to_stand_for_the_classes() {
    let words = format!("{INFOGAN} training.seed=1");
    let mut session = trained("infogan", &words, 2900);
    let last = reports(&mut session, 100);
    let mean = |name: &str| last.iter().map(|report| report[name]).sum::<f64>() / 100.0;
    let (information, code_loss) = (mean("information"), mean("code_loss"));
    let share = code_match(session.system());
    println!("{share:.3}, {information:.3} nats, {code_loss:.4}");
    assert!(share >= 0.8, "{share}");
    // Of ln 10 = 2.303 nats.
    assert!(information >= 2.0, "{information}");
    // Uniform codes have variance 1/3: what is left of it for a correlation of 0.8 is 0.12, for each of two codes.
    assert!(code_loss <= 0.1 * 0.5 * 2.0 * 0.12, "{code_loss}");
}

#[test]
fn without_their_term_codes_stand_for_nothing() {
    let words = format!("{INFOGAN} training.seed=1 codes.category_weight=0");
    let share = code_match(trained("infogan", &words, 1500).system());
    assert!(share <= 0.3, "{share}");
}

#[test]
fn classes_and_latents_that_do_not_exist_are_named() {
    let session = trained("cgan", "", 0);
    let sampler = session.system().sampler().unwrap();
    let latents = sampler.latents(2, &mut Stream::new(1, "a test", 0)).unwrap();
    let message = sampler.space().with_category(&latents, CLASS, &[3, 10]).err().unwrap().to_string();
    assert!(message.contains("no class 10; there are 10"), "{message}");
    let short = latents.narrow(1, 0, 100).unwrap();
    let message = sampler.generate(&short).err().unwrap().to_string();
    assert!(message.contains("this system's have 110 numbers"), "{message}");
    let plain = trained("gan", "", 0);
    let space = plain.system().sampler().unwrap().space();
    let message = space.with_category(&short, CLASS, &[0, 0]).err().unwrap().to_string();
    assert!(message.contains("have no class"), "{message}");
    let message = refusal("cgan", "data.source=swiss-roll");
    assert!(message.contains("needs labelled data"), "{message}");
}
