//! Small drawn pictures of several shapes in two colours, and a label for each that is there. What is there follows rules, and
//! shapes are faint, in noise or half covered, so that the rules tell what an image shows badly.

use brigand_core::Result;
use brigand_core::batch::{Source, TagRule};
use brigand_core::random::Stream;

use super::beside::held_out_images;
use super::dataset::Dataset;
use super::options::Options;
use super::pixels::{Images, LARGEST_SIZE};
use super::tags::Tags;

/// Pictures to train on.
pub(crate) const COUNT: usize = 10_000;
/// Pictures that are kept for measuring.
pub(crate) const HELD_OUT: usize = 4000;
/// The side that pictures have where no other is asked for, and the smallest they are drawn at.
pub(crate) const SIDE: usize = 32;
/// The terms of use.
pub(crate) const LICENCE: &str = "none needed, generated";

/// The labels: five shapes in red, then in blue.
pub(crate) const LABELS: [&str; 10] = [
    "red square",
    "red circle",
    "red triangle",
    "red ring",
    "red cross",
    "blue square",
    "blue circle",
    "blue triangle",
    "blue ring",
    "blue cross",
];
const SHAPES: [Shape; 5] = [Shape::Square, Shape::Circle, Shape::Triangle, Shape::Ring, Shape::Cross];
const COLOURS: [[f32; 3]; 2] = [[230.0, 60.0, 50.0], [50.0, 80.0, 230.0]];
/// What holds in every picture.
const RULES: [TagRule; 5] = [
    TagRule::Implies(1, 5),
    TagRule::Implies(4, 8),
    TagRule::Implies(7, 3),
    TagRule::Excludes(0, 6),
    TagRule::Excludes(2, 9),
];
/// The share of the pictures that would have a label without rules.
const FREQUENT: f32 = 0.35;
/// How much of a shape's colour stands over the background, from and to.
const CONTRAST: [f32; 2] = [0.2, 0.9];
/// Cells from the middle of a shape to its side.
const RADIUS: usize = 3;
/// Grey of the background, of what covers shapes, and the deviation of the noise.
const BACKGROUND: f32 = 150.0;
const COVER: f32 = 110.0;
const NOISE: f32 = 16.0;
/// Things that cover a part of the picture, and their sides in cells.
const COVERS: usize = 3;
const COVER_SIDE: [usize; 2] = [4, 9];

#[derive(Clone, Copy)]
enum Shape {
    Square,
    Circle,
    Triangle,
    Ring,
    Cross,
}

impl Shape {
    /// Whether it has a cell so many rows below and columns right of its middle.
    fn has(self, row: i32, column: i32) -> bool {
        let (radius, distance) = (RADIUS as i32, row * row + column * column);
        match self {
            Self::Square => row.abs() < radius && column.abs() < radius,
            Self::Circle => distance <= radius * radius,
            Self::Triangle => row.abs() <= radius && 2 * column.abs() <= row + radius,
            Self::Ring => (5..=12).contains(&distance),
            Self::Cross => row.abs().max(column.abs()) <= radius && row.abs().min(column.abs()) == 0,
        }
    }
}

/// Labels at random that keep the rules: an implied label is added, and one of two that exclude each other taken away.
fn labels(stream: &mut Stream) -> [bool; LABELS.len()] {
    let mut found = [false; LABELS.len()];
    for (label, draw) in found.iter_mut().zip(stream.uniform(LABELS.len(), 0.0, 1.0)) {
        *label = draw < FREQUENT;
    }
    for rule in RULES {
        match rule {
            TagRule::Implies(first, second) => found[second] |= found[first],
            TagRule::Excludes(first, second) if found[first] && found[second] => {
                found[if stream.index(2) == 0 { first } else { second }] = false;
            }
            TagRule::Excludes(..) => {}
        }
    }
    found
}

/// The levels of a picture with these labels, `[channels][side * side]` on a grid of cells.
fn picture(labels: &[bool], stream: &mut Stream) -> [Vec<f32>; 3] {
    let mut levels = [(); 3].map(|()| vec![BACKGROUND; SIDE * SIDE]);
    let mut order: Vec<usize> = (0..LABELS.len()).filter(|&label| labels[label]).collect();
    let places = stream.permutation(order.len());
    order = places.into_iter().filter_map(|place| order.get(place).copied()).collect();
    for label in order {
        let (shape, colour) = (SHAPES[label % SHAPES.len()], COLOURS[label / SHAPES.len()]);
        let contrast = stream.number(CONTRAST[0], CONTRAST[1]);
        let middle = [(); 2].map(|()| RADIUS + stream.index(SIDE - 2 * RADIUS));
        for cell in 0..SIDE * SIDE {
            let (row, column) =
                ((cell / SIDE) as i32 - middle[0] as i32, (cell % SIDE) as i32 - middle[1] as i32);
            if shape.has(row, column) {
                for (plane, colour) in levels.iter_mut().zip(colour) {
                    plane[cell] += contrast * (colour - plane[cell]);
                }
            }
        }
    }
    for _ in 0..COVERS {
        let side = COVER_SIDE[0] + stream.index(COVER_SIDE[1] - COVER_SIDE[0]);
        let [top, left] = [(); 2].map(|()| stream.index(SIDE - side));
        for row in top..top + side {
            levels.iter_mut().for_each(|plane| plane[row * SIDE + left..][..side].fill(COVER));
        }
    }
    for plane in &mut levels {
        for (level, noise) in plane.iter_mut().zip(stream.normal(SIDE * SIDE)) {
            *level += NOISE * noise;
        }
    }
    levels
}

/// `count` pictures and their labels, which depend on `purpose` and the options' seed.
fn pictures(count: usize, purpose: &str, options: &Options) -> Result<(Dataset, Tags)> {
    super::pixels::check(options)?;
    let side = options.size.unwrap_or(SIDE).clamp(SIDE, LARGEST_SIZE);
    let (mut bytes, mut values) = (Vec::with_capacity(count * 3 * side * side), Vec::new());
    for number in 0..count {
        let mut stream = Stream::new(options.seed, purpose, number as u64);
        let found = labels(&mut stream);
        for plane in picture(&found, &mut stream) {
            let cell = |place: usize| place / side * SIDE / side * SIDE + place % side * SIDE / side;
            bytes.extend((0..side * side).map(|place| plane[cell(place)].clamp(0.0, 255.0) as u8));
        }
        values.extend(found);
    }
    let images = Images { bytes, channels: 3, height: side, width: side, top: u8::MAX };
    let images = images.into_dataset("tagged-shapes", None, LICENCE, options)?;
    Ok((images, Tags::new(LABELS.map(str::to_owned).to_vec(), values)?))
}

/// The pictures to train on.
pub(crate) fn training(options: &Options) -> Result<(Dataset, Tags)> {
    pictures(COUNT, "tagged-shapes", options)
}

/// The pictures that are kept for measuring.
pub(crate) fn held_out(options: &Options) -> Result<Box<dyn Source>> {
    held_out_images(pictures(HELD_OUT, "tagged-shapes/held-out", options)?)
}

#[cfg(test)]
mod tests {
    use brigand_core::batch::{HostField, TAGS};

    use super::*;

    #[test]
    fn labels_keep_the_rules_and_the_rules_are_found_in_them() {
        let source = held_out(&Options::default()).unwrap();
        let schema = source.schema();
        let field = schema.tags().unwrap();
        assert_eq!((field.names, field.rules), (&LABELS.map(str::to_owned)[..], &RULES[..]));
        let batch = source.get(&(0..HELD_OUT).collect::<Vec<_>>(), &mut Stream::new(0, "a test", 0)).unwrap();
        let HostField::Numbers(tags, shape) = &batch[TAGS.0] else { panic!("labels are numbers") };
        assert_eq!(shape, &[HELD_OUT, LABELS.len()]);
        for sample in tags.chunks(LABELS.len()) {
            let sample: Vec<bool> = sample.iter().map(|&value| value == 1.0).collect();
            assert!(RULES.iter().all(|rule| !rule.is_broken_by(&sample)), "{sample:?}");
        }
        let mean = tags.iter().sum::<f32>() / HELD_OUT as f32;
        assert!((3.0..4.5).contains(&mean), "{mean}");
    }

    #[test]
    fn pictures_show_their_labels() {
        // Without noise, covers and other shapes a red square is redder than the background at its place.
        let mut alone = [false; LABELS.len()];
        alone[0] = true;
        let redness = |labels: &[bool]| -> f32 {
            (0..50)
                .map(|number| {
                    let [red, _, blue] = picture(labels, &mut Stream::new(0, "a test", number));
                    red.iter().zip(&blue).map(|(red, blue)| red - blue).sum::<f32>()
                })
                .sum::<f32>()
                / 50.0
        };
        let (with, without) = (redness(&alone), redness(&[false; LABELS.len()]));
        // 25 cells whose red stands 180 over blue at a mean contrast of 0.55, of which covers take about an eighth.
        assert!((with - without) > 1800.0 && (with - without) < 2600.0, "{with} {without}");
    }
}
