//! Cuts images into square tiles that do not overlap, and writes each as a PNG:
//! `cargo run --release -p brigand --example tiles -- SIDE LEAST_DEVIATION OUT IMAGE...`.
//!
//! A tile whose grey levels (0 to 255) have a standard deviation of LEAST_DEVIATION or less is left out; 0 leaves out
//! tiles of one level only. A tile is called after its image, row and column.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use brigand::data::{Background, Originals};
use brigand::error::{Error, Result};
use brigand::pictures::single_image;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = || Error::Request("give SIDE LEAST_DEVIATION OUT IMAGE...".into());
    let side: usize = number(arguments.next()).filter(|&side| side > 0).ok_or_else(usage)?;
    let least: f64 = number(arguments.next()).ok_or_else(usage)?;
    let out = arguments.next().map(PathBuf::from).ok_or_else(usage)?;
    let images: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    if images.is_empty() {
        return Err(usage());
    }
    std::fs::create_dir_all(&out)
        .map_err(|reason| Error::Request(format!("cannot make the folder {}: {reason}", out.display())))?;
    images.iter().try_for_each(|image| cut(image, side, least, &out))
}

fn number<N: FromStr>(text: Option<String>) -> Option<N> {
    text.and_then(|text| text.parse().ok())
}

/// Writes the tiles of one image.
fn cut(path: &Path, side: usize, least: f64, out: &Path) -> Result<()> {
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let image = Originals::of_file(path, (Some(3), Background::WHITE))?;
    for ([_, height, width], values) in image.get(&[0])? {
        for (row, column) in (0..height / side).flat_map(|row| (0..width / side).map(move |c| (row, c))) {
            let mut tile = Vec::with_capacity(3 * side * side);
            for plane in values.chunks_exact(height * width) {
                for line in plane.chunks_exact(width).skip(row * side).take(side) {
                    tile.extend(line.iter().skip(column * side).take(side));
                }
            }
            if deviation(&tile) > least {
                let file = out.join(format!("{name}-{row:03}-{column:03}.png"));
                single_image(&tile, [3, side, side])?.save_png(&file)?;
            }
        }
    }
    Ok(())
}

/// The standard deviation of an image's grey levels (luma of Rec. 601), from 0 to 255.
fn deviation(tile: &[f32]) -> f64 {
    let pixels = tile.len() / 3;
    let (red, rest) = tile.split_at(pixels);
    let (green, blue) = rest.split_at(pixels);
    let luma = |((red, green), blue): ((&f32, &f32), &f32)| {
        127.5 * (0.299 * f64::from(*red) + 0.587 * f64::from(*green) + 0.114 * f64::from(*blue))
    };
    let levels: Vec<f64> = red.iter().zip(green).zip(blue).map(luma).collect();
    let mean = levels.iter().sum::<f64>() / pixels as f64;
    (levels.iter().map(|level| (level - mean).powi(2)).sum::<f64>() / pixels as f64).sqrt()
}
