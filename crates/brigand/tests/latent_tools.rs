//! Claims about latent tools on generators that have learnt the digits: what they promise happens, and does not where
//! their idea is switched off.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use brigand::evaluation::extractors::Extractor;
use brigand::evaluation::{Features, Probabilities};
use brigand::latent_tools::{
    Direction, DirectionSettings, Interpolation, LatentGrid, Method, Path, Reconstruction, SearchSettings,
    Terms, arithmetic, directions, search, sweep,
};
use brigand::random::Stream;
use brigand::recipe::{Changes, Recipe};
use brigand::systems::{self, CLASS, System};
use brigand::training::Prepared;
use candle_core::Device;

/// The system on the embedded digits after its steps.
fn trained(name: &str, words: &str) -> Box<dyn System> {
    let assignments = words.split_whitespace().map(str::to_owned).collect();
    let recipe = Recipe::resolve(systems::find(name).unwrap(), &Changes { file: None, assignments }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let prepared = Prepared::new(recipe, &Device::Cpu).unwrap();
    let run = folder.path().join("run");
    let mut training = brigand::training::Training::start(prepared, Some(&run)).unwrap();
    training.run(&std::sync::atomic::AtomicBool::new(false), &mut |_| {}).unwrap();
    brigand::training::load_run(&run, &Device::Cpu).unwrap().1
}

/// One plain GAN for all tests.
fn gan() -> MutexGuard<'static, Box<dyn System>> {
    static GAN: LazyLock<Mutex<Box<dyn System>>> =
        LazyLock::new(|| Mutex::new(trained("gan", "training.steps=4000 samples.every=0")));
    GAN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn verdicts(grid: &LatentGrid, system: &dyn System, extractor: &Extractor) -> (Features, Probabilities) {
    let samples = grid.samples(system).unwrap();
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
    let system = gan();
    let samples = system.sample(20, 9).unwrap();
    let near = |settings| {
        let latents = search(system.as_ref(), &samples, settings).unwrap();
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
    let (system, extractor) = (gan(), Extractor::digits().unwrap());
    for method in [Method::Logistic, Method::MeanDifference] {
        let settings = DirectionSettings { method, count: 2000, seed: 1, classes: &[], against: &[] };
        let found = directions(system.as_ref(), &extractor, settings).unwrap();
        let swept =
            |direction: &Direction| sweep(system.as_ref(), &extractor, direction, (9, 64), 1).unwrap();
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
    let (system, extractor) = (gan(), Extractor::digits().unwrap());
    let walks = Interpolation::new(system.as_ref(), 32, 2).unwrap();
    let grid = walks.grid(Path::Spherical, 20).unwrap();
    let (features, _) = verdicts(&grid, system.as_ref(), &extractor);
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
    let system = trained(
        "cgan",
        "data.source=digits training.steps=4000 samples.every=0 generator.widths=[64,128] \
         discriminator.widths=[128,64]",
    );
    let (extractor, space) = (Extractor::digits().unwrap(), system.latent_space().unwrap());
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
            let grid = arithmetic(system.as_ref(), 200, 5, terms).unwrap();
            let (_, verdicts) = verdicts(&grid, system.as_ref(), &extractor);
            right += verdicts.predictions()[3..].iter().filter(|verdict| **verdict as usize == next).count();
        }
        right as f64 / 90.0
    };
    let (changed, unchanged) = (share(&of), share(&|next| of((next + 9) % 10)));
    println!("{changed:.2} of the class that was added, {unchanged:.2} when the own class is added");
    assert!(changed >= 0.7 && unchanged <= 0.3);
}
