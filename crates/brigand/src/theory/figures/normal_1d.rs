//! A GAN on the line learns a normal distribution.

use brigand_autograd::Variable;

use super::curve::{graph, spaced, zipped};
use super::training::{FigureCritic, FigureGenerator, column, mlp};
use super::{FigureOutput, Plate};
use crate::error::Result;
use crate::objectives::Objective;
use crate::penalties::{Cost, Penalty, Probe};
use crate::pictures::{Ink, Mark, Panel, Picture, Shape, Sheet};
use crate::random::Stream;
use crate::theory::{Normal, js_lower_bound, wasserstein};
use brigand_core::batch::SampleShape;
use brigand_core::latent::{LatentRecipe, Prior};
use brigand_core::networks::Hidden;
use brigand_core::players::OptimizerRecipe;

const STEPS: u64 = 900;
/// Updates of the discriminator in each step.
const ROUNDS: u64 = 3;
/// Steps between two looks.
const EVERY: u64 = 15;
const BATCH: usize = 256;
/// Mean and deviation of the data.
const DATA: (f64, f64) = (-1.0, 1.0);
const RANGE: (f64, f64) = (-5.0, 3.0);
/// Width of the bumps that samples are drawn with.
const BANDWIDTH: f64 = 0.15;
/// The looks that the still picture shows.
const STILLS: [u64; 4] = [0, 60, 150, 900];

/// What there is to see at one step.
struct Look {
    step: u64,
    density: Vec<(f64, f64)>,
    discriminator: Vec<(f64, f64)>,
    lines: Vec<[(f64, f64); 2]>,
    w1: f64,
    js: f64,
}

fn looks() -> Result<Vec<Look>> {
    let sample = SampleShape::Points { dimensions: 1 };
    // The discriminator has the larger step size: it has to fit the width, not only the position.
    let (fast, slow) = (OptimizerRecipe::adam(2e-3, 0.5, 0.9), OptimizerRecipe::adam(3e-4, 0.5, 0.9));
    let penalty = Penalty::Gradient { probe: Probe::Real, cost: Cost::Squared, weight: 0.1 };
    let layers = mlp(&[64, 64], Hidden::Tanh);
    let latent = LatentRecipe { size: 1, prior: Prior::Normal };
    let mut critic = FigureCritic::new(&layers, sample, (Objective::NON_SATURATING, penalty), fast, 2)?;
    let mut generator = FigureGenerator::new(&layers, sample, latent, slow, 2)?;
    let mut looks = vec![look(0, &critic, &generator)?];
    for step in 0..STEPS {
        for draw in step * ROUNDS..(step + 1) * ROUNDS {
            let fake = generator.batch(BATCH, draw)?;
            critic.learn(&data(BATCH, draw)?, &fake)?;
        }
        generator.learn(&mut critic, BATCH)?;
        if (step + 1).is_multiple_of(EVERY) {
            looks.push(look(step + 1, &critic, &generator)?);
        }
    }
    Ok(looks)
}

/// Batch number `draw` of the data, `[count, 1]`.
fn data(count: usize, draw: u64) -> Result<Variable> {
    let normal = Stream::new(0, "figure/real", draw).normal(count);
    column(normal.into_iter().map(|z| DATA.0 + DATA.1 * f64::from(z)))
}

fn look(step: u64, critic: &FigureCritic, generator: &FigureGenerator) -> Result<Look> {
    let real = data(2000, u64::MAX)?;
    let fake = generator.samples(&generator.latents(2000, "figure/shown", 0)?)?;
    let values = fake.to_vec()?;
    let places: Vec<f64> = spaced(RANGE.0, RANGE.1, 180).collect();
    let scores = critic.scores(&column(places.iter().copied())?)?;
    let latents: Vec<f64> = spaced(-2.0, 2.0, 16).collect();
    let ends = generator.samples(&column(latents.iter().copied())?)?.to_vec()?;
    Ok(Look {
        step,
        density: smoothed(&values)?,
        discriminator: zipped(places, scores.into_iter().map(|score| 1.0 / (1.0 + (-score).exp()))),
        lines: latents
            .into_iter()
            .zip(ends)
            .map(|(z, x)| [(latent_place(z), LATENT_AXIS), (x, 0.0)])
            .collect(),
        w1: wasserstein(&real.to_vec()?, &values, 1.0)?,
        js: js_lower_bound(&critic.scores(&real)?, &critic.scores(&fake)?)?,
    })
}

/// Height at which the latents are drawn.
const LATENT_AXIS: f64 = -0.42;

/// Where a latent is drawn on the axis of x.
fn latent_place(z: f64) -> f64 {
    f64::midpoint(RANGE.0, RANGE.1) + 1.6 * z
}

/// A sum of bumps on the samples.
fn smoothed(values: &[f64]) -> Result<Vec<(f64, f64)>> {
    let bump = Normal::new(0.0, BANDWIDTH)?;
    let density =
        |x: f64| values.iter().map(|value| bump.density(x - value)).sum::<f64>() / values.len() as f64;
    Ok(graph(RANGE.0, RANGE.1, 180, density))
}

pub(super) fn show() -> Result<FigureOutput> {
    let target = Normal::new(DATA.0, DATA.1)?;
    let looks = looks()?;
    let frames: Vec<Picture> =
        (0..looks.len()).map(|index| Ok(frame(&target, &looks, index).draw()?)).collect::<Result<_>>()?;
    let stills = looks.iter().filter(|look| STILLS.contains(&look.step));
    let sheet = Sheet {
        title: "A GAN learns the normal distribution of mean −1 and deviation 1".to_owned(),
        panels: stills.map(|look| scene(&target, look)).collect(),
        columns: 2,
        size: (900, 820),
    };
    let last = looks.last().map_or((f64::NAN, f64::NAN), |look| (look.w1, look.js));
    let settled = settled(&looks);
    let first = looks.first().map_or(f64::NAN, |look| look.w1);
    let text = format!(
        "Blue is the data, orange the generator's samples from normal noise; the lines below connect each latent z with its sample. \
         The green line is the discriminator D(x). At first the samples are too narrow and too far to the \
         right; D slopes upwards to the left, the samples move up that slope, the lines spread until the widths are equal (where they cross, G is decreasing, which symmetric noise allows), and D \
         flattens towards 1/2 where the densities are equal. W1 to the data falls from {first:.2} to {settled:.2} on average over the last \
         third; the discriminator's lower bound of JS ends at {:.3}, near 0. It does not converge exactly: small oscillations remain, \
         as in the one-point GAN (figure dirac-gan); the R1 penalty keeps them small.",
        last.1
    );
    let numbers = vec![
        ("W1 at the start".to_owned(), first),
        ("W1 at the end".to_owned(), last.0),
        ("mean W1 over the last third".to_owned(), settled),
        ("JS bound at the end".to_owned(), last.1),
    ];
    let plates = vec![Plate::still("normal-1d", &sheet.draw()?)?, Plate::moving("normal-1d", &frames, 8.0)?];
    Ok(FigureOutput { plates, text, numbers })
}

/// The mean distance over the last third of the training.
fn settled(looks: &[Look]) -> f64 {
    let late = looks.get(2 * looks.len() / 3..).unwrap_or_default();
    late.iter().map(|look| look.w1).sum::<f64>() / late.len().max(1) as f64
}

fn scene(target: &Normal, look: &Look) -> Panel {
    let half = vec![(RANGE.0, 0.5), (RANGE.1, 0.5)];
    let axis = vec![(latent_place(-2.2), LATENT_AXIS), (latent_place(2.2), LATENT_AXIS)];
    Panel {
        title: format!("step {}: W1 = {:.2}", look.step, look.w1),
        x_label: "x".to_owned(),
        x: RANGE,
        y: (-0.5, 1.1),
        marks: vec![
            Mark::named(
                "data",
                Ink::Hue(4),
                Shape::Area(graph(RANGE.0, RANGE.1, 180, |x| target.density(x))),
            ),
            Mark::named("generated", Ink::Hue(1), Shape::Area(look.density.clone())),
            Mark::named("D(x)", Ink::Hue(2), Shape::Line(look.discriminator.clone())),
            Mark::new(Ink::Quiet, Shape::Dashed(half)),
            Mark::new(Ink::Quiet, Shape::Line(axis)),
            Mark::named("z to G(z)", Ink::Quiet, Shape::Arrows(look.lines.clone())),
        ],
        ..Panel::default()
    }
}

fn frame(target: &Normal, looks: &[Look], index: usize) -> Sheet {
    let past = looks.get(..=index).unwrap_or(looks);
    let line = |value: fn(&Look) -> f64| {
        Shape::Line(past.iter().map(|look| (look.step as f64, value(look))).collect())
    };
    let curves = Panel {
        title: "distance of the distributions".to_owned(),
        x_label: "step".to_owned(),
        x: (0.0, STEPS as f64),
        y: (-0.1, 1.5),
        marks: vec![
            Mark::named("W1", Ink::Hue(0), line(|look| look.w1)),
            Mark::named("lower bound of JS", Ink::Hue(2), line(|look| look.js)),
        ],
        ..Panel::default()
    };
    let scene = looks.get(index).map(|look| scene(target, look));
    Sheet {
        panels: scene.into_iter().chain([curves]).collect(),
        columns: 2,
        size: (900, 420),
        ..Sheet::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_falls() {
        let looks = looks().unwrap();
        assert!(looks[0].w1 > 0.8, "{}", looks[0].w1);
        let end = looks.last().unwrap();
        assert!(settled(&looks) < 0.2 && end.js.abs() < 0.05, "{} {}", settled(&looks), end.js);
    }
}
