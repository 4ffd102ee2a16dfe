//! `brigand interpolate RUN`: walks through a run's latent space.

use std::path::{Path as FilePath, PathBuf};

use brigand::files::write_atomically;
use brigand::pictures::{AnimationStyle, Picture, animate};
use brigand::sampling::Backdrop;
use brigand::systems::{Interpolation, Path, System, moments};
use brigand::training::{backdrop_for, load_run};

use crate::console;
use crate::failure::Failure;
use crate::hardware::Hardware;

const EXAMPLES: &str = "\
Examples:
  brigand interpolate runs/gan-1
  brigand interpolate runs/gan-1 --spherical --rows 4 --columns 12 --out walk.png";

/// Frames of the animation on the way there, and as many back.
const FRAMES: usize = 30;

/// Walk between pairs of latents: a picture with a row for each walk, and an animation.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Folder of the run
    run: PathBuf,
    /// Walks, a row each
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    rows: u16,
    /// Samples in a row
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(2..=256))]
    columns: u16,
    /// Decides which latents
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Only along great arcs
    #[arg(long, conflicts_with = "linear")]
    spherical: bool,
    /// Only along straight lines
    #[arg(long)]
    linear: bool,
    /// Where to write the picture; the animation has the same name with .gif. With both ways, `-linear` and
    /// `-spherical` are added to the name (default `RUN/interpolation-seed<N>.png`)
    #[arg(long, value_name = "FILE.png")]
    out: Option<PathBuf>,
    #[command(flatten)]
    hardware: Hardware,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let device = arguments.hardware.open()?;
    let name = format!("interpolation-seed{}.png", arguments.seed);
    let out = arguments.out.clone().unwrap_or_else(|| arguments.run.join(name));
    if out.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("png")) {
        let reason = format!("{}: the picture is written as PNG; give a file ending in .png", out.display());
        return Err(brigand::Error::Request(reason).into());
    }
    let (recipe, system, _) = load_run(&arguments.run, &device)?;
    let backdrop = backdrop_for(&recipe, system.sample_shape())?;
    let walks = Interpolation::new(system.as_ref(), arguments.rows.into(), arguments.seed)?;
    let one = arguments.linear || arguments.spherical;
    for path in Path::ALL {
        if one && arguments.linear != (path == Path::Linear) {
            continue;
        }
        let picture = if one { out.clone() } else { with_suffix(&out, path.name()) };
        let samples = walks.grid(system.as_ref(), path, arguments.columns.into())?;
        let columns = Some(arguments.columns.into());
        backdrop.draw(&samples.to_vec_f32()?, samples.shape(), columns, path.name())?.save_png(&picture)?;
        let animation = picture.with_extension("gif");
        write_atomically(&animation, &animated(&walks, system.as_ref(), path, &backdrop)?)?;
        console::print(&format!("{}\n{}", picture.display(), animation.display()))?;
    }
    Ok(())
}

/// All walks at once, there and back.
fn animated(
    walks: &Interpolation,
    system: &dyn System,
    path: Path,
    backdrop: &Backdrop,
) -> Result<Vec<u8>, brigand::Error> {
    let there: Vec<Picture> = moments(FRAMES)
        .map(|t| {
            let samples = walks.at(system, path, t)?;
            backdrop.draw(&samples.to_vec_f32()?, samples.shape(), None, &format!("{} {t:.2}", path.name()))
        })
        .collect::<Result<_, _>>()?;
    let frames: Vec<Picture> = there.iter().chain(there.iter().rev()).cloned().collect();
    Ok(animate(&frames, AnimationStyle { hold: 0.1, ..AnimationStyle::default() })?)
}

/// `walk.png` with `linear` is `walk-linear.png`.
fn with_suffix(path: &FilePath, suffix: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-{suffix}.png"))
}
