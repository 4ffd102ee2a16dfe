//! Precision is a value of the place.

use brigand_core::Place;
use brigand_core::objectives::{
    CTransform, Divergence, EnergyBased, FGan, GanQp, GeneratorUpdate, LossSensitive, Objective,
    PairDistance, TransportCost, Wasserstein,
};
use brigand_core::penalties::{Constraint, Penalty};
use brigand_core::players::{Measurements, OptimizerRecipe, Rules};
use brigand_core::techniques::{Consistency, FeatureMatching};

use crate::support::systems::{Options, maps, points};
use crate::support::{Make, PLAN, Run, apart, bright, circle, double, mixed, narrow, score_objectives};

fn wasserstein() -> Options {
    Options::new(Rules { penalty: Penalty::WGAN_GP, ..Rules::plain(Wasserstein {}.into()) })
}

fn reports(make: &Make, images: bool, place: Place, steps: u64) -> (Vec<Measurements>, Run) {
    let mut run = Run::new(if images { bright() } else { circle() }, make, 8, place);
    (run.steps(steps), run)
}

#[test]
fn bfloat16_trains_near_single_precision() {
    for spectral in [false, true] {
        let plan = if spectral { PLAN.spectral() } else { PLAN };
        let options = Options { plan, ..wasserstein() };
        for (make, images) in [(points(options), false), (maps(options), true)] {
            let (single, _) = reports(&make, images, Place::cpu(), 5);
            for place in [mixed(), narrow()] {
                let (half, mut run) = reports(&make, images, place, 5);
                for (step, (single, half)) in single.iter().zip(&half).enumerate() {
                    assert!(single.keys().eq(half.keys()) && single.contains_key("penalty"));
                    // A number in bfloat16 has 8 binary digits, and each pass has a few roundings one after another; what
                    // they change in the weights adds up over the steps.
                    let tolerance = if step == 0 { 0.02 } else { 0.15 };
                    for (name, wanted) in single {
                        let apart = (half[name] - wanted).abs();
                        assert!(
                            apart < tolerance * wanted.abs().max(1.0),
                            "{name} at step {step}: {} instead of {wanted}",
                            half[name]
                        );
                    }
                }
                assert!(single != half, "nothing was rounded");
                let state = run.system.save().unwrap();
                assert!(state.tensors.len() > 10);
                for (name, tensor) in &state.tensors {
                    assert_eq!(tensor.dtype(), candle_core::DType::F32, "{name}");
                }
            }
        }
    }
}

/// The kernels' optimizer on one side, the differentiable one on the other.
#[test]
fn double_precision_confirms_single() {
    let adam = OptimizerRecipe::Adam {
        learning_rate: 1e-2,
        beta1: 0.5,
        beta2: 0.9,
        epsilon: 1e-8,
        weight_decay: 0.1,
    };
    for optimizer in [adam, OptimizerRecipe::Sgd { learning_rate: 1e-2, momentum: 0.5 }] {
        let options = Options { optimizer, terms: (0.1, 0.01), ..wasserstein() };
        for (make, images) in [(points(options), false), (maps(options), true)] {
            let run = |place| reports(&make, images, place, 4).1.values();
            let apart = apart(&run(Place::cpu()), &run(double()));
            assert!(apart < 2e-4, "{apart}");
        }
    }
}

fn objectives() -> Vec<Objective> {
    let mut all = score_objectives();
    all.extend([
        Objective::from(FGan { divergence: Divergence::Kl, update: GeneratorUpdate::Trick, alpha: 0.5 }),
        GanQp { lambda: 10.0, distance: PairDistance::L2 }.into(),
        CTransform { cost: TransportCost::Euclidean, epsilon: 0.1 }.into(),
        EnergyBased { margin: 1.0, relative: false, pull_away: 0.1 }.into(),
        LossSensitive { lambda: 2e-4, gamma: 0.0, slope: 0.0 }.into(),
    ]);
    all
}

/// What the discriminator and the generator report of two steps under `options`, in every precision.
fn compare(options: Options, what: &str) {
    let make = points(options);
    let single = reports(&make, false, Place::cpu(), 2).0;
    for place in [mixed(), narrow()] {
        let half = reports(&make, false, place, 2).0;
        for (single, half) in single.iter().zip(&half) {
            for (name, wanted) in single.iter().filter(|(name, _)| !name.contains("accuracy")) {
                let apart = (half[name] - wanted).abs();
                assert!(
                    apart < 0.05 * wanted.abs().max(1.0),
                    "{what} {name}: {} instead of {wanted}",
                    half[name]
                );
            }
        }
    }
}

#[test]
fn every_objective_works_in_bfloat16() {
    for objective in objectives() {
        for merged in [false, true] {
            compare(Options { merged, ..Options::new(Rules::plain(objective)) }, &format!("{objective:?}"));
        }
    }
}

#[test]
fn every_technique_works_in_bfloat16() {
    let plain = Rules::plain(Objective::NON_SATURATING);
    let matching = |alone| Rules { feature_matching: FeatureMatching { weight: 0.5, alone }, ..plain };
    for rules in [
        matching(false),
        matching(true),
        Rules { consistency: Consistency { weight: 2.0, margin: 0.0 }, ..plain },
        Rules { constraint: Constraint::GradientNormalization {}, ..plain },
        Rules { constraint: Constraint::GranNormalization { epsilon: 0.1, factor: 1.0 }, ..plain },
        Rules { constraint: Constraint::Clip { bound: 0.1 }, ..plain },
    ] {
        for merged in [false, true] {
            compare(Options { merged, ..Options::new(rules) }, &format!("{rules:?}"));
        }
        for full in [false, true] {
            compare(Options { unrolled: (2, full), ..Options::new(rules) }, &format!("unrolled {rules:?}"));
        }
    }
}
