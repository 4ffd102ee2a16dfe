//! Claims about latent tools on generators that have learnt the digits: what they promise happens, and does not where
//! their idea is switched off.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use crate::support::trained;
use brigand::capability::Sampler;
use brigand::evaluation::extractors::Extractor;
use brigand::evaluation::{Features, Probabilities};
use brigand::latent::CLASS;
use brigand::latent_tools::{
    Direction, DirectionSettings, Interpolation, LatentGrid, Method, Path, Reconstruction, SearchSettings,
    Terms, arithmetic, directions, search, sweep,
};
use brigand::random::Stream;
use brigand::session::Session;

/// One plain GAN for all tests.
fn gan() -> MutexGuard<'static, Session> {
    static GAN: LazyLock<Mutex<Session>> =
        LazyLock::new(|| Mutex::new(trained("gan", "training.steps=4000 samples.every=0")));
    GAN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn classified(grid: &LatentGrid, sampler: &dyn Sampler, extractor: &Extractor) -> (Features, Probabilities) {
    let samples = grid.samples(sampler).unwrap();
    let extraction = extractor.extract(samples.tensor()).unwrap();
    let numbers = |tensor: &candle_core::Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let (features, logits) = (&extraction.features, extraction.logits.as_ref().unwrap());
    (
        Features::new(numbers(features), features.dims()[1]).unwrap(),
        Probabilities::softmax(numbers(logits), logits.dims()[1]).unwrap(),
    )
}

#[test]
fn a_generators_own_samples_are_found_again() {
    let session = gan();
    let system = session.system().sampler().unwrap();
    let samples = system.sample(20, 9).unwrap();
    let near = |settings| {
        let latents = search(system, &samples, settings).unwrap();
        let rebuilt = system.generate(&latents).unwrap();
        let errors = Reconstruction { samples: samples.clone(), rebuilt }.errors().unwrap();
        errors.iter().filter(|error| **error <= 0.01).count()
    };
    let found = near(SearchSettings::default());
    let unsearched = near(SearchSettings { steps: 1, ..SearchSettings::default() });
    println!("{found} of 20 found, {unsearched} without a search");
    assert!(found >= 16 && unsearched <= 4);
}

#[test]
fn along_a_direction_its_class_grows_and_along_another_it_does_not() {
    let (session, extractor) = (gan(), Extractor::digits().unwrap());
    let system = session.system().sampler().unwrap();
    for method in [Method::Logistic, Method::MeanDifference] {
        let settings = DirectionSettings { method, count: 2000, seed: 1, classes: &[], against: &[] };
        let found = directions(system, &extractor, settings).unwrap();
        let swept = |direction: &Direction| sweep(system, &extractor, direction, (9, 64), 1).unwrap();
        let mut growing = 0;
        let mut elsewhere = 0;
        for direction in &found {
            let own = swept(direction);
            let mut step = direction.step.clone();
            step.reverse();
            let other = swept(&Direction { step, ..direction.clone() });
            println!("{method:?} {}: {:.2} {:.2}", direction.class, own.monotonicity(), other.monotonicity());
            growing += usize::from(own.monotonicity() >= 0.9 && own.scores[8] > own.scores[0] + 0.1);
            elsewhere += usize::from(other.monotonicity() >= 0.9 && other.scores[8] > other.scores[0] + 0.1);
        }
        assert!(found.len() >= 9 && growing >= found.len() - 1, "{growing} of {}", found.len());
        assert!(elsewhere <= found.len() / 2, "{elsewhere}");
    }
}

#[test]
fn walks_are_smooth() {
    let (session, extractor) = (gan(), Extractor::digits().unwrap());
    let system = session.system().sampler().unwrap();
    let walks = Interpolation::new(system, 32, 2).unwrap();
    let grid = walks.grid(Path::Spherical, 20).unwrap();
    let (features, _) = classified(&grid, system, &extractor);
    let steps: Vec<f64> = (0..19)
        .map(|at| {
            let length = |row: usize| {
                let pair = features.rows(row * 20 + at..row * 20 + at + 2).to_vec();
                let (here, there) = pair.split_at(features.dimensions());
                here.iter().zip(there).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
            };
            (0..32).map(length).sum::<f64>() / 32.0
        })
        .collect();
    let (most, mean) = (steps.iter().copied().fold(0.0, f64::max), steps.iter().sum::<f64>() / 19.0);
    println!("longest mean step {most:.3}, all {mean:.3}");
    assert!(mean > 0.0 && most <= 4.0 * mean);
}

/// A class less itself plus another class is the other class.
#[test]
fn arithmetic_changes_the_class() {
    let session = trained(
        "cgan",
        "data.source=digits training.steps=4000 samples.every=0 generator.widths=[64,128] \
         discriminator.widths=[128,64]",
    );
    let system = session.system().sampler().unwrap();
    let (extractor, space) = (Extractor::digits().unwrap(), system.space());
    let latents = system.latents(200, &mut Stream::new(5, "sample", 0)).unwrap();
    let class_of = latents.narrow(1, space.part(CLASS).unwrap().0.start, 10).unwrap().to_vec_f32().unwrap();
    let of = |class: usize| -> Vec<usize> {
        (0..200).filter(|row| class_of[row * 10 + class] == 1.0).take(6).collect()
    };
    let share = |plus: &dyn Fn(usize) -> Vec<usize>| {
        let mut right = 0;
        for class in 0..10 {
            let (own, next) = (of(class), (class + 1) % 10);
            let terms = Terms { start: &own[..3], minus: &own[3..], plus: &plus(next)[..3] };
            let grid = arithmetic(system, 200, 5, terms).unwrap();
            let (_, classes) = classified(&grid, system, &extractor);
            right += classes.predictions()[3..].iter().filter(|class| **class as usize == next).count();
        }
        right as f64 / 90.0
    };
    let (changed, unchanged) = (share(&of), share(&|next| of((next + 9) % 10)));
    println!("{changed:.2} of the class that was added, {unchanged:.2} when the own class is added");
    assert!(changed >= 0.7 && unchanged <= 0.3);
}
