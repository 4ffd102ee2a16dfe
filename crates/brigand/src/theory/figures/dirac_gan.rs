//! Phase portraits of the one-point GAN.

use super::curve::spaced;
use super::{FigureOutput, Plate};
use crate::error::Result;
use crate::pictures::{Ink, Mark, Panel, Picture, Shape, Sheet};
use crate::theory::{DiracGan, Game, Order};

const RATE: f64 = 0.1;
const STEPS: usize = 500;
const START: (f64, f64) = (1.0, 1.0);
/// The ends of both axes.
const REACH: f64 = 2.0;
/// Steps between two frames.
const STRIDE: usize = 6;

const GANS: [(&str, Game, Order); 12] = [
    ("minimax, both at once", Game::Minimax, Order::Simultaneous),
    ("minimax, in turns", Game::Minimax, Order::Alternating),
    ("non-saturating", Game::NonSaturating, Order::Alternating),
    ("Wasserstein", Game::Wasserstein, Order::Alternating),
    ("Wasserstein, |ψ| clipped to 1", Game::Clipping { limit: 1.0 }, Order::Alternating),
    ("WGAN-GP, λ = 0.25", Game::GradientPenalty { weight: 0.25 }, Order::Alternating),
    ("WGAN-LP, λ = 0.25", Game::LipschitzPenalty { weight: 0.25 }, Order::Alternating),
    ("R1, γ = 0.3", Game::R1 { gamma: 0.3 }, Order::Alternating),
    ("R1, γ = 1 (critical)", Game::R1 { gamma: 1.0 }, Order::Alternating),
    ("instance noise, sd 1", Game::InstanceNoise { deviation: 1.0 }, Order::Alternating),
    ("consensus, γ = 1", Game::Consensus { gamma: 1.0 }, Order::Alternating),
    ("unrolled, 5 steps of 0.3", Game::Unrolled { steps: 5, rate: 0.3 }, Order::Alternating),
];

pub(super) fn show() -> Result<FigureOutput> {
    let gans = GANS.map(|(name, game, order)| (name, DiracGan { game, order }));
    let trajectories: Vec<Vec<(f64, f64)>> =
        gans.iter().map(|(_, gan)| gan.trajectory(START, RATE, STEPS)).collect();
    let sheet = |until: usize| Sheet {
        title: format!("The one-point GAN: data at 0, generator at θ, D(x) = ψx; step {until}"),
        panels: gans
            .iter()
            .zip(&trajectories)
            .map(|((name, gan), points)| portrait(name, *gan, points.get(..=until).unwrap_or(points)))
            .collect(),
        columns: 3,
        size: (900, 1240),
    };
    let frames: Vec<Picture> =
        (0..=40).map(|frame| Ok(sheet(frame * STRIDE).draw()?)).collect::<Result<_>>()?;
    let numbers = gans
        .iter()
        .zip(&trajectories)
        .filter_map(|((name, _), points)| Some(((*name).to_owned(), radius(*points.last()?))))
        .collect();
    let text = format!(
        "This GAN has two parameters: the generator's point θ and the discriminator's slope ψ; the data is one point \
         at 0, and the only equilibrium is the middle of each panel. Arrows show the direction of gradient descent, the line is a training of {STEPS} \
         steps of size {RATE} from (1, 1). Minimax circles around the equilibrium without converging, and diverges when both players \
         step at once; the unconstrained Wasserstein loss circles too, and the non-saturating loss converges ever more slowly. \
         Clipping and the penalties of WGAN-GP and WGAN-LP bound the slope but do not bring it to 0 at the equilibrium: they end in a cycle. \
         A penalty on the slope at the data (R1), noise on both points (instance noise), consensus optimisation and \
         unrolling converge. R1 with γ = 1 is the fastest R1 without rotation: both eigenvalues are -1/2. Titles give the distance from the equilibrium at the end."
    );
    let plates =
        vec![Plate::still("dirac-gan", &sheet(STEPS).draw()?)?, Plate::moving("dirac-gan", &frames, 6.0)?];
    Ok(FigureOutput { plates, text, numbers })
}

fn radius((theta, psi): (f64, f64)) -> f64 {
    theta.hypot(psi)
}

fn portrait(name: &str, gan: DiracGan, points: &[(f64, f64)]) -> Panel {
    let end = points.last().copied().unwrap_or(START);
    let arrows = spaced(-1.8, 1.8, 8)
        .flat_map(|theta| spaced(-1.8, 1.8, 8).map(move |psi| (theta, psi)))
        .filter_map(|(theta, psi)| arrow(gan, theta, psi))
        .collect();
    Panel {
        title: format!("{name}: {}", short(radius(end))),
        x_label: "θ".to_owned(),
        x: (-REACH, REACH),
        y: (-REACH, REACH),
        marks: vec![
            Mark::new(Ink::Quiet, Shape::Arrows(arrows)),
            Mark::new(Ink::Hue(0), Shape::Line(points.to_vec())),
            Mark::new(Ink::Dark, Shape::Dots(vec![(0.0, 0.0)], 4)),
            Mark::new(Ink::Hue(1), Shape::Dots(vec![end], 5)),
        ],
        ..Panel::default()
    }
}

/// The field at a place, long where it is strong but never longer than the places are apart.
fn arrow(gan: DiracGan, theta: f64, psi: f64) -> Option<[(f64, f64); 2]> {
    let (along_theta, along_psi) = gan.field(theta, psi);
    let length = along_theta.hypot(along_psi);
    let scale = 0.4 * (length / (0.5 + length)) / length;
    (length > 1e-6).then_some([(theta, psi), (theta + scale * along_theta, psi + scale * along_psi)])
}

/// A distance in few characters.
fn short(value: f64) -> String {
    if value < 1e-3 { format!("{value:.0e}").replace('-', "−") } else { format!("{value:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_portraits_end_where_theory_says() {
        for (name, game, order) in GANS {
            let end = DiracGan { game, order }.trajectory(START, RATE, STEPS).pop().unwrap();
            let converges =
                ["R1", "instance", "consensus", "unrolled"].iter().any(|good| name.starts_with(good));
            assert_eq!(radius(end) < 0.1, converges, "{name} {}", radius(end));
        }
    }
}
