//! `brigand translate RUN`: images of one domain as the run's translator makes them of the other.

use std::path::{Path, PathBuf};

use brigand::batch::Batch;
use brigand::capability::{Direction, Translator};
use brigand::data::Originals;
use brigand::pictures::{Picture, single_image};
use brigand::training::load_run;
use brigand::{Error, Place};

use crate::console;
use crate::failure::{Failure, with_causes};
use crate::hardware::Hardware;

const EXAMPLES: &str = "\
Examples:
  brigand translate runs/cyclegan-1 --in photos --out drawn          every image of a folder, from the first domain
  brigand translate runs/cyclegan-1 --in one.png --out back --to a   one image, from the second domain to the first";

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
    /// The domain to translate to: b is the second of the run's data
    #[arg(long, value_enum, default_value_t = Domain::B)]
    to: Domain,
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
             cyclegan`",
            arguments.run.display(),
            recipe.common.system
        ))
    })?;
    let name = match arguments.to {
        Domain::A => "b-to-a",
        Domain::B => "a-to-b",
    };
    let direction = translator.directions().iter().find(|direction| direction.name == name);
    let direction = direction
        .ok_or_else(|| Error::Request(format!("`{}` has no direction {name}", recipe.common.system)))?;
    let channels = Some(translator.channels(direction));
    let reading = (channels, recipe.common.data.background.unwrap_or_default());
    let images = if arguments.input.is_dir() {
        Originals::open(&arguments.input, reading, usize::MAX, |count| (0..count).collect())?
    } else {
        Originals::of_file(&arguments.input, reading)?
    };
    let targets = targets(&images, &arguments.input, &arguments.out)?;
    // An image of an unsuitable size does not keep the others from being translated.
    let mut refused = Vec::new();
    for (number, (source, target)) in images.paths().zip(&targets).enumerate() {
        match translated(translator, direction, &images, number, &Place::on(&device)) {
            Ok(picture) => save(&picture, target)?,
            Err(error) => refused.push(format!("{}: {}", source.display(), with_causes(&error))),
        }
    }
    for skipped in images.skipped() {
        console::print(&format!("left out {}: {}", skipped.path.display(), skipped.reason))?;
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

/// The translation of image `number`.
fn translated(
    translator: &dyn Translator,
    direction: &Direction,
    images: &Originals,
    number: usize,
    place: &Place,
) -> Result<Picture, Error> {
    let found = images.get(&[number])?;
    let (shape, values) = found
        .into_iter()
        .next()
        .ok_or_else(|| Error::Internal("an image was asked for and none was read".into()))?;
    let batch = Batch::default().with(direction.from, place.numbers(values, &[&[1], &shape[..]].concat())?);
    let translated = translator.translate(direction, &batch)?;
    let (_, channels, height, width) = translated.dims4("a translation")?;
    Ok(single_image(&translated.to_vec_f32()?, [channels, height, width])?)
}

fn save(picture: &Picture, target: &Path) -> Result<(), Failure> {
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder).map_err(|error| {
            Error::Request(format!("cannot make the folder {}: {error}", folder.display()))
        })?;
    }
    Ok(picture.save_png(target)?)
}
