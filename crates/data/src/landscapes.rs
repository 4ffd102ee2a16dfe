//! Two domains of drawn landscapes: as photographs, with gradients and noise, and as illustrations, with flat colours and
//! dark outlines. Both show the same kind of scene; training gets different scenes of each domain.
//!
//! The ground begins at the same height in all pictures, and the outlines follow from the scene: but for the noise the
//! partner of every picture is known.

use brigand_core::batch::{IMAGES, PARTNER, SECOND, SECOND_PARTNER, Source};
use brigand_core::random::Stream;

use super::dataset::Dataset;
use super::error::DataError;
use super::options::Options;
use super::pixels::{Images, LARGEST_SIZE};
use super::scenes::{COUNT, LICENCE, PAIRS, paired};
use brigand_core::Result;

/// The side that pictures have where no other is asked for, and the smallest they are drawn at.
pub(crate) const SIDE: usize = 32;
/// Where the ground begins, from the top, of a picture of height 1.
const GROUND: f64 = 0.625;
/// Standard deviation of a photograph's noise, in levels of 255.
const NOISE: f64 = 8.0;

/// How landscapes are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Gradients of light, and noise.
    Photograph,
    /// A colour for each kind of thing, and a dark outline.
    Illustration,
}

/// What a place shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thing {
    Sky,
    Sun,
    Hill,
    Ground,
    Wall,
    Roof,
    Crown,
    Trunk,
}

impl Thing {
    /// Its colour in an illustration.
    fn flat(self) -> [u8; 3] {
        match self {
            Self::Sky => [190, 225, 245],
            Self::Sun => [255, 205, 70],
            Self::Hill => [165, 145, 200],
            Self::Ground => [165, 210, 105],
            Self::Wall => [250, 235, 205],
            Self::Roof => [215, 75, 60],
            Self::Crown => [70, 150, 85],
            Self::Trunk => [140, 90, 55],
        }
    }

    /// Its darkest and lightest colour in a photograph.
    fn shades(self) -> [[f64; 3]; 2] {
        match self {
            Self::Sky => [[75.0, 120.0, 185.0], [175.0, 195.0, 215.0]],
            Self::Sun => [[225.0, 205.0, 160.0], [255.0, 250.0, 230.0]],
            Self::Hill => [[70.0, 80.0, 100.0], [130.0, 140.0, 155.0]],
            Self::Ground => [[60.0, 75.0, 40.0], [125.0, 130.0, 75.0]],
            Self::Wall => [[125.0, 115.0, 100.0], [205.0, 195.0, 180.0]],
            Self::Roof => [[85.0, 45.0, 40.0], [150.0, 85.0, 70.0]],
            Self::Crown => [[25.0, 45.0, 25.0], [85.0, 110.0, 60.0]],
            Self::Trunk => [[45.0, 35.0, 28.0], [95.0, 75.0, 58.0]],
        }
    }
}

/// The colour of outlines.
const OUTLINE: [u8; 3] = [35, 28, 45];

/// A scene in a picture of height and width 1.
struct Scene {
    sun: [f64; 2],
    /// Place and height of the top, and the slope of both sides.
    hill: [f64; 3],
    /// Left and right side, top of the walls, top of the roof.
    house: [f64; 4],
    /// Place of the trunk, height and radius of the crown.
    tree: [f64; 3],
}

impl Scene {
    fn draw(stream: &mut Stream) -> Self {
        let mut of = |low: f32, high: f32| f64::from(stream.number(low, high));
        // House and tree stand on different sides, so that neither hides the other.
        let (house, tree) = if of(0.0, 1.0) < 0.5 { (0.05, 0.6) } else { (0.5, 0.05) };
        let (left, width, wall) = (house + of(0.0, 0.1), of(0.25, 0.35), of(0.55, 0.65));
        let radius = of(0.1, 0.14);
        Self {
            sun: [of(0.15, 0.85), of(0.12, 0.2)],
            hill: [of(0.25, 0.75), of(0.28, 0.42), of(0.5, 1.2)],
            house: [left, left + width, wall, wall - of(0.13, 0.2)],
            tree: [tree + radius + of(0.0, 0.1), of(0.48, 0.58), radius],
        }
    }

    /// What stands at a place, and how light it is there from 0 to 1.
    fn at(&self, x: f64, y: f64) -> (Thing, f64) {
        const FOOT: f64 = 0.8;
        let [left, right, wall, top] = self.house;
        let [trunk, crown, radius] = self.tree;
        let from_crown = (x - trunk).hypot(y - crown);
        if from_crown < radius {
            return (Thing::Crown, 0.5 - 0.5 * ((x - trunk) + (y - crown)) / (1.5 * radius));
        }
        if (x - trunk).abs() < 0.035 && (crown..FOOT + 0.03).contains(&y) {
            return (Thing::Trunk, 0.5 - (x - trunk) / 0.07);
        }
        let (across, middle) = ((x - left) / (right - left), (left + right) / 2.0);
        if (wall..FOOT).contains(&y) && (left..right).contains(&x) {
            return (Thing::Wall, 1.0 - across);
        }
        // The roof juts out on both sides.
        let reach = (y - top) / (wall - top);
        if (0.0..1.0).contains(&reach) && (x - middle).abs() < reach * (0.04 + (right - left) / 2.0) {
            return (Thing::Roof, 1.0 - reach);
        }
        if y >= GROUND {
            return (Thing::Ground, (y - GROUND) / (1.0 - GROUND));
        }
        let [peak, height, slope] = self.hill;
        let edge = height + slope * (x - peak).abs();
        if y > edge {
            return (Thing::Hill, 1.0 - (y - edge) / (GROUND - height));
        }
        let [sun_x, sun_y] = self.sun;
        let from_sun = (x - sun_x).hypot(y - sun_y);
        if from_sun < 0.085 {
            return (Thing::Sun, 1.0 - from_sun / 0.085);
        }
        (Thing::Sky, y / GROUND)
    }

    /// The colour of pixel `place` of a picture of `side`; `noise` is standard normal.
    fn colour(&self, style: Style, [row, column]: [usize; 2], side: usize, noise: f32) -> [u8; 3] {
        let at = |row: usize, column: usize| {
            self.at((column as f64 + 0.5) / side as f64, (row as f64 + 0.5) / side as f64)
        };
        let (thing, light) = at(row, column);
        match style {
            Style::Photograph => {
                let [dark, bright] = thing.shades();
                let light = light.clamp(0.0, 1.0);
                let level = |channel: usize| {
                    let mixed = dark[channel] + light * (bright[channel] - dark[channel]);
                    (mixed + NOISE * f64::from(noise)).clamp(0.0, 255.0).round() as u8
                };
                [level(0), level(1), level(2)]
            }
            Style::Illustration => {
                let line = side / SIDE;
                let beside = [(row + line, column), (row, column + line)];
                let ends = beside
                    .iter()
                    .any(|&(row, column)| row < side && column < side && at(row, column).0 != thing);
                if ends { OUTLINE } else { thing.flat() }
            }
        }
    }
}

/// The pictures of `count` scenes; the scenes depend on `purpose` and the options' seed, not on the style.
fn pictures(
    style: Style,
    count: usize,
    purpose: &str,
    options: &Options,
) -> std::result::Result<Dataset, DataError> {
    let side = options.size.unwrap_or(SIDE).clamp(SIDE, LARGEST_SIZE);
    let mut stream = Stream::new(options.seed, purpose, 0);
    let mut of_noise = Stream::new(options.seed, &format!("{purpose}/noise"), 0);
    let mut bytes = Vec::with_capacity(count * 3 * side * side);
    for _ in 0..count {
        let (scene, noise) = (Scene::draw(&mut stream), of_noise.normal(side * side));
        let colours: Vec<[u8; 3]> = noise
            .iter()
            .enumerate()
            .map(|(place, &noise)| scene.colour(style, [place / side, place % side], side, noise))
            .collect();
        for channel in 0..3 {
            bytes.extend(colours.iter().map(|colour| colour[channel]));
        }
    }
    let images = Images { bytes, channels: 3, height: side, width: side, top: u8::MAX };
    images.into_dataset("landscapes", None, LICENCE, options)
}

/// The pictures of a style to train on, of scenes of its own.
pub(crate) fn training(style: Style, options: &Options) -> std::result::Result<Dataset, DataError> {
    let purpose = match style {
        Style::Photograph => "landscapes/photographs",
        Style::Illustration => "landscapes/illustrations",
    };
    pictures(style, COUNT, purpose, options)
}

/// A source of each style's held-out pictures with their partners.
pub(crate) fn held_out(options: &Options) -> Result<Vec<Option<Box<dyn Source>>>> {
    let of = |style| pictures(style, PAIRS, "landscapes/held-out", options);
    let (photographs, illustrations) = (of(Style::Photograph)?, of(Style::Illustration)?);
    let first = paired((IMAGES, &photographs), (PARTNER, &illustrations))?;
    let second = paired((SECOND, &illustrations), (SECOND_PARTNER, &photographs))?;
    Ok(vec![Some(Box::new(first)), Some(Box::new(second))])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(set: &Dataset, number: usize) -> Vec<[u8; 3]> {
        let values = set.get(&[number]).unwrap().values;
        let area = values.len() / 3;
        let level = |at: usize| ((values[at] + 1.0) * 127.5).round() as u8;
        (0..area).map(|place| [level(place), level(area + place), level(2 * area + place)]).collect()
    }

    #[test]
    fn illustrations_have_flat_colours_and_photographs_shades() {
        let options = Options::default();
        let of = |style| training(style, &options).unwrap();
        let (photographs, illustrations) = (of(Style::Photograph), of(Style::Illustration));
        assert_eq!((photographs.len(), photographs.shape()), (COUNT, &[3, SIDE, SIDE][..]));
        for number in 0..20 {
            let colours =
                |set| -> std::collections::BTreeSet<[u8; 3]> { pixels(set, number).into_iter().collect() };
            assert!(colours(&illustrations).len() <= 9 && colours(&photographs).len() > 100);
            let outlines = pixels(&illustrations, number).iter().filter(|pixel| **pixel == OUTLINE).count();
            assert!((60..300).contains(&outlines), "{outlines}");
        }
    }

    #[test]
    fn held_out_pictures_are_partners_and_those_for_training_are_not() {
        let options = Options { size: Some(64), ..Options::default() };
        let of = |style| pictures(style, 3, "landscapes/held-out", &options).unwrap();
        let (photograph, illustration) = (of(Style::Photograph), of(Style::Illustration));
        assert_eq!(photograph.shape(), [3, 64, 64]);
        // The sun is the brightest thing in both.
        let sun = |set: &Dataset, colour: fn(&[u8; 3]) -> bool| -> Vec<usize> {
            let pixels = pixels(set, 1);
            (0..pixels.len()).filter(|&place| colour(&pixels[place])).collect()
        };
        let drawn = sun(&illustration, |pixel| *pixel == Thing::Sun.flat());
        let seen = sun(&photograph, |pixel| pixel[0] > 215 && pixel[2] > 140);
        let shared = drawn.iter().filter(|place| seen.contains(place)).count();
        assert!(drawn.len() > 30 && shared * 10 > drawn.len() * 8, "{} {shared}", drawn.len());
        let parts = held_out(&Options::default()).unwrap();
        assert_eq!(parts.iter().flatten().map(|part| part.count()).collect::<Vec<_>>(), [PAIRS; 2]);
    }
}
