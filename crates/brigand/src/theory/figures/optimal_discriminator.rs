//! The gradient that a perfect discriminator and a perfect critic give the generator.

use super::curve::{graph, spaced, zipped};
use super::training::{FigureCritic, column, mlp};
use super::{FigureOutput, Plate};
use crate::error::Result;
use crate::objectives::{Objective, Wasserstein};
use crate::penalties::{Cost, Penalty, Probe};
use crate::pictures::{Ink, Mark, Panel, Shape, Sheet};
use crate::random::Stream;
use crate::theory::Normal;
use brigand_core::batch::SampleShape;
use brigand_core::networks::Hidden;
use brigand_core::players::OptimizerRecipe;

const STEPS: u64 = 2000;
const BATCH: usize = 256;
/// Ends of the line that is looked at, and intervals between.
const RANGE: (f64, f64) = (-4.0, 4.0);
const INTERVALS: u32 = 200;
const REAL: (f64, f64) = (-2.0, 0.5);
const FAKE: (f64, f64) = (2.0, 0.5);

/// One-sided: for a critic that begins the wrong way round, the two-sided penalty has a minimum there too.
const ONE_SIDED: Penalty = Penalty::Gradient { probe: Probe::Line, cost: Cost::OneSided, weight: 40.0 };

/// Scores on the line after training.
fn trained(objective: Objective, penalty: Penalty) -> Result<Vec<f64>> {
    let sample = SampleShape::Points { dimensions: 1 };
    let optimizer = OptimizerRecipe::adam(1e-3, 0.5, 0.9);
    let mut critic =
        FigureCritic::new(&mlp(&[64, 64], Hidden::Tanh), sample, (objective, penalty), optimizer, 0)?;
    for step in 0..STEPS {
        let batch = |(mean, deviation): (f64, f64), purpose: &str| {
            let draws = Stream::new(0, purpose, step).normal(BATCH);
            column(draws.into_iter().map(move |draw| mean + deviation * f64::from(draw)))
        };
        critic.learn(&batch(REAL, "figure/real")?, &batch(FAKE, "figure/fake")?)?;
    }
    critic.scores(&column(spaced(RANGE.0, RANGE.1, INTERVALS))?)
}

pub(super) fn show() -> Result<FigureOutput> {
    let (p, q) = (Normal::new(REAL.0, REAL.1)?, Normal::new(FAKE.0, FAKE.1)?);
    let places: Vec<f64> = spaced(RANGE.0, RANGE.1, INTERVALS).collect();
    let exact = |x: f64| 1.0 / (1.0 + (q.log_density(x) - p.log_density(x)).exp());
    let learned: Vec<f64> = trained(Objective::NON_SATURATING, Penalty::None {})?
        .into_iter()
        .map(|score| 1.0 / (1.0 + (-score).exp()))
        .collect();
    let critic = centred(trained(Wasserstein {}.into(), ONE_SIDED)?);
    let potential = centred(potential(&p, &q, &places));
    let pairs = [
        (places.iter().map(|&x| exact(x)).collect::<Vec<f64>>(), learned, (0.0, 1.08), "discriminator D(x)"),
        (potential, critic, (-4.5, 4.5), "Wasserstein critic f(x)"),
    ];
    let mut panels: Vec<Panel> = Vec::new();
    let mut slopes = Vec::new();
    let mut numbers = Vec::new();
    for (exact, learned, y, title) in pairs {
        let (steep, flat) = (steepness(&places, &exact), steepness(&places, &learned));
        numbers.push((format!("mean slope on the fakes, exact {title}"), mean_on_fakes(&q, &steep)));
        numbers.push((format!("mean slope on the fakes, trained {title}"), mean_on_fakes(&q, &flat)));
        panels.push(panel(
            title,
            y,
            (&p, &q),
            zipped(places.iter().copied(), exact),
            zipped(places.iter().copied(), learned),
        ));
        slopes.push(panel(&format!("how steeply the {title} falls"), (-0.2, 1.5), (&p, &q), steep, flat));
    }
    panels.extend(slopes);
    let sheet = Sheet {
        title: "Discriminator and critic between distant real and generated samples".to_owned(),
        panels,
        columns: 2,
        size: (900, 800),
    };
    let value = |index: usize| numbers.get(index).map_or(f64::NAN, |(_, value): &(String, f64)| *value);
    let text = format!(
        "Real data lies around {:.0}, generated samples around {:.0}. The best discriminator, p / (p + q), is 1 here and 0 there \
         with a steep transition between: on the generated samples its slope is {:.0e} (trained: {:.0e}), so the generator gets almost no gradient. \
         The best critic among functions of slope 1 falls linearly from the real to the generated side: its slope \
         is {:.2} on the samples (trained with the one-sided gradient penalty: {:.2}).",
        REAL.0,
        FAKE.0,
        value(0),
        value(1),
        value(2),
        value(3)
    );
    Ok(FigureOutput { plates: vec![Plate::still("optimal-discriminator", &sheet.draw()?)?], text, numbers })
}

/// Kantorovich's potential, high on `p`: its slope is the sign of `F_q - F_p`.
fn potential(p: &Normal, q: &Normal, places: &[f64]) -> Vec<f64> {
    let step = (RANGE.1 - RANGE.0) / f64::from(INTERVALS);
    let mut height = 0.0;
    places
        .iter()
        .map(|&x| {
            let slope = (q.cdf(x) - p.cdf(x)).signum();
            height += slope * step;
            height
        })
        .collect()
}

/// Shifted to a mean of 0: a critic is only known up to a constant.
fn centred(values: Vec<f64>) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    values.into_iter().map(|value| value - mean).collect()
}

/// How steeply a curve falls between neighbouring places.
fn steepness(places: &[f64], values: &[f64]) -> Vec<(f64, f64)> {
    let between = places.windows(2).zip(values.windows(2));
    between.map(|(x, y)| (f64::midpoint(x[0], x[1]), (y[0] - y[1]) / (x[1] - x[0]))).collect()
}

fn mean_on_fakes(q: &Normal, slopes: &[(f64, f64)]) -> f64 {
    let mass: f64 = slopes.iter().map(|(x, _)| q.density(*x)).sum();
    slopes.iter().map(|(x, slope)| slope * q.density(*x)).sum::<f64>() / mass
}

fn panel(
    title: &str,
    y: (f64, f64),
    (p, q): (&Normal, &Normal),
    exact: Vec<(f64, f64)>,
    learned: Vec<(f64, f64)>,
) -> Panel {
    let cluster = |normal: &Normal| Shape::Area(graph(RANGE.0, RANGE.1, INTERVALS, |x| normal.density(x)));
    Panel {
        title: title.to_owned(),
        x_label: "x".to_owned(),
        x: RANGE,
        y,
        marks: vec![
            Mark::named("real p", Ink::Hue(4), cluster(p)),
            Mark::named("generated q", Ink::Hue(1), cluster(q)),
            Mark::named("exact", Ink::Dark, Shape::Line(exact)),
            Mark::named("trained", Ink::Hue(2), Shape::Dashed(learned)),
        ],
        ..Panel::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::number;
    use super::*;

    #[test]
    fn the_discriminator_is_flat_on_the_fakes_and_the_critic_is_not() {
        let shown = show().unwrap();
        for kind in ["exact", "trained"] {
            let slope = |what: &str| number(&shown, &format!("mean slope on the fakes, {kind} {what}"));
            assert!(slope("discriminator D(x)") < 0.02, "{kind} {}", slope("discriminator D(x)"));
            let critic = slope("Wasserstein critic f(x)");
            assert!((0.7..1.3).contains(&critic), "{kind} {critic}");
        }
    }
}
