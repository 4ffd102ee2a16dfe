//! Samples of any size, and walks, of a run that makes images through scales.

use std::path::Path;

use brigand::batch::SampleShape;
use brigand::capability::ScaleSampler;
use brigand::files::{refuse_missing_folder, write_atomically};
use brigand::pictures::{AnimationStyle, Grid, animate, image_grid};
use brigand::random::Stream;
use brigand::sampling::{Backdrop, Destination};
use brigand::{Error, Result};

use super::arguments::Arguments;
use crate::console;
use crate::failure::Failure;

/// The most frames of a walk.
const MOST_FRAMES: usize = 600;
/// Seconds that a frame of a walk is shown.
const FRAME: f64 = 0.1;

impl Arguments {
    /// The options that only images made through scales have, where one is given.
    pub(crate) fn of_scales(&self) -> Option<&'static str> {
        [
            (self.height.is_some(), "--height"),
            (self.width.is_some(), "--width"),
            (self.start_scale.is_some(), "--start-scale"),
            (self.walk.is_some(), "--walk"),
        ]
        .into_iter()
        .find_map(|(given, name)| given.then_some(name))
    }
}

/// Writes samples of the size and from the scale that are asked for, or a walk.
pub(crate) fn run(
    arguments: &Arguments,
    sampler: &dyn ScaleSampler,
    step: u64,
) -> std::result::Result<(), Failure> {
    if !arguments.classes.is_empty() || arguments.truncation.is_some() {
        return Err(Error::Request(
            "--class and --truncation choose latents, and samples of a size, from a scale or along a walk have none that are \
             chosen; leave them out"
                .into(),
        )
        .into());
    }
    let [own_height, own_width] = sampler.scales().last().copied().unwrap_or_default();
    let (height, width) = (arguments.height.unwrap_or(own_height), arguments.width.unwrap_or(own_width));
    let start = arguments.start_scale.unwrap_or(0);
    let from = if start > 0 { format!("-from-scale-{start}") } else { String::new() };
    let seed = arguments.seed;
    if let Some(frames) = arguments.walk {
        if arguments.height.is_some() || arguments.width.is_some() {
            return Err(Error::Request(
                "a walk has the picture's own size; leave --height and --width out".into(),
            )
            .into());
        }
        let path = arguments.out.clone();
        let path = path.unwrap_or_else(|| arguments.run.join(format!("walk-seed{seed}{from}.gif")));
        write_walk(sampler, (frames, start, seed), &path)?;
        return console::print(&path.display().to_string());
    }
    let shape = SampleShape::Image { channels: sampler.image_channels(), height, width };
    let name = format!("samples-seed{seed}-{width}x{height}{from}.png");
    let path = arguments.out.clone().unwrap_or_else(|| arguments.run.join(name));
    let destination = Destination::new(&path, shape)?;
    destination.check_count(arguments.count(), shape, None)?;
    let mut stream = Stream::new(seed, "sample", 0);
    let samples = sampler.sample_of_size([height, width], start, arguments.count(), &mut stream)?;
    destination.write(&samples, &Backdrop::Images, &format!("step {step}, seed {seed}"))?;
    console::print(&path.display().to_string())
}

fn write_walk(
    sampler: &dyn ScaleSampler,
    (frames, start, seed): (usize, usize, u64),
    path: &Path,
) -> Result<()> {
    if !(2..=MOST_FRAMES).contains(&frames) {
        return Err(Error::Request(format!("--walk {frames}: give 2 to {MOST_FRAMES} frames")));
    }
    if path.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("gif")) {
        return Err(Error::Request(format!(
            "{}: a walk is written to a file ending in .gif",
            path.display()
        )));
    }
    refuse_missing_folder(path)?;
    let walk = sampler.walk(frames, start, &mut Stream::new(seed, "walk", 0))?;
    let (_, channels, height, width) = walk.dims4("a walk")?;
    let values = walk.to_vec_f32()?;
    let pictures = values
        .chunks_exact(channels * height * width)
        .map(|image| {
            image_grid(image, [1, channels, height, width], Grid { columns: Some(1), ..Grid::default() })
        })
        .collect::<std::result::Result<Vec<_>, _>>()?;
    let style = AnimationStyle {
        most_frames: frames,
        seconds: FRAME * (frames - 1) as f64,
        hold: FRAME,
        ..AnimationStyle::default()
    };
    Ok(write_atomically(path, &animate(&pictures, style)?)?)
}
