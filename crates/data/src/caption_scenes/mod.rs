//! Small drawn pictures with captions: a shape in a colour, of a size, at a place, on dark grey. Some combinations of
//! attributes are never trained on, though every value is.

mod measuring;
mod wording;

use brigand_core::Result;
use brigand_core::batch::Source;
use brigand_core::random::Stream;

use super::beside::held_out_images;
use super::captions::{Captions, Words, caption_tokens};
use super::dataset::Dataset;
use super::options::Options;
use super::pixels::{Images, LARGEST_SIZE};
use super::text::{Tokens, check_lengths};

pub use measuring::measure;

/// Scenes to train on.
pub(crate) const COUNT: usize = 2000;
/// Scenes of other combinations that are kept for measuring.
pub(crate) const HELD_OUT: usize = 500;
/// The side that pictures have where no other is asked for.
pub(crate) const SIDE: usize = 32;
/// The smallest side they are drawn at.
const SMALLEST_SIDE: usize = 8;
/// The terms of use.
pub(crate) const LICENCE: &str = "none needed, generated";

/// Captions of a scene.
const CAPTIONS: usize = 3;
/// One in so many combinations of attributes is not trained on.
const KEPT: usize = 5;
/// How far a shape's centre is from its place, as a share of the side.
const MOVED: f32 = 0.03;
/// How far a level of a colour is from its mean.
const TINT: f32 = 14.0;
/// Points along each side of a pixel at which a shape is looked for.
const POINTS: usize = 4;

/// The names of the colours, and their levels of red, green and blue.
const COLOURS: [(&str, [f32; 3]); 6] = [
    ("red", [215.0, 45.0, 45.0]),
    ("green", [50.0, 180.0, 60.0]),
    ("blue", [55.0, 90.0, 225.0]),
    ("yellow", [235.0, 210.0, 50.0]),
    ("purple", [165.0, 60.0, 200.0]),
    ("white", [235.0, 235.0, 235.0]),
];
/// The names of the shapes.
const SHAPES: [&str; 3] = ["circle", "square", "triangle"];
/// The names of the sizes, and the radius of the circle of that area as a share of the side.
const SIZES: [(&str, f32); 2] = [("small", 0.12), ("large", 0.20)];
/// The names of the places, and across and down to them as shares of the side.
const PLACES: [(&str, [f32; 2]); 5] = [
    ("top left", [0.29, 0.29]),
    ("top right", [0.71, 0.29]),
    ("bottom left", [0.29, 0.71]),
    ("bottom right", [0.71, 0.71]),
    ("centre", [0.5, 0.5]),
];

/// What a drawn picture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attributes {
    /// Red, green, blue, yellow, purple, white.
    pub colour: usize,
    /// Circle, square, triangle.
    pub shape: usize,
    /// Small, large.
    pub size: usize,
    /// Top left, top right, bottom left, bottom right, centre.
    pub place: usize,
}

impl Attributes {
    /// Every combination.
    pub fn all() -> impl Iterator<Item = Self> {
        let values = [COLOURS.len(), SHAPES.len(), SIZES.len(), PLACES.len()];
        (0..values.iter().product()).map(move |number| {
            let [_, shapes, sizes, places] = values;
            Self {
                colour: number / (shapes * sizes * places),
                shape: number / (sizes * places) % shapes,
                size: number / places % sizes,
                place: number % places,
            }
        })
    }

    /// Whether the combination is kept from training.
    pub fn is_held_out(&self) -> bool {
        (self.colour + 2 * self.shape + 3 * self.size + self.place).is_multiple_of(KEPT)
    }

    /// Its plainest caption, `a small red circle at the top left`.
    pub fn caption(&self) -> String {
        wording::plain(self)
    }

    fn number(&self) -> u32 {
        (((self.colour * SHAPES.len() + self.shape) * SIZES.len() + self.size) * PLACES.len() + self.place)
            as u32
    }

    fn radius(&self) -> f32 {
        SIZES.get(self.size).map_or(0.0, |size| size.1)
    }

    fn centre(&self) -> [f32; 2] {
        PLACES.get(self.place).map_or([0.5; 2], |place| place.1)
    }

    /// Whether the shape, moved by `by`, has the point, all as shares of the side.
    fn covers(&self, [across, down]: [f32; 2], by: [f32; 2]) -> bool {
        let (radius, centre) = (self.radius(), self.centre());
        let (x, y) = ((across - centre[0] - by[0]) / radius, (down - centre[1] - by[1]) / radius);
        match self.shape {
            0 => x * x + y * y <= 1.0,
            // Of the circle's area.
            1 => x.abs().max(y.abs()) <= 0.886,
            _ => y.abs() <= 1.19 && x.abs() <= 1.32 * (y + 1.19) / 2.38,
        }
    }

    /// The share of each pixel of a picture of `side` that the shape covers, row by row.
    fn mask(&self, side: usize, by: [f32; 2]) -> Vec<f32> {
        let at =
            |pixel: usize, point: usize| (pixel as f32 + (point as f32 + 0.5) / POINTS as f32) / side as f32;
        let share = |row: usize, column: usize| {
            let points =
                (0..POINTS * POINTS).map(|point| [at(column, point % POINTS), at(row, point / POINTS)]);
            points.filter(|point| self.covers(*point, by)).count() as f32 / (POINTS * POINTS) as f32
        };
        (0..side * side).map(|pixel| share(pixel / side, pixel % side)).collect()
    }
}

/// A picture of the attributes, three planes of levels.
fn draw(attributes: &Attributes, side: usize, stream: &mut Stream) -> Vec<u8> {
    let moved = stream.uniform(2, -MOVED, MOVED);
    let tints = stream.uniform(3, -TINT, TINT);
    let ground = stream.number(25.0, 65.0);
    let mask = attributes.mask(side, [moved[0], moved[1]]);
    let colour = COLOURS.get(attributes.colour).map_or([0.0; 3], |colour| colour.1);
    let levels = colour.iter().zip(tints).map(|(level, tint)| (level + tint).clamp(0.0, 255.0));
    levels
        .flat_map(|level| {
            mask.iter()
                .map(move |share| (ground + share * (level - ground)).round() as u8)
                .collect::<Vec<_>>()
        })
        .collect()
}

/// `count` scenes of combinations that are held out or not, which depend on `purpose` and the options' seed.
fn scenes(
    (count, held_out): (usize, bool),
    purpose: &str,
    options: &Options,
) -> Result<(Dataset, Vec<Attributes>)> {
    super::pixels::check(options)?;
    let side = options.size.unwrap_or(SIDE).clamp(SMALLEST_SIDE, LARGEST_SIZE);
    let mut stream = Stream::new(options.seed, purpose, 0);
    let all: Vec<Attributes> = Attributes::all().filter(|one| one.is_held_out() == held_out).collect();
    let chosen: Vec<Attributes> = (0..count).filter_map(|_| stream.choose(&all).copied()).collect();
    let bytes = chosen.iter().flat_map(|attributes| draw(attributes, side, &mut stream)).collect();
    let images = Images { bytes, channels: 3, height: side, width: side, top: u8::MAX };
    Ok((images.into_dataset("caption-scenes", None, LICENCE, options)?, chosen))
}

/// Captions of scenes, of several wordings, over the words that all scenes have.
fn captions(
    scenes: &[Attributes],
    (tokens, length): (Tokens, usize),
    purpose: &str,
    seed: u64,
) -> Result<Captions> {
    let split = |text: String| caption_tokens(&text, tokens);
    let all: Vec<Vec<String>> = Attributes::all().flat_map(|one| wording::all(&one)).map(split).collect();
    check_lengths(all.iter(), length, "the captions of drawn scenes")?;
    let mut stream = Stream::new(seed, purpose, 0);
    let own = scenes.iter().map(|attributes| {
        let wordings = wording::all(attributes);
        let order = stream.permutation(wordings.len()).into_iter().take(CAPTIONS);
        order.filter_map(|number| wordings.get(number).cloned()).map(split).collect()
    });
    let own: Vec<Vec<Vec<String>>> = own.collect();
    let words = Words::of(all.iter(), tokens, length)?;
    Captions::new(words, &own, scenes.iter().map(Attributes::number).collect())
}

/// The scenes to train on.
pub(crate) fn training(words: (Tokens, usize), options: &Options) -> Result<(Dataset, Captions)> {
    let (images, chosen) = scenes((COUNT, false), "caption-scenes", options)?;
    Ok((images, captions(&chosen, words, "caption-scenes/wordings", options.seed)?))
}

/// The pictures to train on.
pub(crate) fn images(options: &Options) -> Result<Dataset> {
    Ok(scenes((COUNT, false), "caption-scenes", options)?.0)
}

/// The scenes that are kept for measuring.
pub(crate) fn held_out(words: (Tokens, usize), options: &Options) -> Result<Box<dyn Source>> {
    let (images, chosen) = scenes((HELD_OUT, true), "caption-scenes/held-out", options)?;
    let captions = captions(&chosen, words, "caption-scenes/held-out/wordings", options.seed)?;
    held_out_images((images, captions))
}

#[cfg(test)]
mod tests;
