//! Plans that turn one heap of earth into another, and what they cost.

use super::curve::spaced;
use super::{FigureOutput, Plate};
use crate::error::Result;
use crate::pictures::{Ink, Mark, Panel, Picture, Shape, Sheet};
use crate::theory::{Costs, Plan, Points, optimal_plan, quantile_coupling};

/// Heights of the two heaps at the places 0, 1, 2...; they are divided by their sums.
const FROM: [f64; 9] = [4.0, 8.0, 4.0, 0.0, 3.0, 6.0, 3.0, 0.0, 0.0];
const TO: [f64; 9] = [0.0, 0.0, 4.0, 7.0, 5.0, 0.0, 2.0, 6.0, 4.0];

fn shares(heights: [f64; 9]) -> Vec<f64> {
    let sum: f64 = heights.iter().sum();
    heights.iter().map(|height| height / sum).collect()
}

struct Heaps {
    places: Vec<f64>,
    from: Vec<f64>,
    to: Vec<f64>,
    optimal: Plan,
    /// The least cost, as the search over all plans finds it.
    searched: f64,
    poor: Plan,
    independent: Plan,
}

impl Heaps {
    fn new() -> Result<Self> {
        let places: Vec<f64> = spaced(0.0, 8.0, 8).collect();
        let (from, to) = (shares(FROM), shares(TO));
        let line = Points::new(&places, 1)?;
        let costs = Costs::euclidean(line, line, 1.0)?;
        // The dearest plan is the cheapest one for the opposite costs.
        let opposite =
            Costs::new(costs.rows().iter().map(|row| row.iter().map(|cost| -cost).collect()).collect())?;
        let poor = Plan::new(optimal_plan(&opposite, &from, &to)?.mass, &costs)?;
        let spread = from.iter().map(|from| to.iter().map(|to| from * to).collect()).collect();
        let independent = Plan::new(spread, &costs)?;
        // Of the plans that are equally cheap, the one in which no two loads cross.
        let mut straight = vec![vec![0.0; places.len()]; places.len()];
        for piece in quantile_coupling((&places, &from), (&places, &to))? {
            if let Some(cell) = straight.get_mut(piece.source).and_then(|row| row.get_mut(piece.target)) {
                *cell += piece.mass;
            }
        }
        let optimal = Plan::new(straight, &costs)?;
        let searched = optimal_plan(&costs, &from, &to)?.cost;
        Ok(Self { optimal, searched, poor, independent, places, from, to })
    }
}

pub(super) fn show() -> Result<FigureOutput> {
    let heaps = Heaps::new()?;
    let searched = heaps.searched;
    let (optimal, poor, independent) = (heaps.optimal.cost, heaps.poor.cost, heaps.independent.cost);
    let sheet = Sheet {
        title: "Three transport plans and their costs".to_owned(),
        panels: vec![
            heap_panel(&heaps),
            plan_panel(&format!("optimal plan: cost {optimal:.3}"), &heaps.optimal, Ink::Hue(2)),
            plan_panel(&format!("in proportion: cost {independent:.3}"), &heaps.independent, Ink::Hue(5)),
            plan_panel(&format!("poorest plan: cost {poor:.3}"), &heaps.poor, Ink::Hue(3)),
        ],
        columns: 2,
        size: (900, 860),
    };
    let frames: Vec<Picture> =
        spaced(0.0, 1.0, 50).map(|time| Ok(moment(&heaps, time).draw()?)).collect::<Result<_>>()?;
    let text = format!(
        "Mass is moved from the blue histogram p to the orange histogram q. A transport plan gives the mass that goes from each \
         place to each place: its rows sum to p, its columns to q, and its cost is the sum of mass times distance. The optimal plan \
         costs {optimal:.3}, which is the Wasserstein distance W1. It comes from sorting, so that no two paths cross and \
         the plan is monotone; an exact solver over all plans finds the same cost ({searched:.3}). The independent plan, p times q, costs \
         {independent:.3}, the poorest plan {poor:.3}: it pairs the largest distances. moving-plans.gif shows both: \
         the optimal plan shifts the mass without crossings, in the poorest one the paths cross."
    );
    let numbers =
        [("optimal", optimal), ("by search", searched), ("in proportion", independent), ("poorest", poor)];
    let plates =
        vec![Plate::still("moving-plans", &sheet.draw()?)?, Plate::moving("moving-plans", &frames, 5.0)?];
    Ok(FigureOutput {
        plates,
        text,
        numbers: numbers.map(|(name, cost)| (format!("cost, {name}"), cost)).to_vec(),
    })
}

fn heap_panel(heaps: &Heaps) -> Panel {
    let columns = |shares: &[f64], shift: f64| {
        let heights = heaps.places.iter().zip(shares).map(|(x, share)| (x + shift, *share)).collect();
        Shape::Columns(heights, 0.4)
    };
    Panel {
        title: "the heaps".to_owned(),
        x_label: "place".to_owned(),
        y_label: "share of the earth".to_owned(),
        x: (-0.6, 8.6),
        y: (0.0, 0.42),
        marks: vec![
            Mark::named("p, source", Ink::Hue(0), columns(&heaps.from, -0.2)),
            Mark::named("q, target", Ink::Hue(1), columns(&heaps.to, 0.2)),
        ],
    }
}

fn plan_panel(title: &str, plan: &Plan, ink: Ink) -> Panel {
    let top = plan.mass.iter().flatten().copied().fold(f64::MIN_POSITIVE, f64::max);
    let cells = plan.mass.iter().enumerate().flat_map(|(source, row)| {
        row.iter().enumerate().map(move |(target, mass)| (source as f64, target as f64, (mass / top).sqrt()))
    });
    let still = Shape::Dashed(vec![(-0.5, -0.5), (8.5, 8.5)]);
    Panel {
        title: title.to_owned(),
        x_label: "from place".to_owned(),
        y_label: "to place".to_owned(),
        x: (-0.5, 8.5),
        y: (-0.5, 8.5),
        marks: vec![
            Mark::named("mass moved", ink, Shape::Cells(cells.collect())),
            Mark::named("not moved at all", Ink::Quiet, still),
        ],
    }
}

/// A frame: every load a share `time` of its way, under the optimal and the poorest plan.
fn moment(heaps: &Heaps, time: f64) -> Sheet {
    let panel = |name: &str, plan: &Plan, ink: Ink| Panel {
        title: format!("{name} plan, total cost {:.3}", plan.cost),
        x_label: "place".to_owned(),
        x: (-0.6, 8.6),
        y: (0.0, 0.6),
        marks: vec![
            Mark::named(
                "q, target",
                Ink::Hue(1),
                Shape::Columns(heaps.places.iter().copied().zip(heaps.to.iter().copied()).collect(), 0.8),
            ),
            Mark::named("the earth on its way", ink, Shape::Columns(on_the_way(plan, time), STEP)),
        ],
        ..Panel::default()
    };
    Sheet {
        title: format!("Carrying out two plans: {:.0} % of the way", 100.0 * time),
        panels: vec![
            panel("optimal", &heaps.optimal, Ink::Hue(0)),
            panel("poorest", &heaps.poor, Ink::Hue(3)),
        ],
        columns: 2,
        size: (900, 400),
    }
}

/// Width of the columns that moving earth is counted in.
const STEP: f64 = 0.2;

/// Heights at narrow columns, of loads as wide as a place.
fn on_the_way(plan: &Plan, time: f64) -> Vec<(f64, f64)> {
    let column = |middle: f64| {
        let loads = plan.mass.iter().enumerate().flat_map(|(source, row)| {
            row.iter()
                .enumerate()
                .map(move |(target, mass)| ((1.0 - time) * source as f64 + time * target as f64, *mass))
        });
        loads.filter(|(place, _)| (place - middle).abs() < 0.4).map(|(_, mass)| mass).sum()
    };
    spaced(-0.5, 8.5, 45).map(|middle| (middle, column(middle))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::number;
    use super::*;

    #[test]
    fn the_optimal_plan_is_the_cheapest_and_equals_sorting() {
        let shown = show().unwrap();
        let cost = |name: &str| number(&shown, &format!("cost, {name}"));
        assert!((cost("optimal") - cost("by search")).abs() < 1e-9);
        // The mean of q minus the mean of p: all earth moves to the right.
        let mean = |heights: [f64; 9]| {
            shares(heights).iter().zip(0..).map(|(share, x)| share * f64::from(x)).sum::<f64>()
        };
        assert!((cost("optimal") - (mean(TO) - mean(FROM))).abs() < 1e-9);
        assert!(cost("optimal") < cost("in proportion") && cost("in proportion") < cost("poorest"));
    }

    #[test]
    fn all_plans_do_the_job() {
        let heaps = Heaps::new().unwrap();
        for plan in [&heaps.optimal, &heaps.poor, &heaps.independent] {
            for place in 0..9 {
                let from: f64 = plan.mass[place].iter().sum();
                let to: f64 = plan.mass.iter().map(|row| row[place]).sum();
                assert!((from - heaps.from[place]).abs() < 1e-9 && (to - heaps.to[place]).abs() < 1e-9);
            }
        }
    }
}
