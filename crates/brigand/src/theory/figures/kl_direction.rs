//! The minimum of each divergence for a model that is too simple: one normal for two peaks.

use super::curve::{graph, spaced, zipped};
use super::{FigureOutput, Plate};
use crate::error::Result;
use crate::pictures::{Ink, Mark, Panel, Shape, Sheet};
use crate::theory::{Fit, Grid, Normal, Target, fit_normal};

/// Half the distance of the peaks in the first three panels.
const MU: f64 = 3.0;
const TARGETS: [(&str, Target, Ink); 3] = [
    ("KL(p || q)", Target::Forward, Ink::Hue(0)),
    ("KL(q || p)", Target::Reverse, Ink::Hue(1)),
    ("JS(p, q)", Target::JensenShannon, Ink::Hue(2)),
];

/// Equal parts of normals of deviation 1 at `-mu` and `mu`.
fn log_mixture(mu: f64) -> Result<impl Fn(f64) -> f64> {
    let (left, right) = (Normal::new(-mu, 1.0)?, Normal::new(mu, 1.0)?);
    Ok(move |x| {
        let (a, b) = (left.log_density(x), right.log_density(x));
        let top = a.max(b);
        top + f64::midpoint((a - top).exp(), (b - top).exp()).ln()
    })
}

fn fitted(mu: f64, target: Target) -> Result<Fit> {
    let grid = Grid::new(-20.0, 20.0, 800)?;
    Ok(fit_normal(grid, &log_mixture(mu)?, target, (0.0, mu + 1.0), (0.3, mu + 2.0))?)
}

pub(super) fn show() -> Result<FigureOutput> {
    let data = graph(-9.0, 9.0, 360, |x| log_mixture(MU).map_or(f64::NAN, |log| log(x).exp()));
    let (mut panels, mut numbers) = (Vec::new(), Vec::new());
    for (label, target, ink) in TARGETS {
        let fit = fitted(MU, target)?;
        let title = format!("smallest {label} = {:.3}", fit.divergence);
        panels.push(fit_panel(title, &data, &fit, ink));
        for (what, value) in [
            ("mean", fit.normal.mean()),
            ("deviation", fit.normal.deviation()),
            ("divergence", fit.divergence),
        ] {
            numbers.push((format!("{target:?} at mu=3: {what}"), value));
        }
    }
    let (means, chosen) = means_panel()?;
    panels.push(means);
    numbers.push(("mu from which reverse KL chooses a peak".to_owned(), chosen));
    let sheet = Sheet {
        title: "One normal for two peaks: which one is nearest depends on the divergence".to_owned(),
        panels,
        columns: 2,
        size: (900, 780),
    };
    let text = format!(
        "The data p (grey) has two peaks at ±{MU}, the model q is a single normal. KL(p || q), maximum likelihood, is large \
         where p has mass and q has little, so the best model covers both peaks and puts most of its \
         mass where there is no data. KL(q || p) is large only where q has mass and p has little: the best model \
         covers one peak and misses the other, with a divergence of almost ln 2. JS at this distance still covers both. The last panel moves the \
         peaks apart: up to a distance of {chosen:.1} deviations from the middle reverse KL also has its minimum in the middle, beyond it \
         at one peak. A generator that minimises reverse KL can drop modes for the same reason."
    );
    Ok(FigureOutput { plates: vec![Plate::still("kl-direction", &sheet.draw()?)?], text, numbers })
}

fn fit_panel(title: String, data: &[(f64, f64)], fit: &Fit, ink: Ink) -> Panel {
    let (mean, deviation) = (fit.normal.mean(), fit.normal.deviation());
    Panel {
        title,
        x_label: "x".to_owned(),
        y_label: "density".to_owned(),
        x: (-9.0, 9.0),
        y: (0.0, 0.42),
        marks: vec![
            Mark::named("data p", Ink::Dark, Shape::Area(data.to_vec())),
            Mark::named(
                format!("best q: mean {mean:.2}, sd {deviation:.2}"),
                ink,
                Shape::Line(graph(-9.0, 9.0, 360, |x| fit.normal.density(x))),
            ),
        ],
    }
}

/// The panel, and the distance from which on reverse KL chooses a peak.
fn means_panel() -> Result<(Panel, f64)> {
    let mut chosen = f64::NAN;
    let places: Vec<f64> = spaced(1.0, 4.0, 30).collect();
    let mut marks = vec![Mark::named("the peak", Ink::Quiet, Shape::Dashed(vec![(1.0, 1.0), (4.0, 4.0)]))];
    for (label, target, ink) in TARGETS {
        let means: Vec<f64> =
            places.iter().map(|&mu| Ok(fitted(mu, target)?.normal.mean())).collect::<Result<_>>()?;
        if target == Target::Reverse {
            let first = places.iter().zip(&means).find(|(mu, mean)| **mean > 0.5 * **mu);
            chosen = first.map_or(f64::NAN, |(mu, _)| *mu);
        }
        let line = zipped(places.iter().copied(), means);
        let shape = if target == Target::JensenShannon { Shape::Line(line) } else { Shape::Dots(line, 4) };
        marks.push(Mark::named(format!("by {label}"), ink, shape));
    }
    let panel = Panel {
        title: "mean of the best q as the peaks move apart".to_owned(),
        x_label: "distance of the peaks from 0".to_owned(),
        y_label: "mean of q".to_owned(),
        x: (1.0, 4.0),
        y: (-0.3, 4.2),
        marks,
    };
    Ok((panel, chosen))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reverse_divergence_alone_chooses_a_peak() {
        for (_, target, _) in TARGETS {
            let chosen = fitted(MU, target).unwrap().normal.mean();
            assert_eq!(chosen > 2.9, target == Target::Reverse, "{target:?} {chosen}");
            assert!(fitted(2.0, target).unwrap().normal.mean() < 1e-3, "{target:?}");
        }
    }
}
