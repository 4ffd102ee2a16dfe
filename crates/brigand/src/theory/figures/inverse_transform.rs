//! Two ways from uniform noise to a distribution: the formula, and what a generator learned to do.

use super::curve::{graph, spaced, zipped};
use super::training::{FigureCritic, FigureGenerator, column, mlp, toy_batch};
use super::{FigureOutput, Plate};
use crate::data::Toy;
use crate::error::Result;
use crate::objectives::Wasserstein;
use crate::penalties::{Cost, Penalty, Probe};
use crate::pictures::{Ink, Mark, Panel, Shape, Sheet};
use crate::theory::{Bins, Normal, wasserstein};
use brigand_core::batch::SampleShape;
use brigand_core::latent::{LatentRecipe, Prior};
use brigand_core::networks::Hidden;
use brigand_core::players::OptimizerRecipe;

const STEPS: u64 = 2500;
const CRITIC_STEPS: u64 = 5;
const BATCH: usize = 256;
/// Samples that are counted and compared.
const SHOWN: u32 = 4000;
const RANGE: (f64, f64) = (-5.0, 5.0);

/// The target: equal parts of three normals.
struct Mixture(Vec<Normal>);

impl Mixture {
    fn new() -> Result<Self> {
        Ok(Self(
            [-3.0, 0.0, 3.0]
                .map(|mean| Normal::new(mean, 0.5))
                .into_iter()
                .collect::<std::result::Result<_, _>>()?,
        ))
    }

    fn density(&self, x: f64) -> f64 {
        self.0.iter().map(|normal| normal.density(x)).sum::<f64>() / self.0.len() as f64
    }

    fn cdf(&self, x: f64) -> f64 {
        self.0.iter().map(|normal| normal.cdf(x)).sum::<f64>() / self.0.len() as f64
    }

    /// The quantile of `u`, by bisection.
    fn quantile(&self, u: f64) -> f64 {
        let (mut low, mut high) = (-10.0, 10.0);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if self.cdf(middle) < u { low = middle } else { high = middle }
        }
        f64::midpoint(low, high)
    }
}

/// A Wasserstein GAN whose latent is one uniform number.
fn trained() -> Result<FigureGenerator> {
    let sample = SampleShape::Points { dimensions: 1 };
    let optimizer = OptimizerRecipe::adam(1e-3, 0.5, 0.9);
    let latent = LatentRecipe { size: 1, prior: Prior::Uniform };
    let penalty = Penalty::Gradient { probe: Probe::Line, cost: Cost::OneSided, weight: 0.1 };
    let layers = mlp(&[64, 64], Hidden::LeakyRelu);
    let mut critic = FigureCritic::new(&layers, sample, (Wasserstein {}.into(), penalty), optimizer, 1)?;
    let mut generator = FigureGenerator::new(&layers, sample, latent, optimizer, 1)?;
    for step in 0..STEPS {
        for round in 0..CRITIC_STEPS {
            let draw = step * CRITIC_STEPS + round;
            let fake = generator.batch(BATCH, draw)?;
            critic.learn(&toy_batch(Toy::Mixture1d, BATCH, draw)?, &fake)?;
        }
        generator.learn(&mut critic, BATCH)?;
    }
    Ok(generator)
}

pub(super) fn show() -> Result<FigureOutput> {
    let mixture = Mixture::new()?;
    // The middles of equal parts of the latent's range.
    let half = 0.5 / f64::from(SHOWN);
    let shares: Vec<f64> = spaced(half, 1.0 - half, SHOWN - 1).collect();
    let exact: Vec<f64> = shares.iter().map(|&u| mixture.quantile(u)).collect();
    let made = trained()?.samples(&column(shares.iter().map(|u| 2.0 * u - 1.0))?)?.to_vec()?;
    let distance = wasserstein(&exact, &made, 1.0)?;
    let monotone = rising_share(&made);
    let curve = |values: &[f64]| zipped(shares.iter().copied(), values.iter().copied());
    let sheet = Sheet {
        title: "From a uniform number u to data with three peaks".to_owned(),
        panels: vec![
            Panel {
                title: "the formula: distribution function F(x)".to_owned(),
                x_label: "x".to_owned(),
                y_label: "u = F(x)".to_owned(),
                x: RANGE,
                y: (0.0, 1.02),
                marks: vec![
                    Mark::named(
                        "density p",
                        Ink::Hue(4),
                        Shape::Area(graph(RANGE.0, RANGE.1, 300, |x| mixture.density(x))),
                    ),
                    Mark::named(
                        "F",
                        Ink::Dark,
                        Shape::Line(graph(RANGE.0, RANGE.1, 300, |x| mixture.cdf(x))),
                    ),
                    Mark::named(
                        "read backwards: x of u",
                        Ink::Quiet,
                        Shape::Arrows(read_backwards(&mixture)),
                    ),
                ],
            },
            Panel {
                title: "what each does with u".to_owned(),
                x_label: "u, uniform".to_owned(),
                y_label: "x".to_owned(),
                x: (0.0, 1.0),
                y: RANGE,
                marks: vec![
                    Mark::named("inverse of F", Ink::Dark, Shape::Line(curve(&exact))),
                    Mark::named("trained generator G(u)", Ink::Hue(1), Shape::Line(curve(&made))),
                ],
            },
            counted("samples by the formula", &mixture, &exact, Ink::Dark)?,
            counted("samples of the generator", &mixture, &made, Ink::Hue(1))?,
        ],
        columns: 2,
        size: (900, 800),
    };
    let text = format!(
        "A uniform number u becomes a sample of any distribution on the line by x = F⁻¹(u): flat where p has a peak, \
         steep where it has none. The generator was trained against a critic, without this formula. It found a map of \
         the same kind ({:.0} % of its way {}), flat at the peaks and steep \
         between. But it is a continuous function of moderate slopes: it has some samples in the gaps, and \
         its tails are too short. W1 between \
         its samples and the data is {distance:.3}. In many dimensions there is no F to invert, and a generator can still be trained.",
        100.0 * monotone.max(1.0 - monotone),
        if monotone >= 0.5 { "upwards" } else { "downwards: its mirror image serves as well" }
    );
    let numbers = vec![
        ("W1 of generated to exact samples".to_owned(), distance),
        ("share of the way upwards".to_owned(), monotone),
    ];
    Ok(FigureOutput { plates: vec![Plate::still("inverse-transform", &sheet.draw()?)?], text, numbers })
}

/// Arrows from the axis of u to F and down to x.
fn read_backwards(mixture: &Mixture) -> Vec<[(f64, f64); 2]> {
    [0.1, 0.25, 0.5, 0.75, 0.9]
        .into_iter()
        .flat_map(|u| {
            let x = mixture.quantile(u);
            [[(RANGE.0, u), (x, u)], [(x, u), (x, 0.0)]]
        })
        .collect()
}

/// Which part of all movement of a curve goes up.
fn rising_share(values: &[f64]) -> f64 {
    let moves = || values.windows(2).map(|pair| pair[1] - pair[0]);
    moves().filter(|step| *step > 0.0).sum::<f64>() / moves().map(f64::abs).sum::<f64>()
}

fn counted(title: &str, mixture: &Mixture, samples: &[f64], ink: Ink) -> Result<Panel> {
    let bins = Bins::new(RANGE.0, RANGE.1, 60)?;
    let heights = bins.shares(samples, 0.0)?.shares.into_iter().map(|share| share / bins.width());
    Ok(Panel {
        title: title.to_owned(),
        x_label: "x".to_owned(),
        y_label: "density".to_owned(),
        x: RANGE,
        y: (0.0, 0.45),
        marks: vec![
            Mark::named("samples", ink, Shape::Columns(zipped(bins.centres(), heights), bins.width())),
            Mark::named("p", Ink::Hue(0), Shape::Line(graph(RANGE.0, RANGE.1, 300, |x| mixture.density(x)))),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_inverts_the_distribution_function() {
        let mixture = Mixture::new().unwrap();
        for u in [0.01, 0.3, 0.5, 0.9] {
            assert!((mixture.cdf(mixture.quantile(u)) - u).abs() < 1e-9);
        }
        assert!((mixture.quantile(0.5)).abs() < 1e-9);
        assert_eq!(rising_share(&[0.0, 3.0, 2.0]), 0.75);
    }

    #[test]
    fn the_generator_comes_near_the_data() {
        let shown = show().unwrap();
        // A single peak at 0 would be 2 away.
        assert!(
            super::super::number(&shown, "W1 of generated to exact samples") < 0.35,
            "{:?}",
            shown.numbers
        );
    }
}
