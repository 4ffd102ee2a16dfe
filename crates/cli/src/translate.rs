//! `brigand translate RUN`: images of one domain as the run's translator makes them of the other, or small images at the
//! size that the run makes.

use std::path::{Path, PathBuf};

use brigand::batch::Batch;
use brigand::capability::{Direction, Translator};
use brigand::data::Originals;
use brigand::pictures::single_image;
use brigand::training::load_run;
use brigand::{Error, Place};

use crate::console;
use crate::failure::Failure;
use crate::hardware::Hardware;

const EXAMPLES: &str = "\
Examples:
  brigand translate runs/cyclegan-1 --in photos --out drawn          every image of a folder, from the first domain
  brigand translate runs/cyclegan-1 --in one.png --out back --to a   one image, from the second domain to the first
  brigand translate runs/lapgan-1 --in small --out large             small images at the size of the run's samples";

/// Translate images with a trained run: a PNG of the same name for each.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Folder of the run
    run: PathBuf,
    /// An image, or a folder of images (PNG, JPEG, WebP)
    #[arg(long = "in", value_name = "PATH")]
    input: PathBuf,
    /// Folder for the translations
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The domain to translate to, where the run's data has two: b, the second, if not given
    #[arg(long, value_enum)]
    to: Option<Domain>,
    #[command(flatten)]
    hardware: Hardware,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Domain {
    A,
    B,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let device = arguments.hardware.open()?;
    let (recipe, system, _) = load_run(&arguments.run, &device)?;
    let translator = system.as_translator().ok_or_else(|| {
        Error::Request(format!(
            "{} is a run of `{}`, which does not translate; give a run of a translator, for example of `brigand train \
             cyclegan` or `lapgan`",
            arguments.run.display(),
            recipe.common.system
        ))
    })?;
    let mut directions = translator.directions().iter();
    let direction = match arguments.to {
        None => directions.next(),
        Some(Domain::A) => directions.find(|direction| direction.name == "b-to-a"),
        Some(Domain::B) => directions.find(|direction| direction.name == "a-to-b"),
    };
    let direction = direction.ok_or_else(|| {
        Error::Request(format!(
            "`{}` does not translate between two domains; leave out --to",
            recipe.common.system
        ))
    })?;
    let channels = translator.channels(direction);
    let images = if arguments.input.is_dir() {
        Originals::open(&arguments.input, Some(channels), usize::MAX, |count| (0..count).collect())?
    } else {
        Originals::of_file(&arguments.input, Some(channels))?
    };
    let targets = targets(&images, &arguments.input, &arguments.out)?;
    for (number, target) in targets.iter().enumerate() {
        write(translator, direction, &images, (number, target), &Place::on(&device))?;
    }
    for skipped in images.skipped() {
        console::print(&format!("left out {}: {}", skipped.path.display(), skipped.reason))?;
    }
    let images = if targets.len() == 1 { "image" } else { "images" };
    console::print(&format!("{} {images} in {}", targets.len(), arguments.out.display()))
}

/// The file of each translation, refusing to write over what is read, or twice to one file.
fn targets(images: &Originals, input: &Path, out: &Path) -> Result<Vec<PathBuf>, Failure> {
    let root = if input.is_dir() { input } else { input.parent().unwrap_or(Path::new("")) };
    let mut targets: Vec<PathBuf> = Vec::new();
    for source in images.paths() {
        let target = out.join(source.strip_prefix(root).unwrap_or(source)).with_extension("png");
        let same = target.canonicalize().ok().zip(source.canonicalize().ok()).is_some_and(|(a, b)| a == b);
        let reason = if same {
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

fn write(
    translator: &dyn Translator,
    direction: &Direction,
    images: &Originals,
    (number, target): (usize, &Path),
    place: &Place,
) -> Result<(), Failure> {
    for (shape, values) in images.get(&[number])? {
        let batch =
            Batch::default().with(direction.from, place.numbers(values, &[&[1], &shape[..]].concat())?);
        let translated = translator.translate(direction, &batch)?;
        let (_, channels, height, width) = translated.dims4("a translation").map_err(Error::from)?;
        let picture =
            single_image(&translated.to_vec_f32().map_err(Error::from)?, [channels, height, width])?;
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder).map_err(|error| {
                Error::Request(format!("cannot make the folder {}: {error}", folder.display()))
            })?;
        }
        picture.save_png(target)?;
    }
    Ok(())
}
