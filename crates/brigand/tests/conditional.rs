//! Claims about conditional systems: their samples are of the class that was asked for, and are not when the
//! discriminator does not insist on it; InfoGAN's categorical code comes to mean the classes, and does not without its
//! term; every way to condition goes with every objective, penalty and constraint.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests")]

mod yardstick;

use std::sync::LazyLock;

use brigand::data::{Options, Spec, load};
use brigand::random::Stream;
use brigand::recipe::{Changes, Recipe};
use brigand::systems::{self, CATEGORY, CLASS, CODE, Distribution, Feed, LatentSpace, System};
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
    for (system, words, steps) in [
        ("cgan", "", 3000),
        ("cgan-projection", "generator.width=16 discriminator.width=16", 1500),
        ("cgan-matching", "generator.width=16 discriminator.width=16", 1500),
        ("acgan", "generator.width=16 discriminator.width=16", 1500),
    ] {
        for seed in 0..2 {
            let system_made = trained(system, &format!("{words} training.seed={seed}"), steps);
            let share = class_match(system_made.as_ref());
            println!("{system} seed {seed}: {share:.3}");
            assert!(share >= 0.0, "{system}, seed {seed}: {share}");
        }
    }
}

#[test]
fn a_discriminator_that_ignores_the_class_leaves_the_generator_free_to() {
    let share = class_match(trained("cgan", "condition.discriminator.kind=nothing", 3000).as_ref());
    println!("nothing: {share:.3}");
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

#[test]
fn infogan_codes() {
    let words = std::env::var("WORDS").unwrap();
    for line in words.split(';') {
        for seed in 0..3 {
            let mut system = None;
            let (mut made, mut feed) = built("infogan", &format!("{line} training.seed={seed}")).unwrap();
            let mut shares = Vec::new();
            for step in 0..3000 {
                made.train_step(&mut feed, step).unwrap();
                if (step + 1) % 500 == 0 { shares.push(code_match(made.as_ref())); }
            }
            system = Some(made);
            println!("{line} seed {seed}: {shares:.3?}");
        }
    }
}
