//! Two domains of small drawn pictures: the same kind of scene by day and by night. What is drawn differs, how it is drawn
//! is a one-to-one map, so that the partner of every picture is known; training gets different scenes of each domain.
//!
//! In pairs both domains have the same scenes, and the night sky has stars that the day's picture does not tell, so that
//! there is more than one right translation.
//!
//! A frame and a ground line stand at the same place in all pictures. Without such an anchor a translator may learn
//! translations that are moved by a pixel: nothing in unpaired data forbids it.

use std::sync::Arc;

use brigand_core::batch::{HostBatch, HostField, IMAGES, Kind, MemorySource, NumberKey, PARTNER, SECOND};
use brigand_core::batch::{SECOND_PARTNER, Schema, Source};
use brigand_core::random::Stream;

use super::dataset::Dataset;
use super::error::DataError;
use super::options::Options;
use super::pixels::Images;
use brigand_core::Result;

/// Scenes of each domain to train on.
pub(crate) const COUNT: usize = 2000;
/// Scenes of which both pictures are kept for measuring.
pub(crate) const PAIRS: usize = 200;
/// The side that pictures have where no other is asked for, and the smallest they are drawn at.
pub(crate) const SIDE: usize = 16;
/// The terms of use.
pub(crate) const LICENCE: &str = "none needed, generated";

/// A domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Domain {
    /// A filled house under the sun.
    Day,
    /// The outline of a house under the moon.
    Night,
}

/// A scene, on a grid of 16x16 cells.
struct Scene {
    left: usize,
    width: usize,
    height: usize,
    light: [usize; 2],
    /// Whether the sky has a star at a cell; empty without stars.
    stars: Vec<bool>,
}

/// The share of the cells of a sky with stars that have one.
pub(crate) const STARS: f32 = 0.15;

/// The row of cells where the ground begins.
const GROUND: usize = 12;

impl Scene {
    fn draw(stream: &mut Stream) -> Self {
        let width = 3 + stream.index(3);
        Self {
            left: 2 + stream.index(12 - width),
            width,
            height: 3 + stream.index(4),
            light: [2 + stream.index(2), 2 + stream.index(11)],
            stars: Vec::new(),
        }
    }

    fn with_stars(self, stream: &mut Stream) -> Self {
        Self {
            stars: stream.uniform(SIDE * SIDE, 0.0, 1.0).into_iter().map(|of| of < STARS).collect(),
            ..self
        }
    }

    /// The colour of a cell.
    fn colour(&self, domain: Domain, row: usize, column: usize) -> [u8; 3] {
        if row.min(column) == 0 || row.max(column) == SIDE - 1 {
            return [60, 60, 60];
        }
        let (top, right) = (GROUND - self.height, self.left + self.width);
        let house = (top..GROUND).contains(&row) && (self.left..right).contains(&column);
        let wall = house && (row == top || column == self.left || column + 1 == right);
        let light = row.wrapping_sub(self.light[0]) < 2 && column.wrapping_sub(self.light[1]) < 2;
        match domain {
            Domain::Day if house => [200, 70, 50],
            Domain::Day if row >= GROUND => [90, 160, 60],
            Domain::Day if light => [250, 220, 60],
            Domain::Day => [150, 200, 250],
            Domain::Night if wall => [240, 180, 80],
            Domain::Night if house => [60, 40, 70],
            Domain::Night if row >= GROUND => [40, 50, 60],
            Domain::Night if light => [230, 230, 240],
            Domain::Night if self.stars.get(row * SIDE + column) == Some(&true) => [90, 90, 140],
            Domain::Night => [15, 15, 50],
        }
    }
}

/// The pictures of `count` scenes; the scenes depend on `purpose` and the options' seed, not on the domain.
fn pictures(
    domain: Domain,
    (count, stars): (usize, bool),
    purpose: &str,
    options: &Options,
) -> std::result::Result<Dataset, DataError> {
    let side = options.size.unwrap_or(SIDE).clamp(SIDE, super::pixels::LARGEST_SIZE);
    let mut stream = Stream::new(options.seed, purpose, 0);
    let mut of_stars = Stream::new(options.seed, &format!("{purpose}/stars"), 0);
    let mut bytes = Vec::with_capacity(count * 3 * side * side);
    for _ in 0..count {
        let scene = Scene::draw(&mut stream);
        let scene = if stars { scene.with_stars(&mut of_stars) } else { scene };
        for channel in 0..3 {
            for place in 0..side * side {
                let (row, column) = (place / side * SIDE / side, place % side * SIDE / side);
                bytes.push(scene.colour(domain, row, column)[channel]);
            }
        }
    }
    let images = Images { bytes, channels: 3, height: side, width: side, top: u8::MAX };
    images.into_dataset("scenes", None, LICENCE, options)
}

/// The pictures of a domain to train on, of scenes of its own.
pub(crate) fn training(domain: Domain, options: &Options) -> std::result::Result<Dataset, DataError> {
    let purpose = match domain {
        Domain::Day => "scenes/day",
        Domain::Night => "scenes/night",
    };
    pictures(domain, (COUNT, false), purpose, options)
}

/// The pictures of both domains of the same scenes, with stars, to train on.
pub(crate) fn training_pairs(options: &Options) -> std::result::Result<(Dataset, Dataset), DataError> {
    let of = |domain| pictures(domain, (COUNT, true), "scene-pairs", options);
    Ok((of(Domain::Day)?, of(Domain::Night)?))
}

/// The pairs that are kept for measuring.
pub(crate) fn held_out_pairs(options: &Options) -> std::result::Result<(Dataset, Dataset), DataError> {
    let of = |domain| pictures(domain, (PAIRS, true), "scene-pairs/held-out", options);
    Ok((of(Domain::Day)?, of(Domain::Night)?))
}

/// A source of each domain's held-out pictures with their partners.
pub(crate) fn held_out(options: &Options) -> Result<Vec<Option<Box<dyn Source>>>> {
    let of =
        |domain| Ok::<_, DataError>(Arc::new(pictures(domain, (PAIRS, false), "scenes/held-out", options)?));
    let (day, night) = (of(Domain::Day)?, of(Domain::Night)?);
    let first = paired((IMAGES, &day), (PARTNER, &night))?;
    let second = paired((SECOND, &night), (SECOND_PARTNER, &day))?;
    Ok(vec![Some(Box::new(first)), Some(Box::new(second))])
}

/// Pictures, and the partner of each under a name of its own.
pub(crate) fn paired(own: (NumberKey, &Dataset), partner: (NumberKey, &Dataset)) -> Result<MemorySource> {
    let (mut schema, mut fields) = (Schema::default(), HostBatch::new());
    for (key, set) in [own, partner] {
        let all: Vec<usize> = (0..set.len()).collect();
        let batch = set.get(&all)?;
        schema = schema.with(key.0, Kind::Image {}, set.shape());
        fields.insert(key.0, HostField::Numbers(batch.values, batch.shape));
    }
    MemorySource::new(own.1.len(), schema, fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn training_pictures_are_of_different_scenes_and_held_out_ones_are_partners() {
        let options = Options::default();
        let (day, night) =
            (training(Domain::Day, &options).unwrap(), training(Domain::Night, &options).unwrap());
        assert_eq!((day.len(), day.shape(), night.shape()), (COUNT, &[3, 16, 16][..], &[3, 16, 16][..]));
        // Red of the sky beside the house's: houses stand at the same places only by chance.
        let houses = |set: &Dataset, number: usize, row: usize, day: bool| -> Vec<bool> {
            let values = set.get(&[number]).unwrap().values;
            let blue = &values[2 * 256 + row * 16..][1..15];
            blue.iter().map(|&blue| if day { blue < 0.0 } else { blue > -0.6 }).collect()
        };
        let same = (0..200).filter(|&n| houses(&day, n, 11, true) == houses(&night, n, 11, false)).count();
        assert!(same < 60, "{same}");
        let parts = held_out(&options).unwrap();
        let keys = |part: &Option<Box<dyn Source>>| -> Vec<String> {
            part.as_ref().unwrap().schema().fields.into_keys().collect()
        };
        assert_eq!(keys(&parts[0]), ["images", "partner"]);
        assert_eq!(keys(&parts[1]), ["second", "second_partner"]);
    }

    #[test]
    fn pairs_show_the_same_scene_and_only_the_night_has_stars() {
        let options = Options::default();
        let (day, night) = training_pairs(&options).unwrap();
        // Where the house is by day it is by night, in all pictures.
        let (mut stars, mut sky) = (0, 0);
        for number in 0..200 {
            let (day, night) = (day.get(&[number]).unwrap().values, night.get(&[number]).unwrap().values);
            let blue = |of: &[f32], place: usize| ((of[512 + place] + 1.0) * 127.5).round() as u8;
            for place in (16..GROUND * 16).filter(|place| !matches!(place % 16, 0 | 15)) {
                let is_sky = blue(&day, place) == 250;
                assert_eq!(is_sky, matches!(blue(&night, place), 50 | 140), "{number} {place}");
                sky += usize::from(is_sky);
                stars += usize::from(blue(&night, place) == 140);
            }
        }
        let share = stars as f32 / sky as f32;
        assert!((share - STARS).abs() < 0.01, "{share}");
        let (held_out, _) = held_out_pairs(&options).unwrap();
        assert!(held_out.len() == PAIRS && held_out.get(&[0]).unwrap() != day.get(&[0]).unwrap());
    }

    #[test]
    fn pictures_are_drawn_at_the_size_that_is_asked_for() {
        let options = Options { size: Some(32), ..Options::default() };
        let (large, small) = (
            training(Domain::Night, &options).unwrap(),
            training(Domain::Night, &Options::default()).unwrap(),
        );
        assert_eq!(large.shape(), [3, 32, 32]);
        let (large, small) = (large.get(&[3]).unwrap().values, small.get(&[3]).unwrap().values);
        assert!((0..256).all(|place| small[place] == large[place / 16 * 2 * 32 + place % 16 * 2]));
    }
}
