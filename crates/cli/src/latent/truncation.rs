//! `brigand truncation RUN`: quality and variety of samples of truncated latents.

use brigand::evaluation::significant;
use brigand::latent_tools::{Truncated, truncation_grid, truncation_table};

use super::Run;
use crate::console;
use crate::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  brigand truncation runs/gan-1
  brigand truncation runs/dcgan-1 --limits 0.5,1,2 --features classifier:runs/classifier-1
  brigand sample runs/gan-1 --truncation 1                 samples at one of them";

/// Show how truncating the latents changes quality and variety of the samples.
///
/// Normal coordinates beyond the limit are resampled. The picture has a row for each limit, the
/// last without one; the table has the classifier's confidence (the mean largest class probability of the samples) and
/// their variance (the sum of the variances of their features).
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    run: Run,
    /// The limits, in standard deviations
    #[arg(
        long,
        value_name = "T,T,...",
        value_delimiter = ',',
        num_args = 1,
        default_value = "0.1,0.25,0.5,1,1.5,2"
    )]
    limits: Vec<f64>,
    /// Feature extractor of the samples: auto, classifier, classifier:RUN, inception:FILE, efficientnet:FILE or pixels
    #[arg(long, default_value = "auto")]
    features: String,
    /// Samples measured at each limit
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    count: u32,
    /// Samples in a row of the picture
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=256))]
    columns: u16,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let run = arguments.run.open("truncation")?;
    let (extractor, seed) = (run.extractor(&arguments.features)?, arguments.run.seed);
    let limits: Vec<Option<f64>> = arguments.limits.iter().copied().map(Some).chain([None]).collect();
    let grid = truncation_grid(run.sampler()?, &limits, arguments.columns.into(), seed)?;
    let measured = truncation_table(run.sampler()?, &extractor, &limits, arguments.count as usize, seed)?;
    let header = ["LIMIT", "CONFIDENCE", "VARIANCE"].map(str::to_owned).to_vec();
    console::print_table(&std::iter::once(header).chain(measured.iter().map(row)).collect::<Vec<_>>())?;
    run.show(&grid, &format!("step {}, truncation", run.step))
}

fn row(at: &Truncated) -> Vec<String> {
    vec![
        at.limit.map_or_else(|| "none".to_owned(), |limit| limit.to_string()),
        at.confidence.map_or_else(|| "-".to_owned(), |confidence| format!("{confidence:.3}")),
        significant(at.variance),
    ]
}
