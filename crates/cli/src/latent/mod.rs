//! Commands that look into the latent space of a trained run: what they all take, and where their pictures go.

pub(crate) mod arithmetic;
pub(crate) mod directions;
pub(crate) mod interpolate;
pub(crate) mod manifold;
pub(crate) mod reconstruct;
pub(crate) mod traverse;
pub(crate) mod truncation;

use std::path::{Path, PathBuf};

use brigand::capability::Sampler;
use brigand::data::Spec;
use brigand::evaluation::extractors::Extractor;
use brigand::files::refuse_missing_folder;
use brigand::hardware::Device;
use brigand::latent_tools::{LatentGrid, find_class};
use brigand::npy;
use brigand::pictures::Picture;
use brigand::recipe::Recipe;
use brigand::sampling::Backdrop;
use brigand::system::System;
use brigand::training::{Which, backdrop_for, choose_extractor, load_run_at};

use crate::console;
use crate::failure::Failure;
use crate::hardware::Hardware;
use crate::untrained;

/// A trained run.
#[derive(clap::Args)]
pub(crate) struct Run {
    /// Folder of the run
    run: PathBuf,
    /// Decides which latents; the same seed gives the same
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// From the checkpoint with the best score instead of the newest (runs with evaluation.every)
    #[arg(long)]
    best: bool,
    /// Where to write the picture, FILE.png; FILE.npy writes the numbers, and the picture beside them as FILE.png
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    hardware: Hardware,
}

/// A run that was opened.
struct Opened {
    recipe: Recipe,
    system: Box<dyn System>,
    step: u64,
    backdrop: Backdrop,
    device: Device,
    outputs: Outputs,
}

impl Run {
    /// Opens the run; pictures of the tool called `name` go into its folder unless `--out` says otherwise.
    fn open(&self, name: &str) -> Result<Opened, Failure> {
        let outputs = Outputs::new(self.out.as_deref(), &self.run.join(format!("{name}-seed{}", self.seed)))?;
        let device = self.hardware.open()?;
        let which = if self.best { Which::Best } else { Which::Newest };
        let (recipe, system, step) = load_run_at(&self.run, which, &device)?;
        untrained::note(system.as_ref(), step, &self.run);
        let backdrop = backdrop_for(&recipe, system.sampler()?.sample_shape())?;
        Ok(Opened { recipe, system, step, backdrop, device, outputs })
    }
}

impl Opened {
    fn system(&self) -> &dyn System {
        self.system.as_ref()
    }

    fn sampler(&self) -> Result<&dyn Sampler, Failure> {
        Ok(self.system.sampler()?)
    }

    /// Draws the grid, writes the files, and prints where they are.
    fn show(&self, grid: &LatentGrid, caption: &str) -> Result<(), Failure> {
        self.show_at(&self.outputs, grid, caption)
    }

    fn show_at(&self, outputs: &Outputs, grid: &LatentGrid, caption: &str) -> Result<(), Failure> {
        let samples = grid.samples(self.sampler()?)?;
        self.show_samples(outputs, (&samples.to_vec_f32()?, samples.shape()), grid.columns, caption)
    }

    /// Draws row-major samples of a shape `[rows * columns, sample...]`, writes the files, and prints where they are.
    fn show_samples(
        &self,
        outputs: &Outputs,
        (values, shape): (&[f32], &[usize]),
        columns: usize,
        caption: &str,
    ) -> Result<(), Failure> {
        let picture = self.backdrop.draw(values, shape, Some(columns), caption)?;
        let (count, sample) = shape.split_first().unwrap_or((&0, &[]));
        let shape = [&[count / columns.max(1), columns], sample].concat();
        outputs.write(&picture, values, &shape)
    }

    /// The number of a class by its name or number.
    fn class(&self, text: &str) -> Result<u32, Failure> {
        Ok(find_class(&self.recipe.common.data.classes, self.sampler()?.space(), text)?)
    }

    /// What samples are classified and compared by.
    fn extractor(&self, features: &str) -> Result<Extractor, Failure> {
        let source = self.recipe.common.data.source.parse::<Spec>()?;
        let shape = self.sampler()?.sample_shape().dims();
        let (extractor, advice) = choose_extractor(features, Some(&source), &shape, &Device::Cpu)?;
        if let Some(advice) = advice {
            console::tell(&format!("note: {advice}"));
        }
        Ok(extractor)
    }
}

/// Where a picture goes, and its numbers.
#[derive(Clone)]
struct Outputs {
    picture: PathBuf,
    numbers: Option<PathBuf>,
}

impl Outputs {
    /// As `out` says, or a picture at `name` with `.png`.
    fn new(out: Option<&Path>, name: &Path) -> Result<Self, Failure> {
        let Some(out) = out else {
            return Ok(Self { picture: with_ending(name, "png"), numbers: None });
        };
        refuse_missing_folder(out)?;
        match out.extension().map(|ending| ending.to_string_lossy().to_lowercase()).as_deref() {
            Some("png") => Ok(Self { picture: out.to_owned(), numbers: None }),
            Some("npy") => Ok(Self { picture: out.with_extension("png"), numbers: Some(out.to_owned()) }),
            _ => Err(brigand::Error::Request(format!(
                "{}: pictures are written as .png and numbers as .npy; give a file with one of these endings",
                out.display()
            ))
            .into()),
        }
    }

    /// The same with `suffix` added to the names: `walk.png` becomes `walk-linear.png`.
    fn with_suffix(&self, suffix: &str) -> Self {
        let renamed = |path: &Path| {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let ending = path.extension().unwrap_or_default().to_string_lossy();
            path.with_file_name(format!("{stem}-{suffix}.{ending}"))
        };
        Self { picture: renamed(&self.picture), numbers: self.numbers.as_deref().map(renamed) }
    }

    fn write(&self, picture: &Picture, values: &[f32], shape: &[usize]) -> Result<(), Failure> {
        picture.save_png(&self.picture)?;
        console::print(&self.picture.display().to_string())?;
        if let Some(path) = &self.numbers {
            npy::write(path, values, shape)?;
            console::print(&path.display().to_string())?;
        }
        Ok(())
    }
}

/// `name.ending`, whatever dots are in the name.
fn with_ending(name: &Path, ending: &str) -> PathBuf {
    let mut text = name.as_os_str().to_owned();
    text.push(".");
    text.push(ending);
    text.into()
}
