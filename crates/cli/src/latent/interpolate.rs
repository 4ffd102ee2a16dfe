//! `brigand interpolate RUN`: walks through a run's latent space.

use brigand::files::write_atomically;
use brigand::latent_tools::{Interpolation, Path, moments};
use brigand::pictures::{AnimationStyle, Picture, animate};

use super::{Opened, Run};
use crate::console;
use crate::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  brigand interpolate runs/gan-1
  brigand interpolate runs/gan-1 --spherical --rows 4 --columns 12 --out walk.png
  brigand interpolate runs/cgan-1 --linear --classes 3,8   from class to class, the noise stays";

/// Frames of the animation on the way there, and as many back.
const FRAMES: usize = 30;

/// Walk between pairs of latents: a picture with a row for each walk, and an animation beside it (.gif).
///
/// Great arcs are taken through the normal parts of a latent; classes, codes and uniform noise go along straight
/// lines. With both ways, `-linear` and `-spherical` are added to the names of the files.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    run: Run,
    /// Walks, a row each
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    rows: u16,
    /// Samples in a row
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(2..=256))]
    columns: u16,
    /// Only along great arcs
    #[arg(long, conflicts_with = "linear")]
    spherical: bool,
    /// Only along straight lines
    #[arg(long)]
    linear: bool,
    /// From class A to class B, names or numbers, with the same noise all the way
    #[arg(long, value_name = "A,B", value_delimiter = ',', num_args = 1)]
    classes: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let run = arguments.run.open("interpolation")?;
    let (walks, sampler) = (walks(arguments, &run)?, run.sampler()?);
    if arguments.spherical && !Path::Spherical.fits(sampler.space()) {
        let reason = "no part of this system's latents is normal, so there are no arcs; walk with --linear";
        return Err(brigand::Error::Request(reason.into()).into());
    }
    let ways: Vec<Path> = match (arguments.linear, arguments.spherical) {
        (true, _) => vec![Path::Linear],
        (_, true) => vec![Path::Spherical],
        // The noise stays when the class goes, so there is nothing for an arc to go around.
        _ if !arguments.classes.is_empty() => vec![Path::Linear],
        _ => Path::ALL.into_iter().filter(|path| path.fits(sampler.space())).collect(),
    };
    for &path in &ways {
        let outputs = if ways.len() > 1 { run.outputs.with_suffix(path.name()) } else { run.outputs.clone() };
        run.show_at(&outputs, &walks.grid(path, arguments.columns.into())?, path.name())?;
        let animation = outputs.picture.with_extension("gif");
        write_atomically(&animation, &animated(&walks, &run, path)?)?;
        console::print(&animation.display().to_string())?;
    }
    Ok(())
}

fn walks(arguments: &Arguments, run: &Opened) -> Result<Interpolation, Failure> {
    let (rows, seed) = (arguments.rows.into(), arguments.run.seed);
    Ok(match arguments.classes.as_slice() {
        [] => Interpolation::new(run.sampler()?, rows, seed)?,
        [from, to] => {
            Interpolation::of_classes(run.sampler()?, (run.class(from)?, run.class(to)?), rows, seed)?
        }
        other => {
            let reason = format!(
                "a walk has two ends, --classes names {}; give two, as in --classes 3,8",
                other.len()
            );
            return Err(brigand::Error::Request(reason).into());
        }
    })
}

/// All walks at once, there and back.
fn animated(walks: &Interpolation, run: &Opened, path: Path) -> Result<Vec<u8>, Failure> {
    let sampler = run.sampler()?;
    let there: Vec<Picture> = moments(FRAMES)
        .map(|t| {
            let samples = walks.at(sampler, path, t)?;
            let caption = format!("{} {t:.2}", path.name());
            run.backdrop.draw(&samples.to_vec_f32()?, samples.shape(), None, &caption)
        })
        .collect::<brigand::Result<_>>()?;
    let frames: Vec<Picture> = there.iter().chain(there.iter().rev()).cloned().collect();
    Ok(animate(&frames, AnimationStyle { hold: 0.1, ..AnimationStyle::default() })?)
}
