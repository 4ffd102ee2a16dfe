//! Small drawn pictures with label maps: sky, ground, a house, a tree and the sun, by day, at dusk or in snow. The map says what
//! is where, and nothing of the time of the picture, which is its style.
//!
//! The ground has darker specks at random places and the sky a gradient, so that a picture is more than its colours.

use brigand_core::Result;
use brigand_core::batch::{MapLabel, Source};
use brigand_core::random::Stream;

use super::beside::held_out_images;
use super::dataset::Dataset;
use super::label_maps::{LabelMaps, fit};
use super::options::Options;
use super::pixels::{Images, LARGEST_SIZE};

/// Scenes to train on.
pub(crate) const COUNT: usize = 2000;
/// Scenes that are kept for measuring.
pub(crate) const HELD_OUT: usize = 200;
/// The side that pictures have where no other is asked for, and the smallest they are drawn at.
pub(crate) const SIDE: usize = 32;
/// The terms of use.
pub(crate) const LICENCE: &str = "none needed, generated";

const SKY: u8 = 0;
const GROUND: u8 = 1;
const HOUSE: u8 = 2;
const TREE: u8 = 3;
const SUN: u8 = 4;
/// The labels and the colours that show them in maps.
const LABELS: [(&str, [u8; 3]); 5] = [
    ("sky", [70, 130, 180]),
    ("ground", [152, 251, 152]),
    ("house", [70, 70, 70]),
    ("tree", [107, 142, 35]),
    ("sun", [250, 170, 30]),
];
/// The colour of each label by day, at dusk and in snow.
const STYLES: [[[u8; 3]; 5]; 3] = [
    [[120, 180, 240], [95, 165, 60], [195, 80, 60], [30, 95, 40], [250, 220, 60]],
    [[225, 125, 85], [105, 75, 95], [150, 55, 115], [40, 35, 75], [255, 225, 150]],
    [[165, 185, 205], [238, 242, 248], [125, 85, 65], [60, 110, 100], [250, 215, 150]],
];
/// The share of the ground's cells that are specks.
const SPECKS: f32 = 0.15;
/// How much darker a speck is.
const SPECK: u8 = 18;
/// How much lighter the sky becomes from the top to the lowest row.
const GRADIENT: usize = 24;

/// A scene, on a grid of 32x32 cells.
struct Scene {
    style: usize,
    horizon: usize,
    /// Left and right end, top, and lowest row of the house's walls.
    house: [usize; 4],
    /// Row, column and radius of the tree's crown, and the lowest row of its trunk.
    tree: [usize; 4],
    /// Row, column and radius.
    sun: [usize; 3],
    specks: Vec<bool>,
}

impl Scene {
    fn draw(stream: &mut Stream) -> Self {
        let horizon = 17 + stream.index(6);
        let (width, height) = (7 + stream.index(5), 6 + stream.index(4));
        let (left, bottom) = (1 + stream.index(SIDE - 2 - width), horizon + 1 + stream.index(3));
        let (radius, foot) = (3 + stream.index(3), horizon + 2 + stream.index(6));
        let crown = [foot - 3 - radius, 2 + stream.index(SIDE - 4), radius, foot];
        Self {
            style: stream.index(STYLES.len()),
            horizon,
            house: [left, left + width, bottom - height, bottom],
            tree: crown,
            sun: [3 + stream.index(4), 3 + stream.index(SIDE - 6), 2 + stream.index(2)],
            specks: stream.uniform(SIDE * SIDE, 0.0, 1.0).into_iter().map(|draw| draw < SPECKS).collect(),
        }
    }

    /// What is in a cell.
    fn label(&self, row: usize, column: usize) -> u8 {
        let near = |[centre_row, centre_column]: [usize; 2], radius: usize| {
            row.abs_diff(centre_row).pow(2) + column.abs_diff(centre_column).pow(2) <= radius * radius
        };
        let [left, right, top, bottom] = self.house;
        let [crown_row, crown_column, radius, foot] = self.tree;
        let [sun_row, sun_column, sun_radius] = self.sun;
        // The roof narrows by a cell on both sides with each row.
        let roof = top.saturating_sub(row);
        let walls = (top..bottom).contains(&row) && (left..right).contains(&column);
        let below_roof = row < top && (left + roof - 1..(right + 1).saturating_sub(roof)).contains(&column);
        let trunk = (crown_row..foot).contains(&row) && column.wrapping_sub(crown_column) < 2;
        if near([crown_row, crown_column], radius) || trunk {
            TREE
        } else if walls || below_roof {
            HOUSE
        } else if row >= self.horizon {
            GROUND
        } else if near([sun_row, sun_column], sun_radius) {
            SUN
        } else {
            SKY
        }
    }

    /// The colour of a cell.
    fn colour(&self, row: usize, column: usize) -> [u8; 3] {
        let label = self.label(row, column);
        let colour = STYLES
            .get(self.style)
            .and_then(|style| style.get(usize::from(label)))
            .copied()
            .unwrap_or_default();
        match label {
            SKY => colour.map(|level| level.saturating_add((row * GRADIENT / SIDE) as u8)),
            GROUND if self.specks.get(row * SIDE + column) == Some(&true) => {
                colour.map(|level| level.saturating_sub(SPECK))
            }
            _ => colour,
        }
    }
}

/// `count` scenes and their label maps, which depend on `purpose` and the options' seed.
fn scenes(count: usize, purpose: &str, options: &Options) -> Result<(Dataset, LabelMaps)> {
    super::pixels::check(options)?;
    let wanted = options.size.unwrap_or(SIDE);
    let side = wanted.clamp(SIDE, LARGEST_SIZE);
    let mut stream = Stream::new(options.seed, purpose, 0);
    let (mut bytes, mut labels) = (Vec::with_capacity(count * 3 * side * side), Vec::new());
    for _ in 0..count {
        let scene = Scene::draw(&mut stream);
        let cell = |place: usize| (place / side * SIDE / side, place % side * SIDE / side);
        let map: Vec<u8> = (0..side * side).map(cell).map(|(row, column)| scene.label(row, column)).collect();
        labels.extend(fit(&map, [side; 2], wanted));
        let colours: Vec<[u8; 3]> =
            (0..side * side).map(cell).map(|(row, column)| scene.colour(row, column)).collect();
        for channel in 0..3 {
            bytes.extend(colours.iter().map(|colour| colour[channel]));
        }
    }
    let images = Images { bytes, channels: 3, height: side, width: side, top: u8::MAX };
    let images = images.into_dataset("label-scenes", None, LICENCE, options)?;
    let named = LABELS.map(|(name, colour)| MapLabel { name: name.to_owned(), colour });
    Ok((images, LabelMaps::new(named.to_vec(), [wanted; 2], labels)?))
}

/// The scenes to train on.
pub(crate) fn training(options: &Options) -> Result<(Dataset, LabelMaps)> {
    scenes(COUNT, "label-scenes", options)
}

/// The scenes that are kept for measuring.
pub(crate) fn held_out(options: &Options) -> Result<Box<dyn Source>> {
    held_out_images(scenes(HELD_OUT, "label-scenes/held-out", options)?)
}
