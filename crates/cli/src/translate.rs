//! `brigand translate RUN`: images of one domain as the run's translator makes them of the other, images of label maps, small
//! images at the size that the run makes, images in the style of the picture that a run of scales was trained on, or lines of text in
//! another style.

mod inputs;
mod lines;
mod way;

use std::path::{Path, PathBuf};

use brigand::pictures::{Picture, single_image};
use brigand::training::load_run;
use brigand::{Error, Place};

use crate::console;
use crate::drive;
use crate::failure::{Failure, with_causes};
use crate::hardware::Hardware;
use crate::untrained;
use inputs::Inputs;
use way::Way;

const EXAMPLES: &str = "\
Examples:
  brigand translate runs/cyclegan-1 --in photos --out drawn          every image of a folder, from the first domain
  brigand translate runs/cyclegan-1 --in one.png --out back --to a   one image, from the second domain to the first
  brigand translate runs/gaugan-1 --in maps --out images --style one.png     label maps, in the style of an image
  brigand translate runs/singan-1 --in paint.png --out new --start-scale 1   in the style of the run's picture
  brigand translate runs/singan-1 --in small.png --out large --enlarge 4     four times as large
  brigand translate runs/lapgan-1 --in small --out large             small images at the size of the run's samples
  brigand translate runs/text-style-1 --in lines.txt --to positive --out new.txt     lines of text, to a style
  brigand translate runs/talking-head-1 --person anna --drive bob --out driven   anna in the poses of bob's landmarks";

/// Translate images with a trained run, a PNG of the same name for each; or lines of text, a line for each.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Folder of the run
    run: PathBuf,
    /// An image or a label map, or a folder of them (PNG, JPEG, WebP; maps are PNGs), or a file of lines of text
    #[arg(long = "in", value_name = "PATH", required_unless_present = "drive")]
    input: Option<PathBuf>,
    /// Folder for the translations; of lines of text a file
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The domain to translate to, where the run's data has two: b, the second, if not given; of text the style: positive, the
    /// second, if not given
    #[arg(long, value_enum, conflicts_with_all = ["start_scale", "enlarge", "seed"])]
    to: Option<Domain>,
    /// The image whose style translations have (runs of label maps, such as gaugan) [default: a style drawn by --seed]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["start_scale", "enlarge", "seed", "to"])]
    style: Option<PathBuf>,
    /// Scale at which images take the place of what the scales before it would have made: from 1, whole objects change, to the
    /// finest, textures change (systems of scales, such as singan) [default: 1]
    #[arg(long, value_name = "K", conflicts_with = "enlarge")]
    start_scale: Option<usize>,
    /// Enlarge images so many times by the finest scale instead (systems of scales)
    #[arg(long, value_name = "TIMES")]
    enlarge: Option<f64>,
    /// Decides the noise (systems of scales) or the style (of label maps) [default: 0]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Poses to draw a person in: landmarks as FILE.csv, or a folder with a landmarks.csv (talking heads)
    #[arg(long, value_name = "PATH", conflicts_with_all = ["input", "to", "start_scale", "enlarge", "seed"])]
    drive: Option<PathBuf>,
    /// Folder with frames of the person and their landmarks.csv (talking heads, unless fine-tuned on one person)
    #[arg(long, value_name = "DIR", requires = "drive")]
    person: Option<PathBuf>,
    #[command(flatten)]
    hardware: Hardware,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Domain {
    A,
    B,
    Negative,
    Positive,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if let Some(drive) = &arguments.drive {
        let Arguments { run, out, person, hardware, .. } = arguments;
        return drive::run(&drive::Request { run, person: person.as_deref(), drive, out, hardware });
    }
    let missing = || Error::Request("no images are given; give --in FILE or DIR".into());
    let input = arguments.input.as_deref().ok_or_else(missing)?;
    let device = arguments.hardware.open()?;
    let (recipe, system, step) = load_run(&arguments.run, &device)?;
    untrained::note(system.as_ref(), step, &arguments.run);
    if let Some(translator) = system.as_line_translator() {
        return lines::run(arguments, translator, input);
    }
    let place = Place::on(&device);
    let background = recipe.common.data.background.unwrap_or_default();
    let way = Way::of(system.as_ref(), arguments, &recipe.common.system, (&place, background))?;
    let images = match way.map_labels() {
        Some(labels) => Inputs::maps(input, labels)?,
        None => Inputs::images(input, (Some(way.channels()), background))?,
    };
    let targets = targets(&images, input, &arguments.out)?;
    // An image of an unsuitable size does not keep the others from being translated.
    let mut refused = Vec::new();
    for (number, (source, target)) in images.paths().into_iter().zip(&targets).enumerate() {
        match translated(&way, &images, number, &place) {
            Ok(picture) => save(&picture, target)?,
            Err(error) => {
                let (path, reason) = (source.display().to_string(), with_causes(&error));
                // Errors of reading name the file themselves.
                refused.push(if reason.starts_with(&path) { reason } else { format!("{path}: {reason}") });
            }
        }
    }
    for skipped in images.skipped() {
        let left_out = format!("left out {}: {}", skipped.path.display(), skipped.reason);
        console::print(&console::shown(&left_out))?;
    }
    let written = targets.len() - refused.len();
    if written > 0 {
        let images = if written == 1 { "image" } else { "images" };
        console::print(&format!("{written} {images} in {}", arguments.out.display()))?;
    }
    match refused.first() {
        None => Ok(()),
        Some(first) if refused.len() == 1 => Err(Error::Request(first.clone()).into()),
        Some(_) => Err(Error::Request(format!(
            "{} images could not be translated:\n{}",
            refused.len(),
            refused.join("\n")
        ))
        .into()),
    }
}

/// Whether both exist and are one file.
fn is_same_file(one: &Path, other: &Path) -> bool {
    one.canonicalize().ok().zip(other.canonicalize().ok()).is_some_and(|(one, other)| one == other)
}

/// The file of each translation, refusing to write over what is read, or twice to one file.
fn targets(images: &Inputs, input: &Path, out: &Path) -> Result<Vec<PathBuf>, Failure> {
    let root = if input.is_dir() { input } else { input.parent().unwrap_or(Path::new("")) };
    let mut targets: Vec<PathBuf> = Vec::new();
    for source in images.paths() {
        let target = out.join(source.strip_prefix(root).unwrap_or(source)).with_extension("png");
        let reason = if is_same_file(&target, source) {
            "would be written over; give another folder for --out"
        } else if targets.contains(&target) {
            "has the name of another image but for its ending; rename one"
        } else {
            targets.push(target);
            continue;
        };
        return Err(Error::Request(format!("{} {reason}", source.display())).into());
    }
    Ok(targets)
}

/// What becomes of image `number`.
fn translated(way: &Way<'_>, images: &Inputs, number: usize, place: &Place) -> Result<Picture, Error> {
    let (shape, values) = images.get(number)?;
    let (shape, values) = way.translate(values, shape, place)?;
    Ok(single_image(&values, shape)?)
}

fn save(picture: &Picture, target: &Path) -> Result<(), Failure> {
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder).map_err(|error| {
            Error::Request(format!("cannot make the folder {}: {error}", folder.display()))
        })?;
    }
    Ok(picture.save_png(target)?)
}
