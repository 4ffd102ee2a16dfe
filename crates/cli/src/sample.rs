//! `brigand sample RUN`: samples of a trained run.

use std::path::PathBuf;

use brigand::capability::Sampler;
use brigand::latent_tools::{Choice, find_class};
use brigand::recipe::Recipe;
use brigand::sampling::{Destination, check_count};
use brigand::training::{Which, backdrop_for, load_run_at};

use crate::console;
use crate::failure::Failure;
use crate::hardware::Hardware;
use crate::{sample_captions, sample_scales, sample_sound, sample_text};

const EXAMPLES: &str = "\
Examples:
  brigand sample runs/gan-1                          64 samples as a picture in the run's folder
  brigand sample runs/gan-1 -n 1000 --out new.npy    the numbers, for NumPy
  brigand sample runs/gan-1 --seed 3 --out digits/   one PNG per sample
  brigand sample runs/cgan-1 --class 7 -n 16         of one class, in a run of a conditional system
  brigand sample runs/gan-1 --truncation 1           less varied, often better
  brigand sample runs/text-to-image-1 --text 'a small red circle at the top left' -n 8
  brigand sample runs/text-to-image-1 --text-file captions.txt --out rows.png     a row for each line
  brigand sample runs/sound-to-image-1 --sound bell.wav --gain -6   of a sound, a little softer
  brigand sample runs/singan-1 -n 4 --width 96       twice as wide as the picture, in a run of a system of scales
  brigand sample runs/singan-1 --start-scale 1       with the layout of the picture
  brigand sample runs/singan-1 --walk 60             an animation";

/// Samples where no number is asked for.
const SAMPLES: usize = 64;

/// Draw samples from a trained run.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Folder of the run
    pub(crate) run: PathBuf,
    /// How many samples, of every caption where captions are given [default: 64, of a caption 8]
    #[arg(short = 'n', long, value_name = "N")]
    pub(crate) count: Option<usize>,
    /// Decides which samples; the same seed gives the same
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Only of this class, by name or number; several are taken in turn
    #[arg(long = "class", value_name = "CLASS")]
    pub(crate) classes: Vec<String>,
    /// Of this caption (systems of captions, such as text-to-image); several give a row each, of the same noise
    #[arg(long, value_name = "CAPTION", conflicts_with = "text_file")]
    pub(crate) text: Vec<String>,
    /// Of the captions in this file, one on each line
    #[arg(long, value_name = "FILE")]
    pub(crate) text_file: Option<PathBuf>,
    /// Draw normal latent coordinates beyond so many standard deviations again: less varied, often better
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub(crate) truncation: Option<f64>,
    /// A sound to make images of, as WAV, FLAC or Ogg Vorbis; its first second counts (runs of sound-to-image)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["text", "text_file"])]
    pub(crate) sound: Option<PathBuf>,
    /// Decibels that the sound is made louder by; negative ones make it softer
    #[arg(long, value_name = "DB", allow_negative_numbers = true, requires = "sound")]
    pub(crate) gain: Option<f32>,
    /// Height of the images in pixels (systems of scales, such as singan) [default: that of the picture]
    #[arg(long, value_name = "PIXELS")]
    pub(crate) height: Option<usize>,
    /// Width of the images in pixels (systems of scales) [default: that of the picture]
    #[arg(long, value_name = "PIXELS")]
    pub(crate) width: Option<usize>,
    /// Scale from which on images are new, counted from the coarsest, 0; before it they are the picture itself (systems of
    /// scales) [default: 0]
    #[arg(long, value_name = "K")]
    pub(crate) start_scale: Option<usize>,
    /// An animation of so many frames along a random walk around the picture, as FILE.gif (systems of scales)
    #[arg(long, value_name = "FRAMES")]
    pub(crate) walk: Option<usize>,
    /// Where to write them: FILE.png (a grid), FILE.npy or DIR/ (a PNG each) (default `RUN/samples-seed<N>.png`, with the classes
    /// and the truncation in its name); text: FILE (default: it is printed)
    #[arg(long, value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,
    /// From the checkpoint with the best score instead of the newest (runs with evaluation.every)
    #[arg(long)]
    best: bool,
    #[command(flatten)]
    hardware: Hardware,
}

impl Arguments {
    /// Samples that are asked for where there are no captions.
    pub(crate) fn count(&self) -> usize {
        self.count.unwrap_or(SAMPLES)
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let device = arguments.hardware.open()?;
    let which = if arguments.best { Which::Best } else { Which::Newest };
    let (recipe, system, step) = load_run_at(&arguments.run, which, &device)?;
    if let Some(option) = arguments.of_scales() {
        let scales = system.as_scale_sampler().ok_or_else(|| {
            brigand::Error::Request(format!(
                "{option} is for systems that make images through scales, and {} is a run of `{}`; leave it out, or give a run \
                 of `brigand train singan`",
                arguments.run.display(),
                recipe.common.system
            ))
        })?;
        return sample_scales::run(arguments, scales, step);
    }
    if let Some(captions) = arguments.captions()? {
        let sampler = system.as_caption_sampler().ok_or_else(|| {
            brigand::Error::Request(format!(
                "captions are for systems that make images of them, and {} is a run of `{}`; leave them out, or give a run of \
                 `brigand train text-to-image`",
                arguments.run.display(),
                recipe.common.system
            ))
        })?;
        return sample_captions::run(arguments, step, sampler, &captions);
    }
    if let Some(file) = &arguments.sound {
        let sampler = system.as_sound_sampler().ok_or_else(|| {
            brigand::Error::Request(format!(
                "--sound is for runs of `brigand train sound-to-image`, and {} is a run of `{}`; leave it out",
                arguments.run.display(),
                recipe.common.system
            ))
        })?;
        return sample_sound::run(arguments, file, (sampler, &recipe), step);
    }
    match (system.as_sampler(), system.as_sequence_sampler()) {
        (Some(sampler), _) => sample_images(arguments, &recipe, sampler, step),
        (None, Some(sequences)) => sample_text::run(arguments, sequences),
        (None, None) if system.as_sound_sampler().is_some() => Err(brigand::Error::Request(format!(
            "{} makes images of sounds; give one: --sound FILE.wav",
            arguments.run.display()
        ))
        .into()),
        (None, None) => Err(brigand::Error::Request(format!(
            "{} is a run of `{}`, which makes no samples",
            arguments.run.display(),
            recipe.common.system
        ))
        .into()),
    }
}

fn sample_images(
    arguments: &Arguments,
    recipe: &Recipe,
    sampler: &dyn Sampler,
    step: u64,
) -> Result<(), Failure> {
    let shape = sampler.sample_shape();
    let chosen = arguments.classes.iter().map(|class| format!("-class-{}", file_name(class)));
    let truncated = arguments.truncation.map(|limit| format!("-truncation-{limit}"));
    let chosen: String = chosen.chain(truncated).collect();
    let name = format!("samples-seed{}{chosen}.png", arguments.seed);
    let path = arguments.out.clone().unwrap_or_else(|| arguments.run.join(name));
    let destination = Destination::new(&path, shape)?;
    check_count(arguments.count(), shape)?;
    let number = |class: &String| find_class(&recipe.common.data.classes, sampler.space(), class);
    let classes = arguments.classes.iter().map(number).collect::<Result<_, _>>()?;
    let choice = Choice { classes, truncation: arguments.truncation };
    let samples = choice.samples(sampler, arguments.count(), arguments.seed)?;
    let caption = format!("step {step}, seed {}", arguments.seed);
    destination.write(&samples, &backdrop_for(recipe, shape)?, &caption)?;
    console::print(&path.display().to_string())
}

/// A class's name as a part of a file's name.
fn file_name(class: &str) -> String {
    class.chars().map(|symbol| if symbol.is_alphanumeric() { symbol } else { '_' }).collect()
}
