//! What `brigand sample` is given.

use std::path::PathBuf;

use crate::hardware::Hardware;

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
/// Samples of a caption or of a sound where no number is asked for.
const SAMPLES_OF_ONE: usize = 8;

/// Draw samples from a trained run.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Folder of the run
    pub(super) run: PathBuf,
    /// How many samples, of every caption where captions are given [default: 64, of a caption or a sound 8]
    #[arg(short = 'n', long, value_name = "N")]
    pub(super) count: Option<usize>,
    /// Decides which samples; the same seed gives the same
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) seed: u64,
    /// Only of this class, by name or number; several are taken in turn
    #[arg(long = "class", value_name = "CLASS")]
    pub(super) classes: Vec<String>,
    /// Of this caption (systems of captions, such as text-to-image); several give a row each, of the same noise
    #[arg(long, value_name = "CAPTION", conflicts_with = "text_file")]
    pub(super) text: Vec<String>,
    /// Of the captions in this file, one on each line
    #[arg(long, value_name = "FILE")]
    pub(super) text_file: Option<PathBuf>,
    /// Draw normal latent coordinates beyond so many standard deviations again: less varied, often better
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub(super) truncation: Option<f64>,
    /// A sound to make images of, as WAV, FLAC or Ogg Vorbis; its first second counts (runs of sound-to-image)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["text", "text_file"])]
    pub(super) sound: Option<PathBuf>,
    /// Decibels that the sound is made louder by; negative ones make it softer
    #[arg(long, value_name = "DB", allow_negative_numbers = true, requires = "sound", conflicts_with_all = ["text", "text_file"])]
    pub(super) gain: Option<f32>,
    /// Height of the images in pixels (systems of scales, such as singan) [default: that of the picture]
    #[arg(long, value_name = "PIXELS")]
    pub(super) height: Option<usize>,
    /// Width of the images in pixels (systems of scales) [default: that of the picture]
    #[arg(long, value_name = "PIXELS")]
    pub(super) width: Option<usize>,
    /// Scale from which on images are new, counted from the coarsest, 0; before it they are the picture itself (systems of
    /// scales) [default: 0]
    #[arg(long, value_name = "K")]
    pub(super) start_scale: Option<usize>,
    /// An animation of so many frames along a random walk around the picture, as FILE.gif (systems of scales)
    #[arg(long, value_name = "FRAMES")]
    pub(super) walk: Option<usize>,
    /// Where to write them: FILE.png (a grid), FILE.npy or DIR/ (a PNG each) (default `RUN/samples-seed<N>.png`, with the classes
    /// and the truncation in its name; of a sound `RUN/sound-<NAME>-seed<N>.png`); text: FILE (default: it is printed)
    #[arg(long, value_name = "PATH")]
    pub(super) out: Option<PathBuf>,
    /// From the checkpoint with the best score instead of the newest (runs with evaluation.every)
    #[arg(long)]
    pub(super) best: bool,
    #[command(flatten)]
    pub(super) hardware: Hardware,
}

impl Arguments {
    /// Samples that are asked for where there are no captions and no sound.
    pub(super) fn count(&self) -> usize {
        self.count.unwrap_or(SAMPLES)
    }

    /// Samples of one caption or sound that are asked for.
    pub(super) fn count_of_one(&self) -> usize {
        self.count.unwrap_or(SAMPLES_OF_ONE)
    }
}
