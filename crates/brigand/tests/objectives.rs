//! Claims: the losses have the values of their formulas, worked out by hand; where no fixture covers an objective its
//! gradients equal finite differences; theory's values stand where theory puts them.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use brigand::objectives::{
    CTransform, Divergence, EnergyBased, FGan, GanQp, GeneratorUpdate, Hinge, LeastSquares, LossSensitive,
    Minimax, Objective, PairDistance, Relativistic, RelativisticAverage, RelativisticAverageHinge,
    RelativisticAverageLeastSquares, Scores, TransportCost, Wasserstein, pull_away,
};
use brigand_autograd::{GradientOptions, Output, Variable, grad_of};

fn values(of: &[f64]) -> Variable {
    Variable::leaf(Variable::from_slice(of, &[of.len()]).unwrap().into_tensor())
}

fn rows(of: &[f64], width: usize) -> Variable {
    Variable::leaf(Variable::from_slice(of, &[of.len() / width, width]).unwrap().into_tensor())
}

#[track_caller]
fn assert_near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found} instead of {expected}");
}

const R: [f64; 2] = [2.0, -1.0];
const F: [f64; 2] = [0.5, -0.5];

/// Both losses at scores `R` and `F`, with samples 1 and 2 apart.
fn losses(objective: Objective) -> (f64, f64) {
    let (real, fake) = (values(&R), values(&F));
    let (x, y) = (rows(&[0.0, 0.0], 1), rows(&[1.0, 2.0], 1));
    let scores = Scores { samples: Some((&x, &y)), ..Scores::new(&real, &fake) };
    let discriminator = objective.discriminator_loss(&scores).unwrap().scalar().unwrap();
    (discriminator, objective.generator_loss(&scores).unwrap().scalar().unwrap())
}

fn f_gan(divergence: Divergence, update: GeneratorUpdate) -> Objective {
    FGan { divergence, update, alpha: 0.5 }.into()
}

#[test]
fn losses_worked_out_by_hand() {
    use Divergence::*;
    use GeneratorUpdate::{Exact, Trick};
    let qp: Objective = GanQp { lambda: 10.0, distance: PairDistance::L1 }.into();
    let loss_sensitive: Objective = LossSensitive { lambda: 1.0, gamma: 0.0, slope: 0.0 }.into();
    for (objective, discriminator, generator) in [
        (Objective::MINIMAX, 1.444_172, -0.724_077),
        (Objective::NON_SATURATING, 1.444_172, 0.724_077),
        (LeastSquares { a: 0.0, b: 1.0, c: 1.0 }.into(), 1.375, 0.625),
        (LeastSquares { a: -1.0, b: 1.0, c: 0.0 }.into(), 1.875, 0.125),
        (Wasserstein {}.into(), -0.5, 0.0),
        (Hinge {}.into(), 2.0, 0.0),
        (Relativistic {}.into(), 0.587_745, 1.087_745),
        (RelativisticAverage {}.into(), 1.223_299, 2.223_299),
        (RelativisticAverageLeastSquares {}.into(), 3.0, 7.0),
        (RelativisticAverageHinge {}.into(), 1.5, 3.0),
        (qp, -0.440_625, 0.5),
        (loss_sensitive, 1.25, 0.0),
        (f_gan(Kl, Exact), -0.085_170, -0.414_830),
        (f_gan(Kl, Trick), -0.085_170, 0.0),
        (f_gan(ReverseKl, Exact), 0.426_809, 1.0),
        (f_gan(ReverseKl, Trick), 0.426_809, 1.127_626),
        (f_gan(Pearson, Exact), -0.4375, -0.0625),
        (f_gan(Neyman, Exact), 0.363_982, 0.062_826),
        (f_gan(Neyman, Trick), 0.363_982, 0.127_626),
        (f_gan(SquaredHellinger, Exact), 0.554_435, -0.127_626),
        (f_gan(JensenShannon, Exact), 0.057_877, -0.030_930),
        (f_gan(JensenShannon, Trick), 0.057_877, 0.030_930),
        (f_gan(Gan, Exact), 1.444_172, -0.724_077),
        (f_gan(Gan, Trick), 1.444_172, 0.724_077),
    ] {
        let (found_discriminator, found_generator) = losses(objective);
        println!("{objective:?} {found_discriminator} {found_generator}");
        assert_near(found_discriminator, discriminator, 2e-6);
        assert_near(found_generator, generator, 2e-6);
    }
}

#[test]
fn equilibrium_is_where_the_discriminator_cannot_tell() {
    let ln_2 = std::f64::consts::LN_2;
    assert_eq!(Objective::MINIMAX.properties().equilibrium, Some((2.0 * ln_2, -ln_2)));
    let smoothed = Objective::from(Minimax { real_target: 0.9, fake_target: 0.0 });
    let (smoothed, _) = smoothed.properties().equilibrium.unwrap();
    assert_near(smoothed, 1.376_278, 1e-6);
    for update in [GeneratorUpdate::Exact, GeneratorUpdate::Trick] {
        for divergence in Divergence::ALL {
            let objective = f_gan(divergence, update);
            let threshold = values(&[objective.properties().threshold.unwrap(); 2]);
            let scores = Scores::new(&threshold, &threshold);
            let (discriminator, generator) = objective.properties().equilibrium.unwrap();
            assert_near(
                objective.discriminator_loss(&scores).unwrap().scalar().unwrap(),
                discriminator,
                1e-9,
            );
            assert_near(objective.generator_loss(&scores).unwrap().scalar().unwrap(), generator, 1e-9);
        }
    }
}

/// With the best scores, minus the discriminator's loss is the divergence: N(0, 1) against N(1, 1) on a fine grid.
#[test]
fn f_gan_bounds_reach_their_divergences() {
    let grid: Vec<f64> = (0..4000).map(|index| -9.0 + 19.0 * (f64::from(index) + 0.5) / 4000.0).collect();
    let density = |mean: f64, x: f64| (-(x - mean).powi(2) / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let log_ratio = |x: f64| 0.5 - x;
    for (divergence, best, expected) in [
        (Divergence::Kl, (|l: f64| 1.0 + l) as fn(f64) -> f64, 0.5),
        (Divergence::ReverseKl, |l| l, 0.5),
        (Divergence::SquaredHellinger, |l| 0.5 * l, 0.235_006),
        (Divergence::Neyman, |l| 2.0 * l, 1.718_282),
        (Divergence::JensenShannon, |l| l, 0.222_843),
        (Divergence::Gan, |l| l, -1.163_451),
    ] {
        let scores: Vec<f64> = grid.iter().map(|&x| best(log_ratio(x))).collect();
        let objective = f_gan(divergence, GeneratorUpdate::Exact);
        // The mean under each density, as a weighted mean of one-element losses.
        let term = |score: f64| {
            let (at, zero) = (values(&[score]), values(&[0.0]));
            let loss = |real: &Variable, fake: &Variable| {
                objective.discriminator_loss(&Scores::new(real, fake)).unwrap().scalar().unwrap()
            };
            let base = loss(&zero, &zero);
            let conjugate_at_zero =
                -objective.generator_loss(&Scores::new(&zero, &zero)).unwrap().scalar().unwrap();
            (loss(&at, &zero) - conjugate_at_zero, loss(&zero, &at) - (base - conjugate_at_zero))
        };
        let step = 19.0 / 4000.0;
        let bound: f64 = grid
            .iter()
            .zip(&scores)
            .map(|(&x, &score)| {
                let (real, fake) = term(score);
                -(density(0.0, x) * real + density(1.0, x) * fake) * step
            })
            .sum();
        println!("{divergence:?} {bound}");
        assert_near(bound, expected, 1e-3);
    }
}

#[test]
fn c_transform_is_optimal_transport_at_its_best() {
    let (x, y) = (rows(&[0.0, 1.0], 1), rows(&[2.0, 3.0], 1));
    let value = |potential: &[f64], epsilon: f64| {
        let (real, fake) = (values(potential), values(&[0.0, 0.0]));
        let scores = Scores { samples: Some((&x, &y)), ..Scores::new(&real, &fake) };
        let objective: Objective = CTransform { cost: TransportCost::Euclidean, epsilon }.into();
        -objective.discriminator_loss(&scores).unwrap().scalar().unwrap()
    };
    assert_near(value(&[0.0, -1.0], 0.0), 2.0, 1e-5);
    assert_near(value(&[0.0, 0.0], 0.0), 1.5, 1e-5);
    // The soft minimum tends to the exact one.
    assert_near(value(&[0.0, -1.0], 1e-3), 2.0, 2e-3);
    // No potential does better than the best plan.
    for potential in [[0.3, -0.2], [5.0, 1.0], [-1.0, 0.0], [0.0, -3.0]] {
        assert!(value(&potential, 0.0) <= 2.0 + 1e-5);
    }
}

#[test]
fn pull_away_of_three_codes() {
    let codes = rows(&[1.0, 0.0, 1.0, 1.0, 0.0, 2.0], 2);
    assert_near(pull_away(&codes).unwrap().scalar().unwrap(), 1.0 / 3.0, 1e-6);
}

#[test]
fn energies_leave_far_fakes_alone() {
    let (real, fake) = (values(&[-0.25, -0.75]), values(&[-0.5, -2.0]));
    let codes = rows(&[1.0, 0.0, 0.0, 1.0], 2);
    let scores = Scores { fake_features: Some(&codes), ..Scores::new(&real, &fake) };
    let objective: Objective = EnergyBased { margin: 1.0, relative: false, pull_away: 0.1 }.into();
    assert_near(objective.discriminator_loss(&scores).unwrap().scalar().unwrap(), 0.75, 1e-9);
    assert_near(objective.generator_loss(&scores).unwrap().scalar().unwrap(), 1.25, 1e-6);
    // Three times the mean energy of the real samples, 1.5: the first fake is 1 below it.
    let relative: Objective = EnergyBased { margin: 3.0, relative: true, pull_away: 0.1 }.into();
    assert_near(relative.discriminator_loss(&scores).unwrap().scalar().unwrap(), 1.0, 1e-9);
    assert!(Objective::from(EnergyBased { margin: 0.9, relative: true, pull_away: 0.1 }).check().is_err());
}

/// Gradients by scores, samples and features against central differences, for what the fixtures do not cover.
#[test]
fn gradients_equal_finite_differences() {
    let alpha = |alpha| FGan { divergence: Divergence::Alpha, update: GeneratorUpdate::Exact, alpha }.into();
    let objectives: [Objective; 11] = [
        f_gan(Divergence::Neyman, GeneratorUpdate::Exact),
        f_gan(Divergence::TotalVariation, GeneratorUpdate::Trick),
        alpha(0.5),
        alpha(2.0),
        alpha(-1.0),
        Minimax { real_target: 0.9, fake_target: 0.1 }.into(),
        GanQp { lambda: 3.0, distance: PairDistance::L2 }.into(),
        CTransform { cost: TransportCost::Euclidean, epsilon: 0.0 }.into(),
        CTransform { cost: TransportCost::Squared, epsilon: 0.5 }.into(),
        EnergyBased { margin: 1.5, relative: false, pull_away: 0.3 }.into(),
        LossSensitive { lambda: 0.7, gamma: 0.2, slope: 0.1 }.into(),
    ];
    let start: [Vec<f64>; 5] = [
        vec![0.9, -1.1, 0.3],
        vec![-0.4, 0.6, -1.3],
        vec![0.1, 0.5, -0.7, 1.2, 0.4, -0.9],
        vec![1.3, -0.2, 0.8, 0.6, -1.1, 0.35],
        vec![0.5, 1.0, -0.3, 0.2, 0.9, -0.8],
    ];
    for objective in objectives {
        for player in [Objective::discriminator_loss, Objective::generator_loss] {
            let loss = |at: &[Vec<f64>; 5]| {
                let inputs: Vec<Variable> =
                    at.iter().enumerate().map(|(i, v)| if i < 2 { values(v) } else { rows(v, 2) }).collect();
                let [real, fake, x, y, codes] = inputs.as_slice() else { unreachable!() };
                let scores = Scores { real, fake, samples: Some((x, y)), fake_features: Some(codes) };
                (player(&objective, &scores).unwrap(), inputs.clone())
            };
            let (value, inputs) = loss(&start);
            let options = GradientOptions { allow_unused: true, ..GradientOptions::default() };
            // Distances of GAN-QP and margins of the loss-sensitive GAN are constants by definition.
            let constant_pairs = matches!(objective, Objective::GanQp(_) | Objective::LossSensitive(_));
            let leaves: Vec<&Variable> = inputs.iter().collect();
            let gradients = grad_of(&[Output { variable: &value, weight: None }], &leaves, options).unwrap();
            for (input, gradient) in gradients.iter().enumerate() {
                if constant_pairs && (input == 2 || input == 3) {
                    assert!(gradient.is_none(), "{objective:?} reaches the samples");
                    continue;
                }
                for element in 0..start[input].len() {
                    let at = |shift: f64| {
                        let mut moved = start.clone();
                        moved[input][element] += shift;
                        loss(&moved).0.scalar().unwrap()
                    };
                    let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
                    let found = gradient.as_ref().map_or(0.0, |g| g.to_vec().unwrap()[element]);
                    assert!(
                        (found - expected).abs() < 1e-5 * expected.abs().max(1.0),
                        "{objective:?} input {input} element {element}: {found} instead of {expected}"
                    );
                }
            }
        }
    }
}
