//! A run that stops and goes on equals one that did not stop.

use brigand_core::Place;
use brigand_core::batch::Source;
use brigand_core::objectives::Objective;
use brigand_core::penalties::{Constraint, Penalty};
use brigand_core::players::{AverageRecipe, OptimizerRecipe, Rules};
use brigand_core::techniques::InstanceNoise;

use crate::support::systems::{Options, maps, points, translation};
use crate::support::{Make, PLAN, Run, apart, bright, circle, domains, double, mixed, narrow};

type Case = (&'static str, fn() -> Vec<Box<dyn Source>>, Make);

fn cases() -> Vec<Case> {
    let plain = Options::new(Rules::plain(Objective::NON_SATURATING));
    let with =
        |change: fn(Rules) -> Rules, objective| Options { rules: change(Rules::plain(objective)), ..plain };
    let penalty = |rules| Rules { penalty: Penalty::WGAN_GP, ..rules };
    let noise = |rules| Rules { noise: InstanceNoise { deviation: 0.1, until: 50 }, ..rules };
    let clip = |rules| Rules { constraint: Constraint::Clip { bound: 0.1 }, ..rules };
    let normalized = |rules| Rules { constraint: Constraint::GradientNormalization {}, ..rules };
    let momentum = OptimizerRecipe::Sgd { learning_rate: 1e-2, momentum: 0.9 };
    let rmsprop = OptimizerRecipe::Rmsprop { learning_rate: 1e-3, alpha: 0.9, epsilon: 1e-8, momentum: 0.0 };
    let average = AverageRecipe { decay: 0.9 };
    vec![
        ("averaged", circle, points(Options { average, ..plain })),
        ("terms", circle, points(Options { terms: (0.1, 0.01), ..plain })),
        ("merged", circle, points(Options { merged: true, ..plain })),
        ("unrolled", circle, points(Options { unrolled: (2, true), ..plain })),
        ("looking ahead", circle, points(Options { unrolled: (2, false), ..plain })),
        (
            "penalised",
            circle,
            points(with(penalty, Objective::Wasserstein(brigand_core::objectives::Wasserstein {}))),
        ),
        ("noisy", circle, points(with(noise, Objective::Hinge(brigand_core::objectives::Hinge {})))),
        (
            "clipped",
            circle,
            points(with(clip, Objective::Wasserstein(brigand_core::objectives::Wasserstein {}))),
        ),
        (
            "normalised",
            circle,
            points(with(normalized, Objective::Hinge(brigand_core::objectives::Hinge {}))),
        ),
        ("momentum", circle, points(Options { optimizer: momentum, ..plain })),
        ("rmsprop", circle, points(Options { optimizer: rmsprop, ..plain })),
        ("spectral maps", bright, maps(Options { plan: PLAN.spectral(), average, ..plain })),
        ("translation", domains, translation()),
    ]
}

#[test]
fn every_system_resumes_bit_by_bit() {
    for place in [Place::cpu(), double(), mixed(), narrow()] {
        for (name, sources, make) in cases() {
            let run = || Run::new(sources(), &make, 8, place.clone());
            let mut whole = run();
            let first = whole.values();
            assert!(whole.steps(6).iter().all(|report| !report.is_empty()));
            assert!(apart_of_weights(&first, &whole.values()) > 1e-4, "{name} does not move");
            let mut stopped = run();
            stopped.steps(3);
            let mut resumed = run();
            resumed.system.restore(stopped.system.save().unwrap()).unwrap();
            resumed.step = 3;
            resumed.steps(3);
            assert_eq!(whole.values(), resumed.values(), "{name} in {place:?}");
        }
    }
}

/// A checkpoint holds no moments of weights that have not stepped; one that holds their zeros is read as well.
#[test]
fn a_checkpoint_before_the_first_step_holds_no_moments() {
    let plain = Options::new(Rules::plain(Objective::NON_SATURATING));
    for place in [Place::cpu(), double()] {
        let run = || Run::new(circle(), &points(plain), 8, place.clone());
        let (mut whole, mut other) = (run(), run());
        let mut start = whole.system.save().unwrap();
        let moments = |name: &&String| name.starts_with("optimizer.");
        assert_eq!(start.tensors.keys().filter(moments).collect::<Vec<_>>(), Vec::<&String>::new());
        whole.steps(3);
        // Moments that are there are forgotten.
        other.steps(2);
        other.system.restore(start.clone()).unwrap();
        other.step = 0;
        other.steps(3);
        assert_eq!(whole.values(), other.values());
        for (name, tensor) in whole
            .system
            .save()
            .unwrap()
            .tensors
            .into_iter()
            .filter(|(name, _)| name.starts_with("optimizer."))
        {
            start.put(name, &tensor.zeros_like().unwrap()).unwrap();
        }
        let mut older = run();
        older.system.restore(start).unwrap();
        older.steps(3);
        assert_eq!(whole.values(), older.values());
    }
}

/// How far the tensors that both have moved.
fn apart_of_weights(a: &crate::support::Values, b: &crate::support::Values) -> f64 {
    let weights = |of: &crate::support::Values| {
        let weights =
            of.iter().filter(|(name, _)| name.ends_with(".weight") && !name.starts_with("optimizer"));
        weights.map(|(name, values)| (name.clone(), values.clone())).collect()
    };
    apart(&weights(a), &weights(b))
}

#[test]
fn a_checkpoint_of_another_system_is_refused() {
    let plain = Options::new(Rules::plain(Objective::NON_SATURATING));
    let averaged = Options { average: AverageRecipe { decay: 0.9 }, ..plain };
    let historical = Options { terms: (0.1, 0.0), ..plain };
    let run = |options| Run::new(circle(), &points(options), 8, Place::cpu());
    for (other, word) in [(averaged, "average"), (historical, "historical_averaging")] {
        let refused = run(plain).system.restore(run(other).system.save().unwrap()).unwrap_err().to_string();
        assert!(refused.contains(word) && refused.contains("no use"), "{refused}");
        let refused = run(other).system.restore(run(plain).system.save().unwrap()).unwrap_err().to_string();
        assert!(refused.contains(word) && refused.contains("lacks"), "{refused}");
    }
    let images = Run::new(bright(), &maps(plain), 8, Place::cpu()).system.save().unwrap();
    let refused = run(plain).system.restore(images).unwrap_err().to_string();
    assert!(refused.contains("shape"), "{refused}");
}
