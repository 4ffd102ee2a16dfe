//! Two estimates while a generator learns: that of JS is high, then noisy; that of W1 falls as the samples improve
//! (figures 3 and 4 of Arjovsky et al. 2017, arXiv:1701.07875).

use super::digits::{Digits, HELD_OUT};
use super::training::{FigureCritic, FigureGenerator, mlp};
use super::{FigureOutput, Plate};
use crate::error::Result;
use crate::objectives::{Objective, Wasserstein};
use crate::penalties::Penalty;
use crate::pictures::{Ink, Mark, Panel, Shape, Sheet};
use crate::theory::js_lower_bound;
use brigand_core::latent::{LatentRecipe, Prior};
use brigand_core::networks::{DcganRecipe, Hidden, NetworkRecipe};
use brigand_core::players::OptimizerRecipe;

const STEPS: u64 = 1000;
const CRITIC_STEPS: u64 = 5;
const BATCH: usize = 64;
/// Generator steps between two estimates.
const EVERY: u64 = 20;
/// Steps at which samples are kept, and how many.
const SAMPLED: [u64; 4] = [20, 100, 300, 1000];
const SAMPLES: usize = 10;

/// One training.
struct Course {
    estimates: Vec<(f64, f64)>,
    /// Samples `[SAMPLES, 1, 8, 8]` at each step of [`SAMPLED`], one after another.
    samples: Vec<Vec<f64>>,
}

fn course(digits: &Digits, generator: &NetworkRecipe, estimate: Estimate, steps: u64) -> Result<Course> {
    let sample = digits.shape()?;
    let optimizer = OptimizerRecipe::adam(5e-4, 0.5, 0.9);
    let latent = LatentRecipe { size: 16, prior: Prior::Normal };
    let mut critic =
        FigureCritic::new(&mlp(&[256, 128], Hidden::LeakyRelu), sample, estimate.rule(), optimizer, 5)?;
    let mut generator = FigureGenerator::new(generator, sample, latent, optimizer, 5)?;
    let held_out = digits.held_out()?;
    let mut course = Course { estimates: Vec::new(), samples: Vec::new() };
    for step in 0..steps {
        for round in 0..CRITIC_STEPS {
            let draw = step * CRITIC_STEPS + round;
            let fake = generator.batch(BATCH, draw)?;
            critic.learn(&digits.batch(BATCH, draw)?, &fake)?;
        }
        if step % EVERY == 0 {
            let fake = generator.batch(HELD_OUT, u64::MAX - step)?;
            let (real, fake) = (critic.scores(&held_out)?, critic.scores(&fake)?);
            course.estimates.push((step as f64, estimate.of(&real, &fake)?));
        }
        generator.learn(&mut critic, BATCH)?;
        if SAMPLED.contains(&(step + 1)) {
            course
                .samples
                .push(generator.samples(&generator.latents(SAMPLES, "figure/shown", 0)?)?.to_vec()?);
        }
    }
    Ok(course)
}

/// What a discriminator's scores estimate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Estimate {
    JensenShannon,
    Wasserstein,
}

impl Estimate {
    fn name(self) -> &'static str {
        match self {
            Self::JensenShannon => "JS",
            Self::Wasserstein => "W1",
        }
    }

    /// What the discriminator has to be trained by.
    fn rule(self) -> (Objective, Penalty) {
        match self {
            Self::JensenShannon => (Objective::NON_SATURATING, Penalty::None {}),
            Self::Wasserstein => (Wasserstein {}.into(), Penalty::WGAN_GP),
        }
    }

    /// The estimate: a lower bound of JS, or the difference of mean scores.
    fn of(self, real: &[f64], fake: &[f64]) -> Result<f64> {
        let mean = |scores: &[f64]| scores.iter().sum::<f64>() / scores.len().max(1) as f64;
        match self {
            Self::JensenShannon => Ok(js_lower_bound(real, fake)?),
            Self::Wasserstein => Ok(mean(real) - mean(fake)),
        }
    }
}

pub(super) fn show() -> Result<FigureOutput> {
    let digits = Digits::new()?;
    let generators = [
        ("MLP generator", mlp(&[128, 128], Hidden::LeakyRelu), Ink::Hue(0)),
        (
            "DCGAN generator",
            NetworkRecipe::Dcgan(DcganRecipe { width: 32, ..DcganRecipe::default() }),
            Ink::Hue(1),
        ),
    ];
    let (mut panels, mut sheets, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    for estimate in [Estimate::JensenShannon, Estimate::Wasserstein] {
        let estimated = estimate.name();
        let mut lines = Vec::new();
        for (name, recipe, ink) in &generators {
            let course = course(&digits, recipe, estimate, STEPS)?;
            let quarter = course.estimates.len() / 4;
            let mean =
                |part: &[(f64, f64)]| part.iter().map(|(_, y)| y).sum::<f64>() / part.len().max(1) as f64;
            let early = course.estimates.iter().map(|(_, y)| *y).fold(f64::NEG_INFINITY, f64::max);
            let late = mean(course.estimates.get(3 * quarter..).unwrap_or_default());
            numbers.push((format!("{estimated}, {name}: highest"), early));
            numbers.push((format!("{estimated}, {name}: mean of the last quarter"), late));
            let settled = course.estimates.get(quarter..).unwrap_or_default();
            numbers.push((
                format!("{estimated}, {name}: mean jump, share of the highest"),
                jumps(settled) / early,
            ));
            lines.push(Mark::named(*name, *ink, Shape::Line(course.estimates)));
            sheets.push(sample_panel(&format!("{name}, trained by {estimated}"), &course.samples));
        }
        panels.push(estimate_panel(estimate, lines));
    }
    let value = |index: usize| numbers.get(index).map_or(f64::NAN, |(_, value): &(String, f64)| *value);
    let text = format!(
        "Left: ln 2 + 1/2 (mean ln D(x) + mean ln(1 - D(G(z)))), the discriminator's lower bound of JS, on digits it was not \
         trained on. Within a few steps it is near its ceiling ln 2 = 0.693 ({:.2} and {:.2}), where its gradient vanishes. Later it \
         varies strongly (by {:.0} % and {:.0} % of its highest value from one estimate to the next, below 0 when D classifies held-out digits as generated): it \
         depends as much on the discriminator as on the samples in the second picture. Right: the \
         Wasserstein estimate of a critic with gradient penalty. Once the critic is trained it falls steadily while the samples become digits (variation \
         of {:.0} % and {:.0} %) and is lower for the better generator: it measures progress. With the larger images and \
         discriminators of the Wasserstein GAN paper the left curve stays at ln 2 altogether.",
        value(0),
        value(3),
        100.0 * value(2),
        100.0 * value(5),
        100.0 * value(8),
        100.0 * value(11)
    );
    let figure = |title: &str, panels: Vec<Panel>, height: u32| Sheet {
        title: title.to_owned(),
        panels,
        columns: 2,
        size: (900, height),
    };
    let curves = figure("The estimates during the training of the generator", panels, 480);
    let grids = figure("Samples of each generator; from top to bottom steps 20, 100, 300, 1000", sheets, 780);
    let plates = vec![
        Plate::still("js-estimate", &curves.draw()?)?,
        Plate::still("js-estimate-samples", &grids.draw()?)?,
    ];
    Ok(FigureOutput { plates, text, numbers })
}

/// The mean change between neighbouring estimates.
fn jumps(estimates: &[(f64, f64)]) -> f64 {
    let sum: f64 = estimates.windows(2).map(|pair| (pair[1].1 - pair[0].1).abs()).sum();
    sum / estimates.len().saturating_sub(1).max(1) as f64
}

fn estimate_panel(estimate: Estimate, mut marks: Vec<Mark>) -> Panel {
    let bounded = match estimate {
        Estimate::JensenShannon => true,
        Estimate::Wasserstein => false,
    };
    let top = marks.iter().flat_map(|mark| match &mark.shape {
        Shape::Line(points) => points.iter().map(|(_, y)| *y).collect(),
        _ => Vec::new(),
    });
    let y = if bounded { (-0.1, 0.8) } else { (0.0, 1.1 * top.fold(f64::MIN_POSITIVE, f64::max)) };
    if bounded {
        let ceiling = vec![(0.0, std::f64::consts::LN_2), (STEPS as f64, std::f64::consts::LN_2)];
        marks.insert(0, Mark::named("ln 2", Ink::Quiet, Shape::Dashed(ceiling)));
    }
    Panel {
        title: format!("estimate of {}", estimate.name()),
        x_label: "steps of the generator".to_owned(),
        x: (0.0, STEPS as f64),
        y,
        marks,
        ..Panel::default()
    }
}

/// Samples as grey cells: a row for each step of [`SAMPLED`].
fn sample_panel(title: &str, rows: &[Vec<f64>]) -> Panel {
    const SIDE: usize = 8;
    const PITCH: usize = SIDE + 1;
    let height = PITCH * rows.len();
    let cells = rows.iter().enumerate().flat_map(|(row, samples)| {
        samples.iter().enumerate().map(move |(index, level)| {
            let (sample, pixel) = (index / (SIDE * SIDE), index % (SIDE * SIDE));
            let x = sample * PITCH + pixel % SIDE;
            let y = height - row * PITCH - pixel / SIDE;
            (x as f64, y as f64, f64::midpoint(*level, 1.0))
        })
    });
    Panel {
        title: title.to_owned(),
        x_label: "samples of the same ten latents".to_owned(),
        x: (-1.0, (PITCH * SAMPLES) as f64),
        y: (0.0, height as f64 + 1.0),
        marks: vec![Mark::new(Ink::Dark, Shape::Cells(cells.collect()))],
        ..Panel::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wasserstein_estimate_falls_and_the_other_stays_high() {
        let digits = Digits::new().unwrap();
        let generator = mlp(&[128, 128], Hidden::LeakyRelu);
        let after = |estimate: Estimate| {
            let course = course(&digits, &generator, estimate, 141).unwrap();
            assert_eq!(course.samples.iter().map(Vec::len).collect::<Vec<_>>(), [SAMPLES * 64; 2]);
            let highest = course.estimates.iter().map(|(_, y)| *y).fold(f64::NEG_INFINITY, f64::max);
            (highest, course.estimates.last().unwrap().1)
        };
        let (highest, last) = after(Estimate::JensenShannon);
        assert!(
            0.6 < highest && highest < std::f64::consts::LN_2 && last > 0.8 * highest,
            "{highest} {last}"
        );
        let (highest, last) = after(Estimate::Wasserstein);
        assert!(last < 0.4 * highest, "{highest} {last}");
        assert!((jumps(&[(0.0, 1.0), (1.0, 3.0), (2.0, 2.0)]) - 1.5).abs() < 1e-12);
    }
}
