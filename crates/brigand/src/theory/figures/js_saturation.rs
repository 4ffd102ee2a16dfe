//! Distances between distributions whose supports do not meet, as they approach each other.

use std::f64::consts::LN_2;

use super::curve::{graph, spaced, zipped};
use super::{FigureOutput, Plate};
use crate::error::Result;
use crate::pictures::{Ink, Mark, Panel, Picture, Shape, Sheet};
use crate::theory::{Bins, Grid, Normal, Points, earth_mover, js, kl, reverse_kl, total_variation};

/// The most that is drawn; infinity stands at the top edge.
const TOP: f64 = 3.2;
/// Points that stand for a line or a disc when mass is moved.
const MOVED: usize = 144;
/// Radius of the discs.
const RADIUS: f64 = 0.5;
/// Cells along each side of the board that the discs are counted on.
const CELLS: u32 = 240;

/// All distances of one pair.
#[derive(Clone, Copy)]
struct Distances {
    js: f64,
    kl: f64,
    reverse_kl: f64,
    tv: f64,
    w1: f64,
}

impl Distances {
    fn of(p: &[f64], q: &[f64], w1: f64) -> Result<Self> {
        Ok(Self {
            js: js(p, q)?,
            kl: kl(p, q)?,
            reverse_kl: reverse_kl(p, q)?,
            tv: total_variation(p, q)?,
            w1,
        })
    }
}

/// The segments `x = 0` and `x = theta`, `y` between 0 and 1. As histograms each fills one column of a board, the
/// same or another.
fn lines(theta: f64) -> Result<Distances> {
    let bins = Bins::new(-1.5, 1.5, 301)?;
    let histogram = |x: f64| bins.shares(&[x], 0.0).map(|counted| counted.shares);
    let segment = |x: f64| -> Vec<f64> {
        (0..MOVED).flat_map(|index| [x, (index as f64 + 0.5) / MOVED as f64]).collect()
    };
    let (here, there) = (segment(0.0), segment(theta));
    let w1 = earth_mover(Points::new(&here, 2)?, Points::new(&there, 2)?)?;
    Distances::of(&histogram(0.0)?, &histogram(theta)?, w1)
}

/// Uniform discs around `(0, 0)` and `(shift, 0)`, counted on a fine board.
fn discs(shift: f64) -> Result<Distances> {
    let inside = |centre: f64| -> Vec<f64> {
        let board = spaced(-1.0, 4.0, CELLS)
            .flat_map(|x| spaced(-1.0, 1.0, CELLS / 2).map(move |y| (x - centre).hypot(y)))
            .map(|distance| f64::from(u8::from(distance <= RADIUS)))
            .collect::<Vec<f64>>();
        let count: f64 = board.iter().sum();
        board.into_iter().map(|cell| cell / count).collect()
    };
    let cloud = |centre: f64| disc_points(MOVED).flat_map(|(x, y)| [x + centre, y]).collect::<Vec<f64>>();
    let (here, there) = (cloud(0.0), cloud(shift));
    let w1 = earth_mover(Points::new(&here, 2)?, Points::new(&there, 2)?)?;
    Distances::of(&inside(0.0), &inside(shift), w1)
}

/// Points spread evenly over the disc, along a spiral that turns by the golden angle.
fn disc_points(count: usize) -> impl Iterator<Item = (f64, f64)> {
    let turn = std::f64::consts::PI * (3.0 - 5_f64.sqrt());
    (0..count).map(move |index| {
        let radius = RADIUS * ((index as f64 + 0.5) / count as f64).sqrt();
        let (sin, cos) = (turn * index as f64).sin_cos();
        (radius * cos, radius * sin)
    })
}

pub(super) fn show() -> Result<FigureOutput> {
    let thetas: Vec<f64> = spaced(-1.0, 1.0, 81).collect();
    let shifts: Vec<f64> = spaced(0.0, 3.0, 60).collect();
    let of_lines: Vec<Distances> = thetas.iter().map(|&theta| lines(theta)).collect::<Result<_>>()?;
    let of_discs: Vec<Distances> = shifts.iter().map(|&shift| discs(shift)).collect::<Result<_>>()?;
    let still = Sheet {
        title: "How far apart are two distributions that do not overlap?".to_owned(),
        panels: vec![
            line_shapes(),
            disc_shapes(1.8),
            with_the_meeting(distances(
                "parallel lines",
                "θ, place of the second line",
                &thetas,
                &of_lines,
                1.3,
            )),
            distances("discs", "distance of the centres", &shifts, &of_discs, TOP),
        ],
        columns: 2,
        size: (900, 820),
    };
    let frames: Vec<Picture> = (0..shifts.len())
        .rev()
        .map(|index| Ok(approach(&shifts, &of_discs, index).draw()?))
        .collect::<Result<_>>()?;
    let (noise, noisy) = with_noise()?;
    let (apart, near) = (lines(0.5)?, discs(0.5)?);
    let numbers = vec![
        ("JS of lines at theta=0.5".to_owned(), apart.js),
        ("KL of lines at theta=0.5".to_owned(), apart.kl),
        ("TV of lines at theta=0.5".to_owned(), apart.tv),
        ("W1 of lines at theta=0.5".to_owned(), apart.w1),
        ("JS of lines at theta=0".to_owned(), lines(0.0)?.js),
        ("JS of discs at distance 0.5".to_owned(), near.js),
        ("W1 of discs at distance 0.5".to_owned(), near.w1),
        ("JS of lines under noise of sd 1 at theta=1".to_owned(), noisy),
    ];
    let text = format!(
        "Two parallel lines share no point unless they coincide. For every distance but 0 their JS divergence is \
         ln 2 = {LN_2:.3}, TV is 1 and both KL are infinite (drawn along the upper edge): none of them depends on the distance, \
         so their gradient is 0. The Wasserstein distance W1 is |θ|, with slope 1 \
         everywhere. For discs the same holds until they touch: JS and TV begin to fall only when the discs overlap \
         (centres closer than {:.0}), W1 falls at every distance (js-saturation.gif). The third picture adds noise to both lines: the \
         divergences become smooth, which is why instance noise helps if there is enough of it.",
        2.0 * RADIUS
    );
    let plates = vec![
        Plate::still("js-saturation", &still.draw()?)?,
        Plate::still("js-saturation-noise", &noise)?,
        Plate::moving("js-saturation", &frames, 6.0)?,
    ];
    Ok(FigureOutput { plates, text, numbers })
}

fn line_shapes() -> Panel {
    let segment = |x: f64| Shape::Line(vec![(x, 0.0), (x, 1.0)]);
    Panel {
        title: "two parallel lines".to_owned(),
        x: (-1.2, 1.2),
        y: (-0.1, 1.1),
        marks: vec![
            Mark::named("real, at 0", Ink::Hue(0), segment(0.0)),
            Mark::named("generated, at θ = 0.6", Ink::Hue(1), segment(0.6)),
            Mark::new(Ink::Quiet, Shape::Arrows(vec![[(0.58, 0.5), (0.05, 0.5)]])),
            Mark::new(Ink::Quiet, Shape::Words(0.2, 0.56, "θ".to_owned())),
        ],
        ..Panel::default()
    }
}

fn disc_shapes(shift: f64) -> Panel {
    let disc = |centre: f64| Shape::Dots(disc_points(600).map(|(x, y)| (x + centre, y)).collect(), 2);
    Panel {
        title: "two discs".to_owned(),
        x: (-0.7, 3.7),
        y: (-1.7, 1.7),
        marks: vec![
            Mark::named("real", Ink::Hue(0), disc(0.0)),
            Mark::named("generated", Ink::Hue(1), disc(shift)),
        ],
        ..Panel::default()
    }
}

fn distances(title: &str, x_label: &str, places: &[f64], found: &[Distances], top: f64) -> Panel {
    let line = |value: fn(&Distances) -> f64| zipped(places.iter().copied(), found.iter().map(value));
    // A little lower for the second of two that coincide.
    let capped = |value: fn(&Distances) -> f64, edge: f64| -> Vec<(f64, f64)> {
        line(value).into_iter().map(|(x, y)| (x, y.min(edge))).collect()
    };
    let x = (places.first().copied().unwrap_or(0.0), places.last().copied().unwrap_or(1.0));
    let edges = (0.985 * top, 0.955 * top);
    Panel {
        title: title.to_owned(),
        x_label: x_label.to_owned(),
        y_label: "distance".to_owned(),
        x,
        y: (0.0, top),
        marks: vec![
            Mark::named("KL (∞ at the top)", Ink::Hue(5), Shape::Line(capped(|d| d.kl, edges.0))),
            Mark::named("reverse KL", Ink::Hue(3), Shape::Dashed(capped(|d| d.reverse_kl, edges.1))),
            Mark::named("TV", Ink::Hue(2), Shape::Line(line(|d| d.tv))),
            Mark::named("JS", Ink::Hue(1), Shape::Line(line(|d| d.js))),
            Mark::named("W1", Ink::Hue(0), Shape::Line(line(|d| d.w1))),
        ],
    }
}

/// The one place where lines coincide, at which every distance is 0.
fn with_the_meeting(mut panel: Panel) -> Panel {
    panel.marks.push(Mark::named("all, at θ = 0", Ink::Dark, Shape::Dots(vec![(0.0, 0.0)], 5)));
    panel
}

/// A frame of the animation: the discs at a distance, and that distance marked on the curves.
fn approach(shifts: &[f64], found: &[Distances], index: usize) -> Sheet {
    let mut curves = distances("their distances", "distance of the centres", shifts, found, TOP);
    if let (Some(&shift), Some(now)) = (shifts.get(index), found.get(index)) {
        for (value, hue) in [(now.tv, 2), (now.js, 1), (now.w1, 0)] {
            curves.marks.push(Mark::new(Ink::Hue(hue), Shape::Dots(vec![(shift, value)], 5)));
        }
        let panels = vec![disc_shapes(shift), curves];
        return Sheet {
            title: "Discs that approach each other".to_owned(),
            panels,
            columns: 2,
            size: (900, 400),
        };
    }
    Sheet { panels: vec![curves], columns: 1, size: (900, 400), ..Sheet::default() }
}

/// JS of the lines when normal noise is added across them, and its value at `theta = deviation = 1`.
fn with_noise() -> Result<(Picture, f64)> {
    let smoothed = |theta: f64, deviation: f64| -> Result<f64> {
        let (here, there) = (Normal::new(0.0, deviation)?, Normal::new(theta, deviation)?);
        let grid = Grid::new(theta.min(0.0) - 9.0 * deviation, theta.max(0.0) + 9.0 * deviation, 1500)?;
        Ok(grid.js(&|x| here.log_density(x), &|x| there.log_density(x))?)
    };
    let mut marks = vec![Mark::named("ln 2", Ink::Quiet, Shape::Dashed(vec![(-2.0, LN_2), (2.0, LN_2)]))];
    for (hue, deviation) in [(1, 0.05), (5, 0.25), (2, 0.5), (0, 1.0)] {
        let line = spaced(-2.0, 2.0, 160).map(|x| Ok((x, smoothed(x, deviation)?))).collect::<Result<_>>()?;
        marks.push(Mark::named(format!("noise of sd {deviation}"), Ink::Hue(hue), Shape::Line(line)));
    }
    let w1 = graph(-2.0, 2.0, 2, f64::abs);
    marks.push(Mark::named("W1", Ink::Dark, Shape::Line(w1)));
    let panel = Panel {
        x_label: "θ, place of the second line".to_owned(),
        y_label: "JS divergence".to_owned(),
        x: (-2.0, 2.0),
        y: (0.0, 0.8),
        marks,
        ..Panel::default()
    };
    let title = "JS divergence of two parallel lines with noise added to both".to_owned();
    let sheet = Sheet { title, panels: vec![panel], columns: 1, size: (900, 440) };
    Ok((sheet.draw()?, smoothed(1.0, 1.0)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_equally_far_for_all_but_the_wasserstein_distance() {
        for theta in [-1.0, 0.1, 0.5] {
            let found = lines(theta).unwrap();
            assert!((found.js - LN_2).abs() < 1e-12 && (found.tv - 1.0).abs() < 1e-12);
            assert_eq!((found.kl, found.reverse_kl), (f64::INFINITY, f64::INFINITY));
            assert!((found.w1 - theta.abs()).abs() < 1e-9);
        }
        let same = lines(0.0).unwrap();
        assert_eq!((same.js, same.kl, same.tv, same.w1), (0.0, 0.0, 0.0, 0.0));
    }

    #[test]
    fn discs_share_what_their_lens_covers() {
        // The overlap of unit-mass discs of radius r at distance d.
        let (d, r) = (0.5_f64, RADIUS);
        let lens = 2.0 * r * r * (d / (2.0 * r)).acos() - d / 2.0 * (4.0 * r * r - d * d).sqrt();
        let rest = 1.0 - lens / (std::f64::consts::PI * r * r);
        let found = discs(d).unwrap();
        assert!((found.tv - rest).abs() < 0.01 && (found.js - rest * LN_2).abs() < 0.01, "{}", found.tv);
        assert!((found.w1 - d).abs() < 1e-9);
        assert!((discs(1.2).unwrap().js - LN_2).abs() < 1e-12);
    }

    #[test]
    fn noise_of_the_lines_distance_gives_the_known_divergence() {
        assert!((with_noise().unwrap().1 - 0.111421).abs() < 1e-6);
    }
}
