//! `brigand translate RUN`: images of one domain as the run's translator makes them of the other, small images at the size that
//! the run makes, or images in the style of the picture that a run of scales was trained on.

use std::path::{Path, PathBuf};

use brigand::batch::Batch;
use brigand::capability::{Direction, ScaleSampler, Translator};
use brigand::data::{Original, Originals};
use brigand::pictures::{Picture, single_image};
use brigand::random::Stream;
use brigand::system::System;
use brigand::training::load_run;
use brigand::{Error, Place};

use crate::console;
use crate::drive;
use crate::failure::{Failure, with_causes};
use crate::hardware::Hardware;

const EXAMPLES: &str = "\
Examples:
  brigand translate runs/cyclegan-1 --in photos --out drawn          every image of a folder, from the first domain
  brigand translate runs/cyclegan-1 --in one.png --out back --to a   one image, from the second domain to the first
  brigand translate runs/singan-1 --in paint.png --out new --start-scale 1   in the style of the run's picture
  brigand translate runs/singan-1 --in small.png --out large --enlarge 4     four times as large
  brigand translate runs/lapgan-1 --in small --out large             small images at the size of the run's samples
  brigand translate runs/talking-head-1 --person anna --drive bob --out driven   anna in the poses of bob's landmarks";

/// Translate images with a trained run: a PNG of the same name for each.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Folder of the run
    run: PathBuf,
    /// An image, or a folder of images (PNG, JPEG, WebP)
    #[arg(long = "in", value_name = "PATH", required_unless_present = "drive")]
    input: Option<PathBuf>,
    /// Folder for the translations
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The domain to translate to, where the run's data has two: b, the second, if not given
    #[arg(long, value_enum, conflicts_with_all = ["start_scale", "enlarge", "seed"])]
    to: Option<Domain>,
    /// Scale at which images take the place of what the scales before it would have made: from 1, whole objects change, to the
    /// finest, textures change (systems of scales, such as singan) [default: 1]
    #[arg(long, value_name = "K", conflicts_with = "enlarge")]
    start_scale: Option<usize>,
    /// Enlarge images so many times by the finest scale instead (systems of scales)
    #[arg(long, value_name = "TIMES")]
    enlarge: Option<f64>,
    /// Decides the noise (systems of scales) [default: 0]
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
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if let Some(drive) = &arguments.drive {
        let Arguments { run, out, person, hardware, .. } = arguments;
        return drive::run(&drive::Request { run, person: person.as_deref(), drive, out, hardware });
    }
    let missing = || Error::Request("no images are given; give --in FILE or DIR".into());
    let input = arguments.input.as_deref().ok_or_else(missing)?;
    let device = arguments.hardware.open()?;
    let (recipe, system, _) = load_run(&arguments.run, &device)?;
    let way = Way::of(system.as_ref(), arguments, &recipe.common.system)?;
    let reading = (Some(way.channels()), recipe.common.data.background.unwrap_or_default());
    let images = if input.is_dir() {
        Originals::open(input, reading, usize::MAX, |count| (0..count).collect())?
    } else {
        Originals::of_file(input, reading)?
    };
    let targets = targets(&images, input, &arguments.out)?;
    // An image of an unsuitable size does not keep the others from being translated.
    let mut refused = Vec::new();
    for (number, (source, target)) in images.paths().zip(&targets).enumerate() {
        match translated(&way, &images, number, &Place::on(&device)) {
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

/// What is done with every image.
enum Way<'a> {
    /// From one domain to another.
    Translate(&'a dyn Translator, &'a Direction),
    /// Through the scales from one on, with noise for a seed.
    Refine(&'a dyn ScaleSampler, usize, u64),
    /// Enlarged so many times, with noise for a seed.
    Enlarge(&'a dyn ScaleSampler, f64, u64),
}

impl<'a> Way<'a> {
    /// What the run of `name` can do of what is asked.
    fn of(system: &'a dyn System, arguments: &Arguments, name: &str) -> Result<Self, Failure> {
        let refused = |reason: String| Err(Error::Request(reason).into());
        let scales = [
            (arguments.start_scale.is_some(), "--start-scale"),
            (arguments.enlarge.is_some(), "--enlarge"),
            (arguments.seed.is_some(), "--seed"),
        ];
        let asked = scales.into_iter().find_map(|(given, option)| given.then_some(option));
        let seed = arguments.seed.unwrap_or(0);
        match (system.as_translator(), system.as_scale_sampler()) {
            (Some(translator), _) => {
                if let Some(option) = asked {
                    return refused(format!(
                        "{option} is for systems of scales, such as singan; `{name}` has none"
                    ));
                }
                let mut directions = translator.directions().iter();
                let direction = match arguments.to {
                    None => directions.next(),
                    Some(Domain::A) => directions.find(|direction| direction.name == "b-to-a"),
                    Some(Domain::B) => directions.find(|direction| direction.name == "a-to-b"),
                };
                match (direction, translator.directions()) {
                    (Some(direction), _) => Ok(Self::Translate(translator, direction)),
                    (None, [only]) => {
                        refused(format!("`{name}` translates {} only; leave out --to", only.name))
                    }
                    (None, _) => refused(format!("`{name}` has no such direction; leave out --to")),
                }
            }
            (None, Some(_)) if arguments.to.is_some() => refused(format!(
                "`{name}` has no domains to choose with --to; give --start-scale or --enlarge"
            )),
            (None, Some(sampler)) => Ok(match arguments.enlarge {
                Some(times) => Self::Enlarge(sampler, times, seed),
                None => Self::Refine(sampler, arguments.start_scale.unwrap_or(1), seed),
            }),
            (None, None) if system.as_reenactor().is_some() => refused(format!(
                "{} draws people in given poses; give --drive PATH in place of --in",
                arguments.run.display()
            )),
            (None, None) => refused(format!(
                "{} is a run of `{name}`, which does not translate; give a run of a translator, for example of `brigand train \
                 cyclegan` or `lapgan`",
                arguments.run.display()
            )),
        }
    }

    /// Channels of the images that it takes.
    fn channels(&self) -> usize {
        match self {
            Self::Translate(translator, direction) => translator.channels(direction),
            Self::Refine(sampler, ..) | Self::Enlarge(sampler, ..) => sampler.image_channels(),
        }
    }

    /// What becomes of the image `[channels, height, width]` with these values: values and shape.
    fn translate(&self, values: Vec<f32>, shape: [usize; 3], place: &Place) -> brigand::Result<Original> {
        let image = place.numbers(values, &[&[1], &shape[..]].concat())?;
        let noise = |seed: u64| Stream::new(seed, "translate", 0);
        let made = match self {
            Self::Translate(translator, direction) => {
                translator.translate(direction, &Batch::default().with(direction.from, image))
            }
            Self::Refine(sampler, start, seed) => sampler.refine(&image, *start, &mut noise(*seed)),
            Self::Enlarge(sampler, times, seed) => sampler.enlarge(&image, *times, &mut noise(*seed)),
        }?;
        let (_, channels, height, width) = made.dims4("a translation")?;
        Ok(([channels, height, width], made.to_vec_f32()?))
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

/// What becomes of image `number`.
fn translated(way: &Way<'_>, images: &Originals, number: usize, place: &Place) -> Result<Picture, Error> {
    let found = images.get(&[number])?;
    let (shape, values) = found
        .into_iter()
        .next()
        .ok_or_else(|| Error::Internal("an image was asked for and none was read".into()))?;
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
