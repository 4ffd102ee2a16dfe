//! `brigand reconstruct RUN`: real samples beside what a run makes of them.

use brigand::batch::SampleKind;
use brigand::data::{self, Dataset, Options, Spec};
use brigand::latent_tools::{Reconstruction, SearchSettings, code_neighbours, examples, reconstruct, search};
use brigand::training::{load_data, load_test_part};

use super::{Opened, Run};
use crate::console;
use crate::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  brigand reconstruct runs/vae-1                  samples of its data's test part, where it has one
  brigand reconstruct runs/vae-1 --data folder:mine -n 16
  brigand reconstruct runs/bigan-1 --neighbours 8 samples beside those of the nearest codes
  brigand reconstruct runs/gan-1 --search         without an encoder: search for latents, which takes a while";

/// Samples in a row of the picture.
const COLUMNS: usize = 8;

/// Encode real samples and make them again: a picture with the real ones above the rebuilt ones, and the error.
///
/// FILE.npy holds both: [2, n, sample].
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    run: Run,
    /// Samples to rebuild, evenly chosen
    #[arg(short = 'n', long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    count: u32,
    /// Other data than the run's own (`brigand data list` shows what there is)
    #[arg(long, value_name = "SPEC")]
    data: Option<String>,
    /// Search for the latents by descent instead of asking an encoder
    #[arg(long)]
    search: bool,
    /// Steps of each descent
    #[arg(long, value_name = "N", default_value_t = 300, requires = "search", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    search_steps: u32,
    /// Also draw so many samples, each beside the others of the data whose codes are nearest to its own
    #[arg(long, value_name = "N", conflicts_with = "search", value_parser = clap::value_parser!(u16).range(1..=100))]
    neighbours: Option<u16>,
    /// Descents for each sample, of which the best counts
    #[arg(long, value_name = "N", default_value_t = 4, requires = "search", value_parser = clap::value_parser!(u16).range(1..=1000))]
    restarts: u16,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let run = arguments.run.open("reconstruction")?;
    let dataset = dataset(arguments, &run)?;
    let real = examples(&dataset, arguments.count as usize, &run.device)?;
    let found = if arguments.search {
        let settings = SearchSettings {
            steps: arguments.search_steps as usize,
            restarts: arguments.restarts.into(),
            seed: arguments.run.seed,
        };
        let (sampler, samples) = (run.sampler()?, real.samples()?);
        let latents = search(sampler, samples, settings)?;
        Reconstruction { rebuilt: sampler.generate_all(&latents)?, samples: samples.clone() }
    } else {
        reconstruct(run.system(), &real)?.ok_or_else(no_encoder)?
    };
    let errors = found.errors()?;
    let mean = errors.iter().sum::<f64>() / errors.len().max(1) as f64;
    let noise = Reconstruction::signal_to_noise(mean);
    console::print(&format!(
        "mean squared error {mean:.4} of {} samples from {} (values in [-1, 1]; {noise:.1} dB)",
        errors.len(),
        dataset.name()
    ))?;
    let picture = found.draw(&run.backdrop, COLUMNS, &format!("step {}, rebuilt", run.step))?;
    let values = [found.samples.to_vec_f32()?, found.rebuilt.to_vec_f32()?].concat();
    let shape = [&[2, errors.len()], run.sampler()?.sample_shape().dims().as_slice()].concat();
    run.outputs.write(&picture, &values, &shape)?;
    match arguments.neighbours {
        Some(rows) => draw_neighbours(&run, &dataset, rows.into()),
        None => Ok(()),
    }
}

/// Rows of a sample and the others of the data whose codes are nearest to its own.
fn draw_neighbours(run: &Opened, dataset: &Dataset, rows: usize) -> Result<(), Failure> {
    let tiles = code_neighbours(run.system(), dataset, rows, COLUMNS - 1)?.ok_or_else(no_encoder)?;
    let (values, shape) = (tiles.to_vec_f32()?, tiles.shape());
    let picture =
        run.backdrop.draw(&values, shape, Some(COLUMNS), &format!("step {}, neighbours", run.step))?;
    run.outputs.with_suffix("neighbours").write(&picture, &values, shape)
}

fn dataset(arguments: &Arguments, run: &Opened) -> Result<Dataset, Failure> {
    if let Some(spec) = &arguments.data {
        let (spec, own) = (spec.parse::<Spec>()?, &run.recipe.common.data);
        let images = spec.sample_kind() == SampleKind::Image;
        let given = |value: usize| (value > 0 && images).then_some(value);
        let options = Options {
            size: given(own.size),
            channels: given(own.channels),
            background: own.background.unwrap_or_default(),
            ..Options::default()
        };
        return Ok(data::load(&spec, &options)?);
    }
    match load_test_part(&run.recipe)? {
        Some(test) => Ok(test),
        None => Ok(load_data(&run.recipe)?),
    }
}

fn no_encoder() -> brigand::Error {
    brigand::Error::Request(
        "this run has no encoder that leads from samples back to latents; search for them with --search, or train a \
         system of the family `encoders` (brigand list)"
            .into(),
    )
}
