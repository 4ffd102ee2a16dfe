//! Claims about every named system that makes points: it comes nearer to the data than it started, within a short run, and
//! does not when its generator stands still. What else holds for every row, `registry.rs` walks.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests")]

use crate::support::{recipe, session};
use brigand::batch::Need;
use brigand::random::Stream;
use brigand::recipe::Row;
use brigand::registry;
use brigand::system::System;
use brigand::theory::{Points, sliced_wasserstein};
use brigand::training::load_data;

/// All that make points of latents; others say that they need something else.
fn generating() -> impl Iterator<Item = &'static Row> {
    registry::rows().filter(|row| {
        match recipe(row.name, MOONS) {
            Ok(recipe) if !recipe.system.needs().contains(&Need::Samples) => return false,
            Ok(_) | Err(_) => {}
        }
        match session(row.name, MOONS) {
            Ok(session) => session.system().as_sampler().is_some(),
            Err(error) => {
                assert!(error.to_string().contains("needs images"), "{}: {error}", row.name);
                false
            }
        }
    })
}

const MOONS: &str = "data.source=two-moons";

/// How far 500 samples are from 500 real points.
fn distance(system: &dyn System, real: &[f64]) -> f64 {
    let samples = system.sampler().unwrap().sample(500, 3).unwrap().to_vec().unwrap();
    let (from, to) = (Points::new(&samples, 2).unwrap(), Points::new(real, 2).unwrap());
    sliced_wasserstein(from, to, 1.0, 64, &mut Stream::new(5, "directions", 0)).unwrap()
}

fn real_points(name: &str, words: &str) -> Vec<f64> {
    let data = load_data(&recipe(name, words).unwrap()).unwrap();
    data.get(&(0..500).collect::<Vec<_>>()).unwrap().values.into_iter().map(f64::from).collect()
}

/// Clipped critics are slow by nature, weak penalties and margins too; the steps of an
/// ensemble are divided among its members.
fn steps(name: &str) -> u64 {
    match name {
        "wgan" => 2000,
        "adagan" | "dragan" | "ls-gan" => 3000,
        _ => 1000,
    }
}

/// The distance before a short run on two moons, and the smallest of three in its second half.
fn before_and_after(name: &str, more: &str) -> (f64, f64) {
    let steps = steps(name);
    let words = format!("{MOONS} training.batch=64 schedule.kind=constant training.steps={steps} {more}");
    let real = real_points(name, &words);
    let mut session = session(name, &words).unwrap_or_else(|error| panic!("{name}: {error}"));
    let before = distance(session.system(), &real);
    let mut nearest = f64::INFINITY;
    for step in 0..steps {
        session.advance().unwrap().read(session.step()).unwrap_or_else(|error| panic!("{name}: {error}"));
        if step > steps / 2 && (step + 1) % (steps / 5) == 0 {
            nearest = nearest.min(distance(session.system(), &real));
        }
    }
    (before, nearest)
}

#[test]
fn every_system_comes_nearer_to_its_data() {
    let (mut behind, mut trained) = (Vec::new(), 0);
    for row in generating() {
        let (before, after) = before_and_after(row.name, "");
        println!("{:12} {before:.3} -> {after:.3}", row.name);
        trained += 1;
        if after > 0.6 * before {
            behind.push(row.name);
        }
    }
    assert!(behind.is_empty(), "{behind:?}");
    // All two-player rows but the one of convolutions.
    assert!(trained >= 32, "{trained}");
}

#[test]
fn a_generator_that_stands_still_does_not() {
    for name in ["gan", "wgan-gp", "rsgan"] {
        let (before, after) = before_and_after(name, "optimizer.generator.learning_rate=1e-12");
        assert!(after > 0.95 * before, "{name}: {before} -> {after}");
    }
}
