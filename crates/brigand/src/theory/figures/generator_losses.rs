//! The two losses of a generator, `ln(1 - D)` and `-ln D`.

use super::curve::graph;
use super::{FigureOutput, Plate};
use crate::error::Result;
use crate::pictures::{Ink, Mark, Panel, Shape, Sheet};
use crate::theory::discriminator_bound::softplus;

const SATURATING: (&str, Ink) = ("saturating, ln(1 − D)", Ink::Hue(1));
const NON_SATURATING: (&str, Ink) = ("non-saturating, −ln D", Ink::Hue(0));
/// Where the discriminator is nearly sure that a sample is fake.
const REJECTED: f64 = 0.01;

/// A loss and its slope at a score.
type Loss = fn(f64) -> (f64, f64);

/// `ln(1 - D)` at a score, and its slope `-D`.
fn saturating(score: f64) -> (f64, f64) {
    (-softplus(score), -probability(score))
}

/// `-ln D` at a score, and its slope `-(1 - D)`.
fn non_saturating(score: f64) -> (f64, f64) {
    (softplus(-score), -probability(-score))
}

fn probability(score: f64) -> f64 {
    1.0 / (1.0 + (-score).exp())
}

fn score(probability: f64) -> f64 {
    (probability / (1.0 - probability)).ln()
}

pub(super) fn show() -> Result<FigureOutput> {
    let at = score(REJECTED);
    let sheet = Sheet {
        title: "Loss and gradient of the generator".to_owned(),
        panels: vec![by_probability(at), by_score(at), slopes_by_probability(at), slopes_by_score(at)],
        columns: 2,
        size: (900, 760),
    };
    let numbers = vec![
        ("ln(1-D) at D=0.01".to_owned(), saturating(at).0),
        ("-ln D at D=0.01".to_owned(), non_saturating(at).0),
        ("slope of ln(1-D) at D=0.01".to_owned(), saturating(at).1),
        ("slope of -ln D at D=0.01".to_owned(), non_saturating(at).1),
    ];
    let text = format!(
        "Early in training the discriminator rejects every generated sample: D(G(z)) is near 0 (dots, D = {REJECTED}). \
         There ln(1 - D) is flat: its slope by the score is {:.2}, a hundred times smaller \
         than for a sample that is classified as real. -ln D has the slope {:.2} at the same place: its gradient is largest \
         for samples that are classified as generated, and vanishes for those classified as real. Both losses fall as D \
         rises, so their gradients have the same direction; only the size differs.",
        saturating(at).1,
        non_saturating(at).1
    );
    Ok(FigureOutput { plates: vec![Plate::still("generator-losses", &sheet.draw()?)?], text, numbers })
}

fn two(
    value: impl Fn((f64, f64)) -> f64,
    x: impl Fn(&dyn Fn(f64) -> f64) -> Vec<(f64, f64)>,
    dot: f64,
    at: f64,
) -> Vec<Mark> {
    let curves: [(_, Loss); 2] = [(SATURATING, saturating), (NON_SATURATING, non_saturating)];
    let lines = curves
        .iter()
        .map(|((label, ink), loss)| Mark::named(*label, *ink, Shape::Line(x(&|score| value(loss(score))))));
    let dots =
        curves.iter().map(|((_, ink), loss)| Mark::new(*ink, Shape::Dots(vec![(dot, value(loss(at)))], 5)));
    lines.chain(dots).collect()
}

fn over_probability(value: &dyn Fn(f64) -> f64) -> Vec<(f64, f64)> {
    graph(0.002, 0.998, 500, |d| value(score(d)))
}

fn over_score(value: &dyn Fn(f64) -> f64) -> Vec<(f64, f64)> {
    graph(-8.0, 8.0, 320, value)
}

fn by_probability(at: f64) -> Panel {
    Panel {
        title: "loss, as a function of D(G(z))".to_owned(),
        x_label: "D(G(z)), probability of being real".to_owned(),
        y_label: "loss of G".to_owned(),
        x: (0.0, 1.0),
        y: (-5.0, 5.0),
        marks: two(|(loss, _)| loss, over_probability, REJECTED, at),
    }
}

fn by_score(at: f64) -> Panel {
    Panel {
        title: "loss, as a function of the logit of D".to_owned(),
        x_label: "score of G(z)".to_owned(),
        y_label: "loss of G".to_owned(),
        x: (-8.0, 8.0),
        y: (-8.0, 8.0),
        marks: two(|(loss, _)| loss, over_score, at, at),
    }
}

fn slopes_by_probability(at: f64) -> Panel {
    Panel {
        title: "gradient by the score, |∂loss/∂score|".to_owned(),
        x_label: "D(G(z)), probability of being real".to_owned(),
        y_label: "size of the gradient".to_owned(),
        x: (0.0, 1.0),
        y: (0.0, 1.05),
        marks: two(|(_, slope)| slope.abs(), over_probability, REJECTED, at),
    }
}

fn slopes_by_score(at: f64) -> Panel {
    Panel {
        title: "gradient by the score, |∂loss/∂score|".to_owned(),
        x_label: "score of G(z)".to_owned(),
        y_label: "size of the gradient".to_owned(),
        x: (-8.0, 8.0),
        y: (0.0, 1.05),
        marks: two(|(_, slope)| slope.abs(), over_score, at, at),
    }
}

#[cfg(test)]
mod tests {
    use super::super::number;
    use super::*;

    #[test]
    fn the_numbers_where_a_sample_is_rejected() {
        let shown = show().unwrap();
        for (name, expected) in [
            ("-ln D at D=0.01", 4.605170),
            ("ln(1-D) at D=0.01", -0.010050),
            ("slope of -ln D at D=0.01", -0.99),
            ("slope of ln(1-D) at D=0.01", -0.01),
        ] {
            assert!((number(&shown, name) - expected).abs() < 1e-6, "{name}");
        }
    }
}
