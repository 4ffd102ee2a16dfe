//! Claims about conditional systems: their samples are of the class that was asked for, and are not when the
//! discriminator does not insist on it; InfoGAN's categorical code comes to mean the classes, and does not without its
//! term; every way to condition goes with every objective, penalty and constraint.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests")]

#[allow(dead_code, reason = "each test file uses its part of the yardstick")]
mod yardstick;

use std::sync::LazyLock;

use brigand::data::{Options, Spec, load};
use brigand::random::Stream;
use brigand::recipe::{Changes, Recipe};
use brigand::systems::{self, CATEGORY, CLASS, Feed, LatentSpace, System};
use brigand::training::load_data;
use brigand_autograd::Variable;
use candle_core::Device;
use pathfinding::matrix::Matrix;
use pathfinding::prelude::kuhn_munkres;
use yardstick::Classifier;

static JUDGE: LazyLock<Classifier> = LazyLock::new(|| {
    let digits = load(&"digits".parse::<Spec>().unwrap(), &Options::default()).unwrap();
    Classifier::train(&digits, digits.len(), 3000)
});

fn recipe(system: &str, words: &str) -> brigand::Result<Recipe> {
    let assignments = words.split_whitespace().map(str::to_owned).collect();
    Recipe::resolve(systems::find(system)?, &Changes { file: None, assignments })
}

fn built(system: &str, words: &str) -> brigand::Result<(Box<dyn System>, Feed)> {
    let recipe = recipe(system, words)?;
    let training = recipe.common.training;
    let feed = Feed::new(load_data(&recipe)?, training.batch, training.seed, &Device::Cpu)?;
    let classes = feed.class_counts();
    let setup = recipe.common.setup(feed.sample_shape()?, &classes, &Device::Cpu);
    Ok((systems::find(system)?.build(&recipe.parts, &setup)?, feed))
}

fn trained(system: &str, words: &str, steps: u64) -> Box<dyn System> {
    let (mut made, mut feed) = built(system, words).unwrap();
    for step in 0..steps {
        made.train_step(&mut feed, step).unwrap();
    }
    made
}

/// 50 latents of every value of the category called `name`, and the values.
fn asked(space: &LatentSpace, name: &str) -> (Variable, Vec<u32>) {
    let (range, _) = space.part(name).unwrap();
    let choices: Vec<u32> = (0..50 * range.len() as u32).map(|number| number % range.len() as u32).collect();
    let drawn = space.draw(choices.len(), &mut Stream::new(7, "asked", 0), &Device::Cpu).unwrap();
    (space.with_category(&drawn, name, &choices).unwrap(), choices)
}

/// The share of digits that are of the class that was asked for.
fn class_match(system: &dyn System) -> f64 {
    let (latents, classes) = asked(&system.latent_space().unwrap(), CLASS);
    JUDGE.match_share(&system.generate(&latents).unwrap(), &classes)
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
        let share = class_match(trained(system, words, steps).as_ref());
        println!("{system}: {share:.3}");
        assert!(share >= 0.95, "{system}: {share}");
    }
}

#[test]
fn a_discriminator_that_ignores_the_class_leaves_the_generator_free_to() {
    let share = class_match(trained("cgan", "condition.discriminator.kind=nothing", 3000).as_ref());
    assert!(share <= 0.3, "{share}");
}

/// The share of samples whose class is the one that their categorical code stands for, codes and classes matched one to
/// one as well as possible.
fn code_match(system: &dyn System) -> f64 {
    let (latents, codes) = asked(&system.latent_space().unwrap(), CATEGORY);
    let classes = JUDGE.classes(&system.generate(&latents).unwrap());
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
fn infogan_codes_come_to_mean_the_classes() {
    let words = format!("{INFOGAN} training.seed=1");
    let (mut system, mut feed) = built("infogan", &words).unwrap();
    let (mut information, mut code_loss) = (0.0, 0.0);
    for step in 0..3000 {
        let report = system.train_step(&mut feed, step).unwrap();
        if step >= 2900 {
            information += report["information"] / 100.0;
            code_loss += report["code loss"] / 100.0;
        }
    }
    let share = code_match(system.as_ref());
    println!("{share:.3}, {information:.3} nats, {code_loss:.4}");
    assert!(share >= 0.8, "{share}");
    // Of ln 10 = 2.303 nats.
    assert!(information >= 2.0, "{information}");
    // Uniform codes have variance 1/3: what is left of it for a correlation of 0.8 is 0.12, for each of two codes.
    assert!(code_loss <= 0.1 * 0.5 * 2.0 * 0.12, "{code_loss}");
}

#[test]
fn without_their_term_codes_mean_nothing() {
    let words = format!("{INFOGAN} training.seed=1 codes.category_weight=0");
    let share = code_match(trained("infogan", &words, 1500).as_ref());
    assert!(share <= 0.3, "{share}");
}

#[test]
fn classes_and_latents_that_do_not_exist_are_named() {
    let system = trained("cgan", "", 0);
    let space = system.latent_space().unwrap();
    let latents = system.latents(2, &mut Stream::new(1, "a test", 0)).unwrap();
    let said = space.with_category(&latents, CLASS, &[3, 10]).err().unwrap().to_string();
    assert!(said.contains("no class 10; there are 10"), "{said}");
    let short = latents.narrow(1, 0, 100).unwrap();
    let said = system.generate(&short).err().unwrap().to_string();
    assert!(said.contains("this system's have 110 numbers"), "{said}");
    let unconditional = trained("gan", "", 0).latent_space().unwrap();
    let said = unconditional.with_category(&short, CLASS, &[0, 0]).err().unwrap().to_string();
    assert!(said.contains("cannot be asked for a class"), "{said}");
    let said = built("cgan", "data.source=swiss-roll").err().unwrap().to_string();
    assert!(said.contains("needs labelled data"), "{said}");
}
