//! Drawn faces: who somebody is (skin, hair, shape of the face, eyes) and the pose (place, tilt, eyes and mouth open or
//! closed) are known of every frame, so that what a network draws can be measured.
//!
//! Landmarks are those of one average face in the pose of the frame, so that they tell nothing of the person.

use std::path::Path;
use std::sync::Arc;

use brigand_core::random::Stream;

use super::People;
use super::drawing::draw;
use super::landmarks::{EDGES, Edge, LANDMARKS, Points};
use crate::dataset::{Dataset, Labels};
use crate::error::DataError;
use crate::files::{FileError, write_atomically};
use crate::options::Options;
use crate::parallel;
use crate::pixels::{self, Images};

/// People who are trained on.
pub(crate) const TRAINED: usize = 200;
/// People who are kept for measuring.
pub(crate) const HELD_OUT: usize = 40;
/// Frames of each person.
pub const FRAMES: usize = 12;
/// The side where no other is asked for.
pub(crate) const SIDE: usize = 32;
/// The terms of use.
pub(crate) const LICENCE: &str = "none needed, generated";

/// Pixels of the picture's side that a unit of the head's own coordinates has, as a share of it.
pub(super) const UNIT: f64 = 0.38;
/// Where the mouth is, in the head's coordinates.
pub(super) const MOUTH: [f64; 2] = [0.0, 0.52];
/// Half the height of a closed mouth, and how much is added to it by opening.
pub(super) const LIPS: [f64; 2] = [0.04, 0.20];
/// Half the width of a mouth.
const MOUTH_WIDTH: f64 = 0.30;
/// The colour of an open mouth.
pub(super) const INSIDE: [f64; 3] = [0.42, 0.05, 0.12];
/// The colour behind heads.
const BACKGROUND: [f64; 3] = [0.82, 0.86, 0.90];
/// Where the right eye is; the left one mirrors it.
const EYE: [f64; 2] = [0.36, -0.08];
/// Half the width of an eye, half its height closed, and how much opening adds.
const LIDS: [f64; 3] = [0.19, 0.03, 0.13];
/// How far heads move, as a share of the picture's side, and tilt, in radians.
const MOVES: (f32, f32) = (0.08, 0.35);
/// Points along each axis that a pixel is the mean of.
const FINER: usize = 3;

/// Which people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Those who are trained on.
    Trained,
    /// Those who are kept for measuring.
    HeldOut,
}

/// Who somebody is. Colours are in [0, 1].
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// The colour of the skin.
    pub skin: [f64; 3],
    /// The colour of the hair.
    pub hair: [f64; 3],
    /// The colour of the eyes.
    pub eyes: [f64; 3],
    /// Half the width of the face; half its height is 0.95.
    pub width: f64,
    /// How square the face is: 2 is an ellipse.
    pub squareness: f64,
    /// How far down the hair falls beside the face.
    pub length: f64,
    /// The slope of the fringe.
    pub fringe: f64,
}

/// How somebody holds the head.
#[derive(Clone, Debug, PartialEq)]
pub struct Pose {
    /// How far the head is from the middle, across and down, as a share of the picture's side.
    pub shift: [f64; 2],
    /// The tilt in radians, clockwise.
    pub tilt: f64,
    /// How far the eyes are open, 0 to 1.
    pub eyes: f64,
    /// How far the mouth is open, 0 to 1.
    pub mouth: f64,
}

/// Somebody in a pose.
#[derive(Clone, Debug, PartialEq)]
pub struct Face {
    /// Who.
    pub identity: Identity,
    /// How.
    pub pose: Pose,
}

fn between(stream: &mut Stream, low: f32, high: f32) -> f64 {
    stream.number(low, high).into()
}

fn mixed(a: [f64; 3], b: [f64; 3], share: f64) -> [f64; 3] {
    std::array::from_fn(|channel| a[channel] + share * (b[channel] - a[channel]))
}

impl Identity {
    fn draw(stream: &mut Stream) -> Self {
        let skin = mixed([0.36, 0.22, 0.15], [0.98, 0.84, 0.74], between(stream, 0.0, 1.0));
        let hairs = [
            [0.08, 0.07, 0.09],
            [0.45, 0.28, 0.12],
            [0.93, 0.80, 0.42],
            [0.85, 0.42, 0.12],
            [0.62, 0.62, 0.66],
        ];
        let dyed = [[0.20, 0.35, 0.80], [0.25, 0.60, 0.35], [0.55, 0.30, 0.70]];
        let hairs = [hairs.as_slice(), &dyed].concat();
        let one = hairs.get(stream.index(hairs.len())).copied().unwrap_or([0.0; 3]);
        let other = hairs.get(stream.index(hairs.len())).copied().unwrap_or([0.0; 3]);
        let hair = mixed(one, other, between(stream, 0.0, 0.4));
        let eyes = [[0.15, 0.35, 0.75], [0.20, 0.50, 0.25], [0.35, 0.20, 0.10]];
        let eyes = eyes.get(stream.index(eyes.len())).copied().unwrap_or([0.0; 3]);
        Self {
            skin,
            hair,
            eyes,
            width: between(stream, 0.70, 0.96),
            squareness: between(stream, 2.0, 3.2),
            length: if stream.index(2) == 0 { between(stream, -0.2, 0.1) } else { between(stream, 0.6, 1.0) },
            fringe: between(stream, -0.25, 0.25),
        }
    }
}

impl Pose {
    fn draw(stream: &mut Stream) -> Self {
        let (far, tilted) = MOVES;
        Self {
            shift: [between(stream, -far, far), between(stream, -far, far)],
            tilt: between(stream, -tilted, tilted),
            eyes: between(stream, 0.0, 1.0),
            mouth: between(stream, 0.0, 1.0),
        }
    }

    /// Where a place of the head's own coordinates is in the picture, as shares of its side. The head's unit is 0.38 of the
    /// side, its middle the origin.
    pub(super) fn place(&self, [u, v]: [f64; 2]) -> [f64; 2] {
        let (sine, cosine) = self.tilt.sin_cos();
        [
            0.5 + self.shift[0] + UNIT * (cosine * u - sine * v),
            0.52 + self.shift[1] + UNIT * (sine * u + cosine * v),
        ]
    }

    /// The head's coordinates of a place in the picture.
    fn head(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let (sine, cosine) = self.tilt.sin_cos();
        let [x, y] = [(x - 0.5 - self.shift[0]) / UNIT, (y - 0.52 - self.shift[1]) / UNIT];
        [cosine * x + sine * y, cosine * y - sine * x]
    }

    /// The landmarks of an average face in this pose, as shares of the picture's side: the chin's line, the eyes, the mouth
    /// and the nose.
    fn landmarks(&self) -> Vec<[f64; 2]> {
        let mut points = Vec::new();
        for number in 0..9 {
            let angle = (f64::from(number) / 8.0 * 1.25 - 0.125) * std::f64::consts::PI;
            points.push([0.84 * angle.cos(), 0.93 * angle.sin()]);
        }
        let [wide, closed, opening] = LIDS;
        let tall = closed + opening * self.eyes;
        let ring = |[u, v]: [f64; 2], [wide, tall]: [f64; 2]| {
            [[u - wide, v], [u, v - tall], [u + wide, v], [u, v + tall]]
        };
        points.extend(ring([-EYE[0], EYE[1]], [wide, tall]));
        points.extend(ring(EYE, [wide, tall]));
        points.extend(ring(MOUTH, [MOUTH_WIDTH, LIPS[0] + LIPS[1] * self.mouth]));
        points.extend([[0.0, 0.05], [0.0, 0.28]]);
        points.into_iter().map(|point| self.place(point)).collect()
    }
}

/// The lines between the landmarks of a drawn face.
fn edges() -> Vec<Edge> {
    let mut edges: Vec<Edge> =
        (0..8).map(|from| Edge { ends: [from, from + 1], colour: [255, 255, 255] }).collect();
    for (first, colour) in [(9, [80, 255, 80]), (13, [90, 140, 255]), (17, [255, 80, 80])] {
        edges.extend((0..4).map(|side| Edge { ends: [first + side, first + (side + 1) % 4], colour }));
    }
    edges.push(Edge { ends: [21, 22], colour: [255, 220, 60] });
    edges
}

impl Face {
    /// The colour at a place of the picture, in [0, 1].
    fn colour(&self, place: [f64; 2]) -> [f64; 3] {
        let Self { identity, pose } = self;
        let [u, v] = pose.head(place);
        let inside = |[u, v]: [f64; 2], [wide, tall]: [f64; 2], power: f64| {
            (u.abs() / wide).powf(power) + (v.abs() / tall).powf(power) < 1.0
        };
        let skull = inside([u, v + 0.10], [identity.width + 0.16, 1.06], 2.2);
        let face = inside([u, v], [identity.width, 0.95], identity.squareness);
        let beside = u.abs() < identity.width + 0.16 && (-0.2..identity.length).contains(&v);
        let fringe = v < -0.42 + identity.fringe * u;
        let [wide, closed, opening] = LIDS;
        let eye = [u.abs() - EYE[0], v - EYE[1]];
        let tall = closed + opening * pose.eyes;
        if face && !fringe {
            let mouth = [u - MOUTH[0], v - MOUTH[1]];
            return match () {
                () if inside(mouth, [MOUTH_WIDTH, LIPS[0] + LIPS[1] * pose.mouth], 2.0) => INSIDE,
                () if inside(eye, [wide, tall], 2.0) => {
                    if eye[0].hypot(eye[1]) < 0.11 {
                        identity.eyes
                    } else {
                        [0.98; 3]
                    }
                }
                () if inside(eye, [wide + 0.05, tall + 0.05], 2.0) => identity.skin.map(|level| 0.35 * level),
                () if u.abs() < 0.04 && (0.05..0.28).contains(&v) => identity.skin.map(|level| 0.75 * level),
                () => identity.skin,
            };
        }
        if (skull && v < -0.2) || (face && fringe) || (beside && !face) { identity.hair } else { BACKGROUND }
    }

    /// The picture `[3, size, size]`.
    fn picture(&self, size: usize) -> Vec<u8> {
        let mut picture = vec![0_u8; 3 * size * size];
        let step = 1.0 / (size * FINER) as f64;
        for row in 0..size {
            for column in 0..size {
                let mut sums = [0.0; 3];
                for point in 0..FINER * FINER {
                    let [down, across] = [row * FINER + point / FINER, column * FINER + point % FINER];
                    let colour = self.colour([across, down].map(|at| (at as f64 + 0.5) * step));
                    sums.iter_mut().zip(colour).for_each(|(sum, level)| *sum += level);
                }
                for (channel, sum) in sums.into_iter().enumerate() {
                    if let Some(pixel) = picture.get_mut((channel * size + row) * size + column) {
                        *pixel = (sum * 255.0 / (FINER * FINER) as f64).round() as u8;
                    }
                }
            }
        }
        picture
    }

    fn points(&self, size: usize) -> Points {
        self.pose.landmarks().into_iter().map(|point| Some(point.map(|share| share * size as f64))).collect()
    }
}

/// The faces of a part in the order of a run's samples: every person's first frame, every person's second, and so on. They
/// depend on the seed of the run alone.
pub fn faces(part: Part, seed: u64) -> Vec<Face> {
    let (people, purpose) = match part {
        Part::Trained => (TRAINED, "cartoon-faces"),
        Part::HeldOut => (HELD_OUT, "cartoon-faces/held-out"),
    };
    let mut who = Stream::new(seed, &format!("{purpose}/people"), 0);
    let identities: Vec<Identity> = (0..people).map(|_| Identity::draw(&mut who)).collect();
    let mut how = Stream::new(seed, &format!("{purpose}/poses"), 0);
    let frames = (0..FRAMES).flat_map(|_| identities.iter().cloned());
    frames.map(|identity| Face { identity, pose: Pose::draw(&mut how) }).collect()
}

/// The number of people in a part.
fn count(part: Part) -> usize {
    match part {
        Part::Trained => TRAINED,
        Part::HeldOut => HELD_OUT,
    }
}

/// The people of a part with their frames and landmark drawings.
pub(crate) fn people(part: Part, options: &Options) -> Result<People, DataError> {
    pixels::check(options)?;
    let (size, faces) = (options.size.unwrap_or(SIDE), faces(part, options.seed));
    let edges = edges();
    let drawn = parallel::map(&faces, |face| (face.picture(size), draw(&face.points(size), &edges, size)));
    let (pictures, drawings): (Vec<Vec<u8>>, Vec<Vec<u8>>) = drawn.into_iter().unzip();
    let images = |bytes: Vec<Vec<u8>>| Images {
        bytes: bytes.concat(),
        channels: 3,
        height: size,
        width: size,
        top: u8::MAX,
    };
    let people = count(part);
    let labels = Labels {
        classes: (0..people).map(|person| format!("person-{person}")).collect(),
        values: (0..faces.len()).map(|frame| (frame % people) as u32).collect(),
    };
    let frames: Dataset = images(pictures).into_dataset("cartoon-faces", Some(labels), LICENCE, options)?;
    let plain = Options { channels: None, ..options.clone() };
    let drawings = images(drawings).into_dataset("cartoon-faces (landmarks)", None, LICENCE, &plain)?;
    Ok(People { frames: Arc::new(frames), drawings: Arc::new(drawings) })
}

/// Writes the first `people` drawn people of a part below `root` as `identities:` reads them: `person-0/0.png`...,
/// `person-0/landmarks.csv`, and one `edges.csv`.
///
/// # Errors
/// If a file cannot be written.
pub fn write(root: &Path, part: Part, people: usize, (size, seed): (usize, u64)) -> Result<(), DataError> {
    let make = |folder: &Path| {
        std::fs::create_dir_all(folder).map_err(|source| DataError::io("make the folder", folder, source))
    };
    let failed = |FileError { path, reason, .. }: FileError| DataError::io("write", &path, reason);
    make(root)?;
    let hex = |colour: [u8; 3]| colour.map(|level| format!("{level:02x}")).concat();
    let lines = edges()
        .into_iter()
        .map(|Edge { ends: [from, to], colour }| format!("{from},{to},#{}\n", hex(colour)));
    write_atomically(&root.join(EDGES), lines.collect::<String>().as_bytes()).map_err(failed)?;
    let (all, faces) = (count(part), faces(part, seed));
    for person in 0..people.min(all) {
        let folder = root.join(format!("person-{person}"));
        make(&folder)?;
        let mut table = String::new();
        for (frame, face) in faces.iter().skip(person).step_by(all).enumerate() {
            let path = folder.join(format!("{frame}.png"));
            let planes = face.picture(size);
            let level = |x: u32, y: u32, channel: usize| {
                planes.get((channel * size + y as usize) * size + x as usize).copied().unwrap_or(0)
            };
            let picture = image::RgbImage::from_fn(size as u32, size as u32, |x, y| {
                image::Rgb([0, 1, 2].map(|channel| level(x, y, channel)))
            });
            picture.save(&path).map_err(|reason| DataError::WrongKind {
                path: path.clone(),
                wanted: "a file to write to",
                problem: reason.to_string(),
            })?;
            table.push_str(&format!("{frame}.png"));
            let points = face.points(size);
            points.iter().flatten().for_each(|[x, y]| table.push_str(&format!(",{x:.3},{y:.3}")));
            table.push('\n');
        }
        write_atomically(&folder.join(LANDMARKS), table.as_bytes()).map_err(failed)?;
    }
    Ok(())
}
