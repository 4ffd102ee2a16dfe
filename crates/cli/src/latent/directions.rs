//! `brigand directions RUN`: where in latent space a class grows.

use std::path::PathBuf;

use brigand::latent_tools::{Direction, DirectionSettings, Method, Sweep, direction_grid, directions, sweep};
use brigand::npy;

use super::{Run, with_ending};
use crate::console;
use crate::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  brigand directions runs/gan-1                                   a run on the embedded digits
  brigand directions runs/dcgan-1 --features classifier:runs/classifier-1
  brigand directions runs/gan-1 --class 3 --against 8,5           towards 3, but not towards 8 or 5";

/// Latents over which a sweep's scores are averaged.
const STARTS: usize = 64;

/// Which direction.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Way {
    Logistic,
    MeanDifference,
}

/// Find the directions of latent space along which classes become more probable, and move latents along them.
///
/// Samples are labelled by the classifier; a direction separates the latents of a class from the others. The picture
/// has a row for each class: one latent moved from -3 to 3 standard deviations. The table has each
/// class's mean probability at both ends and in the middle, and its rank correlation with the position along the
/// direction (1: it increases monotonically). The directions are written beside the picture: RUN/directions-seed<N>.npy,
/// [classes, coordinates], each the step of one standard deviation.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    run: Run,
    /// What labels the samples: classifier (of the embedded digits), classifier:RUN, inception:FILE or efficientnet:FILE
    #[arg(long, default_value = "auto")]
    features: String,
    /// Only towards this class, by its number; may be given several times
    #[arg(long = "class", value_name = "CLASS")]
    classes: Vec<u32>,
    /// Remove the components of the directions along those of these classes
    #[arg(long, value_name = "A,B", value_delimiter = ',', num_args = 1)]
    against: Vec<u32>,
    /// How directions are found
    #[arg(long, value_enum, default_value = "logistic")]
    method: Way,
    /// Samples to label
    #[arg(short = 'n', long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    count: u32,
    /// Places along each direction
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u16).range(3..=256))]
    columns: u16,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let run = arguments.run.open("directions")?;
    let (extractor, seed) = (run.extractor(&arguments.features)?, arguments.run.seed);
    let settings = DirectionSettings {
        method: match arguments.method {
            Way::Logistic => Method::Logistic,
            Way::MeanDifference => Method::MeanDifference,
        },
        count: arguments.count as usize,
        seed,
        classes: &arguments.classes,
        against: &arguments.against,
    };
    let found = directions(run.sampler()?, &extractor, settings)?;
    let columns = usize::from(arguments.columns);
    let header =
        ["CLASS", "SAMPLES", "AT -3", "AT 0", "AT 3", "RANK CORRELATION"].map(str::to_owned).to_vec();
    let mut table = vec![header];
    for direction in &found {
        let swept = sweep(run.sampler()?, &extractor, direction, (columns, STARTS), seed)?;
        table.push(row(direction, &swept));
    }
    console::print_table(&table)?;
    let file = file(&run.outputs.picture, run.outputs.numbers.is_some());
    let steps: Vec<f32> = found.iter().flat_map(|direction| direction.step.iter().copied()).collect();
    npy::write(&file, &steps, &[found.len(), run.sampler()?.space().size()])?;
    run.show(
        &direction_grid(run.sampler()?, &found, columns, seed)?,
        &format!("step {}, towards classes", run.step),
    )?;
    console::print(&file.display().to_string())
}

/// The directions lie beside the picture, under its name unless the samples have taken that.
fn file(picture: &std::path::Path, taken: bool) -> PathBuf {
    let stem = picture.with_extension("");
    with_ending(&stem, if taken { "directions.npy" } else { "npy" })
}

fn row(direction: &Direction, swept: &Sweep) -> Vec<String> {
    let score = |at: usize| swept.scores.get(at).map_or_else(String::new, |score| format!("{score:.2}"));
    let last = swept.scores.len().saturating_sub(1);
    vec![
        direction.class.to_string(),
        direction.found.to_string(),
        score(0),
        score(last / 2),
        score(last),
        format!("{:.2}", swept.monotonicity()),
    ]
}
