//! Claims: the table of objectives is what recipes know; each objective's properties are true of its losses.

use brigand_autograd::{GradientOptions, Output, grad, grad_of};
use candle_core::{DType, Device};

use super::*;

fn leaf(values: &[f64], shape: &[usize]) -> Variable {
    Variable::leaf(Variable::from_slice(values, shape).unwrap().into_tensor())
}

/// Each objective with its defaults, and those whose fields change what is claimed of them.
fn objectives() -> Vec<Objective> {
    let mut all = Objective::all();
    let more: [Objective; 7] = [
        Minimax { real_target: 0.9, fake_target: 0.1 }.into(),
        NonSaturating { real_target: 0.9, fake_target: 0.0 }.into(),
        LeastSquares { a: -1.0, b: 1.0, c: 0.0 }.into(),
        GanQp { distance: PairDistance::L2, ..GanQp::default() }.into(),
        CTransform { cost: TransportCost::Squared, epsilon: 0.5 }.into(),
        EnergyBased { margin: 2.0, relative: true, pull_away: 0.0 }.into(),
        LossSensitive { lambda: 1.0, gamma: 0.3, slope: 0.1 }.into(),
    ];
    all.extend(more);
    for divergence in Divergence::ALL {
        for update in [GeneratorUpdate::Exact, GeneratorUpdate::Trick] {
            all.push(FGan { divergence, update, alpha: 0.5 }.into());
        }
    }
    all
}

/// Everything a loss may look at: scores `[4]`, samples `[4, 2]`, features `[4, 3]`.
struct Inputs {
    real: Variable,
    fake: Variable,
    x: Variable,
    y: Variable,
    features: Variable,
}

impl Inputs {
    fn at(real: &[f64], fake: &[f64]) -> Self {
        let samples = |shift: f64| (0..8).map(|i| (f64::from(i) * 1.7 + shift).sin()).collect::<Vec<_>>();
        let features: Vec<f64> = (0..12).map(|i| (f64::from(i) * 0.9).cos()).collect();
        Self {
            real: leaf(real, &[4]),
            fake: leaf(fake, &[4]),
            x: leaf(&samples(0.0), &[4, 2]),
            y: leaf(&samples(3.0), &[4, 2]),
            features: leaf(&features, &[4, 3]),
        }
    }

    fn scores(&self) -> Scores<'_> {
        Scores {
            real: &self.real,
            fake: &self.fake,
            samples: Some((&self.x, &self.y)),
            fake_features: Some(&self.features),
        }
    }

    /// The gradients of `loss` by `[real, fake, x, y, features]`.
    fn gradients(&self, loss: &Variable) -> Vec<Option<Vec<f64>>> {
        let inputs = [&self.real, &self.fake, &self.x, &self.y, &self.features];
        let options = GradientOptions { allow_unused: true, ..GradientOptions::default() };
        let found = grad_of(&[Output { variable: loss, weight: None }], &inputs, options).unwrap();
        found.into_iter().map(|gradient| gradient.map(|gradient| gradient.to_vec().unwrap())).collect()
    }
}

const REAL: [f64; 4] = [0.9, -1.3, 2.2, 0.1];
const FAKE: [f64; 4] = [-0.4, 0.7, -2.1, 0.3];

#[test]
fn recipes_know_every_kind_and_refuse_unknown_keys() {
    for (objective, kind) in Objective::all().into_iter().zip(Objective::KINDS) {
        let table = toml::Table::try_from(objective).unwrap();
        assert_eq!(table["kind"].as_str(), Some(*kind));
        assert_eq!(objective.kind(), *kind);
        let alone: Objective = toml::from_str(&format!("kind = \"{kind}\"")).unwrap();
        assert_eq!(alone, objective, "{kind}: fields that a recipe leaves out");
        assert_eq!(toml::Table::try_from(alone).unwrap().try_into::<Objective>().unwrap(), objective);
        let unknown =
            toml::from_str::<Objective>(&format!("kind = \"{kind}\"\nunknown_key = 1")).unwrap_err();
        assert!(unknown.message().contains("unknown field `unknown_key`"), "{kind}: {unknown}");
        objective.check().unwrap();
    }
}

#[test]
fn the_documentation_lists_every_kind_with_its_paper() {
    let page = include_str!("../../../../docs/parts.md");
    for objective in Objective::all() {
        let row = page
            .lines()
            .find(|line| line.starts_with('|') && line.contains(&format!("`{}`", objective.kind())));
        let row = row.unwrap_or_else(|| panic!("docs/parts.md has no row for {}", objective.kind()));
        assert!(row.contains(objective.as_loss().paper()), "{row}");
    }
}

/// `generator_uses_real` and `compares_samples` say what the losses depend on. A loss that takes samples as constants
/// compares them as well: it fails without them.
#[test]
fn losses_depend_on_what_their_properties_say() {
    for objective in objectives() {
        let properties = objective.properties();
        let inputs = Inputs::at(&REAL, &FAKE);
        let generator = inputs.gradients(&objective.generator_loss(&inputs.scores()).unwrap());
        let uses_real = generator[0].is_some() || generator[2].is_some();
        assert_eq!(uses_real, properties.generator_uses_real, "{objective:?}");
        let alone = Scores { samples: None, ..inputs.scores() };
        let both = objective.discriminator_loss(&alone).and(objective.generator_loss(&alone));
        assert_eq!(both.is_err(), properties.compares_samples, "{objective:?}");
    }
}

/// Score maps: the losses of `ScoreShape::Any` are those of all the maps' scores in one row.
#[test]
fn losses_of_any_shape_take_maps() {
    let map = |values: &[f64]| leaf(values, &[1, 1, 2, 2]);
    let (real, fake) = (leaf(&REAL, &[4]), leaf(&FAKE, &[4]));
    let (real_map, fake_map) = (map(&REAL), map(&FAKE));
    for objective in objectives() {
        if objective.properties().scores == ScoreShape::PerSample {
            continue;
        }
        for player in [Objective::discriminator_loss, Objective::generator_loss] {
            let row = player(&objective, &Scores::new(&real, &fake)).unwrap().scalar().unwrap();
            let maps = player(&objective, &Scores::new(&real_map, &fake_map)).unwrap().scalar().unwrap();
            assert!((row - maps).abs() < 1e-12, "{objective:?}: {row} of a row, {maps} of maps");
        }
    }
}

/// Scores of both sides at the threshold, or equal ones, give the losses of the equilibrium, and no other equal scores
/// give the discriminator less.
#[test]
fn equilibria_are_where_the_discriminator_cannot_tell() {
    for objective in objectives() {
        let Some((discriminator, generator)) = objective.properties().equilibrium else { continue };
        let at = |score: f64| {
            let inputs = Inputs::at(&[score; 4], &[score; 4]);
            let of = |loss: Result<Variable>| loss.unwrap().scalar().unwrap();
            let scores = inputs.scores();
            (of(objective.discriminator_loss(&scores)), of(objective.generator_loss(&scores)))
        };
        let smoothed = |real: f64, fake: f64| ((real + fake) / (2.0 - real - fake)).ln();
        let score = match objective {
            Objective::Minimax(Minimax { real_target, fake_target })
            | Objective::NonSaturating(NonSaturating { real_target, fake_target }) => {
                smoothed(real_target, fake_target)
            }
            _ => objective.properties().threshold.unwrap_or(0.0),
        };
        let found = at(score);
        assert!((found.0 - discriminator).abs() < 1e-9, "{objective:?}: {found:?}");
        assert!((found.1 - generator).abs() < 1e-9, "{objective:?}: {found:?}");
        for shift in [-0.5, 0.5] {
            assert!(at(score + shift).0 > discriminator - 1e-9, "{objective:?} at {}", score + shift);
        }
    }
}

/// Scores at which derivatives vanish or explode: targets, hinges, far out.
const EXTREMES: [[f64; 4]; 5] = [
    FAKE,
    [0.0, 1.0, -1.0, 2.0],
    [-30.0, -60.0, -90.0, -200.0],
    [30.0, 60.0, 90.0, 200.0],
    [1e-12, 0.5, 10.0, -15.0],
];

/// In single precision, as training computes: the shared pass gives the generator its own gradient and changes the
/// discriminator's by nothing that counts; nothing is shared where a loss reaches generated samples otherwise.
#[test]
fn a_shared_pass_serves_both_players() {
    let single = |values: &[f64], shape: &[usize]| {
        let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
        Variable::leaf(Variable::from_slice(&values, shape).unwrap().into_tensor())
    };
    for objective in objectives() {
        for fake in EXTREMES {
            let wide = Inputs::at(&REAL, &fake);
            let [real, fake] = [single(&REAL, &[4]), single(&fake, &[4])];
            let [x, y] = [&wide.x, &wide.y].map(|of| single(&of.to_vec().unwrap(), &[4, 2]));
            let features = single(&wide.features.to_vec().unwrap(), &[4, 3]);
            let inputs = Inputs { real, fake, x, y, features };
            let scores = inputs.scores();
            let shared = objective.shared_pass(&scores).unwrap();
            let losses = [Objective::discriminator_loss, Objective::generator_loss]
                .map(|of| of(&objective, &scores).unwrap());
            let [discriminator, generator] = losses.each_ref().map(|loss| inputs.gradients(loss));
            let Some(shared) = shared else {
                assert_eq!(objective.properties().merging, Merging::Apart, "{objective:?}");
                continue;
            };
            for gradients in [&discriminator, &generator] {
                assert!(gradients[3].is_none() && gradients[4].is_none(), "{objective:?} reaches samples");
            }
            let own = |gradient: &Option<Vec<f64>>| gradient.clone().unwrap();
            assert_eq!(shared.real.to_vec().unwrap(), own(&discriminator[0]), "{objective:?}");
            let passes = shared.fake.to_vec().unwrap();
            for (passed, alone) in passes.iter().zip(own(&discriminator[1])) {
                assert!((passed - alone).abs() <= 2e-20, "{objective:?}: {passed} instead of {alone}");
            }
            // An ordinary slope of a score by its sample, and one that a saturated layer leaves.
            for slope in [0.3_f32, 1e-9] {
                let slope = Variable::full(f64::from(slope), &[4], DType::F32, &Device::Cpu).unwrap();
                let product = |of: &Variable| of.mul(&slope).unwrap();
                let found = product(&shared.fake).mul(&shared.factors).unwrap().to_vec().unwrap();
                let wanted = own(&generator[1]);
                for ((found, wanted), slope) in found.iter().zip(&wanted).zip(slope.to_vec().unwrap()) {
                    let wanted = wanted * slope;
                    let close = (found - wanted).abs() <= 1e-6 * wanted.abs() + f64::from(f32::MIN_POSITIVE);
                    assert!(
                        close,
                        "{objective:?} at {:?}: {found} instead of {wanted}",
                        inputs.fake.to_vec()
                    );
                }
            }
        }
    }
}

/// What `Merging::Apart` is stated for: samples or features with a gradient, or a range of scores that the
/// discriminator's loss ignores.
#[test]
fn passes_are_apart_only_where_they_must_be() {
    for objective in objectives().into_iter().filter(|of| of.properties().merging == Merging::Apart) {
        let inputs = Inputs::at(&REAL, &[-400.0, -300.0, -500.0, -450.0]);
        let scores = inputs.scores();
        let discriminator = inputs.gradients(&objective.discriminator_loss(&scores).unwrap());
        let generator = inputs.gradients(&objective.generator_loss(&scores).unwrap());
        let others = [&discriminator, &generator].iter().any(|of| of[3].is_some() || of[4].is_some());
        let slopes = discriminator[1].clone().unwrap_or_default();
        let ignored = slopes.iter().all(|&slope| slope == 0.0);
        assert!(others || ignored, "{objective:?}");
    }
}

/// The same through a network: scores of a linear discriminator, gradients by samples and by its weight.
#[test]
fn a_shared_pass_goes_through_a_discriminator() {
    let (x, y) = (leaf(&[0.3, -0.2, 0.8, 0.5], &[2, 2]), leaf(&[-0.6, 0.4, 0.1, -0.9], &[2, 2]));
    let weight = leaf(&[0.7, -1.2], &[1, 2]);
    let score = |samples: &Variable| samples.linear(&weight, None).unwrap().reshape(&[2]).unwrap();
    let objective = Objective::NON_SATURATING;
    let separate = |loss: fn(&Objective, &Scores<'_>) -> Result<Variable>, input: &Variable| {
        let (real, fake) = (score(&x), score(&y));
        let loss = loss(&objective, &Scores::new(&real, &fake)).unwrap();
        grad(&loss, &[input], false).unwrap().remove(0).to_vec().unwrap()
    };
    let (real, fake) = (score(&x), score(&y));
    let shared = objective.shared_pass(&Scores::new(&real, &fake)).unwrap().unwrap();
    let outputs = [
        Output { variable: &real, weight: Some(&shared.real) },
        Output { variable: &fake, weight: Some(&shared.fake) },
    ];
    let gradients = grad_of(&outputs, &[&weight, &y], GradientOptions::default()).unwrap();
    let [by_weight, by_sample] = [0, 1].map(|index| gradients[index].clone().unwrap());
    let rescaled = by_sample.mul(&shared.factors.reshape(&[2, 1]).unwrap()).unwrap().to_vec().unwrap();
    let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
    assert!(close(&by_weight.to_vec().unwrap(), &separate(Objective::discriminator_loss, &weight)));
    assert!(close(&rescaled, &separate(Objective::generator_loss, &y)));
}
