//! Claims about every named system that makes samples: on points it comes nearer to the data than it started, within a short
//! run, and does not when its generator stands still. What else holds for every row, `registry.rs` walks.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests")]

use brigand::random::Stream;
use brigand::recipe::{Changes, Recipe};
use brigand::systems::{self, Entry, Feed, System};
use brigand::theory::{Points, sliced_wasserstein};
use brigand::training::load_data;
use candle_core::Device;

fn recipe(entry: &Entry, words: &[&str]) -> Recipe {
    let assignments = words.iter().flat_map(|words| words.split_whitespace()).map(str::to_owned).collect();
    Recipe::resolve(entry, &Changes { file: None, assignments })
        .unwrap_or_else(|error| panic!("{}: {error}", entry.name))
}

fn built(entry: &Entry, recipe: &Recipe) -> (Box<dyn System>, Feed) {
    let data = load_data(recipe).unwrap();
    let training = recipe.common.training;
    let feed = Feed::new(data, training.batch, training.seed, &Device::Cpu).unwrap();
    let classes = feed.class_counts();
    let setup = recipe.common.setup(feed.sample_shape().unwrap(), &classes, &Device::Cpu);
    (entry.build(&recipe.parts, &setup).unwrap(), feed)
}

/// All that make samples.
fn generating() -> impl Iterator<Item = &'static Entry> {
    systems::registry().filter(|entry| entry.name != "classifier")
}

/// How far 500 samples are from 500 real points.
fn distance(system: &dyn System, real: &[f64]) -> f64 {
    let samples = system.sample(500, 3).unwrap().to_vec().unwrap();
    let (from, to) = (Points::new(&samples, 2).unwrap(), Points::new(real, 2).unwrap());
    sliced_wasserstein(from, to, 1.0, 64, &mut Stream::new(5, "directions", 0)).unwrap()
}

fn real_points(recipe: &Recipe) -> Vec<f64> {
    let data = load_data(recipe).unwrap();
    data.get(&(0..500).collect::<Vec<_>>()).unwrap().values.into_iter().map(f64::from).collect()
}

/// Clipped critics are slow by nature, weak penalties and margins too; the steps of an
/// ensemble are divided among its members.
fn steps(entry: &Entry) -> u64 {
    match entry.name {
        "wgan" => 2000,
        "adagan" | "dragan" | "ls-gan" => 3000,
        _ => 1000,
    }
}

/// The distance before a short run on two moons, and the smallest of three looks in its second half.
fn before_and_after(entry: &Entry, more: &str) -> (f64, f64) {
    let steps = steps(entry);
    let length = format!("training.steps={steps}");
    let words = ["data.source=two-moons training.batch=64 schedule.kind=constant", &length, more];
    let recipe = recipe(entry, &words);
    let real = real_points(&recipe);
    let (mut system, mut feed) = built(entry, &recipe);
    let before = distance(system.as_ref(), &real);
    let mut nearest = f64::INFINITY;
    for step in 0..steps {
        let report = system.train_step(&mut feed, step).unwrap();
        assert!(report.values().all(|value| value.is_finite()), "{}: {report:?}", entry.name);
        if step > steps / 2 && (step + 1) % (steps / 5) == 0 {
            nearest = nearest.min(distance(system.as_ref(), &real));
        }
    }
    (before, nearest)
}

#[test]
fn every_system_comes_nearer_to_its_data() {
    let mut behind = Vec::new();
    // Its convolutions need images.
    for entry in generating().filter(|entry| entry.name != "dcgan") {
        let (before, after) = before_and_after(entry, "");
        println!("{:12} {before:.3} -> {after:.3}", entry.name);
        if after > 0.6 * before {
            behind.push(entry.name);
        }
    }
    assert!(behind.is_empty(), "{behind:?}");
}

#[test]
fn a_generator_that_stands_still_does_not() {
    for name in ["gan", "wgan-gp", "rsgan"] {
        let entry = systems::find(name).unwrap();
        let (before, after) = before_and_after(entry, "optimizer.generator.learning_rate=1e-12");
        assert!(after > 0.95 * before, "{name}: {before} -> {after}");
    }
}
