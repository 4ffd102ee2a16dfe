//! `brigand truncation RUN`: quality and variety of samples of truncated latents.

use brigand::evaluation::significant;
use brigand::latent_tools::{Truncated, TruncationSweep, truncation_curve};

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
/// their variance (the sum of the variances of their features); with classes also the share of samples of the class they
/// should be of, and the variance within classes. A second picture, with -curve in its name, draws one over the other.
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
    let sweep = TruncationSweep::new(run.sampler()?, &limits)?;
    let measured = sweep.measure(&extractor, arguments.count as usize, seed)?;
    let columns = arguments.columns.into();
    let rows = sweep.rows(columns, seed)?;
    console::print_table(&table(&measured))?;
    let caption = format!("step {}, truncation", run.step);
    run.show_samples(&run.outputs, (&rows.to_vec_f32()?, rows.shape()), columns, &caption)?;
    if let Some(curve) = truncation_curve(&measured)? {
        let path = run.outputs.with_suffix("curve").picture;
        curve.save_png(&path)?;
        console::print(&path.display().to_string())?;
    }
    Ok(())
}

/// A line for each limit; columns that nothing has are left out.
fn table(measured: &[Truncated]) -> Vec<Vec<String>> {
    let text = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
    let (matches, within) = (
        measured.iter().any(|at| at.class_match.is_some()),
        measured.iter().any(|at| at.within_classes.is_some()),
    );
    let chosen = |[limit, confidence, class_match, variance, inner]: [String; 5]| {
        let columns =
            [(true, limit), (true, confidence), (matches, class_match), (true, variance), (within, inner)];
        columns.into_iter().filter_map(|(shown, text)| shown.then_some(text)).collect::<Vec<_>>()
    };
    let header = ["LIMIT", "CONFIDENCE", "CLASS MATCH", "VARIANCE", "WITHIN CLASSES"].map(str::to_owned);
    let row = |at: &Truncated| {
        chosen([
            at.limit.map_or_else(|| "none".to_owned(), |limit| limit.to_string()),
            text(at.confidence),
            text(at.class_match),
            significant(at.variance),
            at.within_classes.map_or_else(|| "-".to_owned(), significant),
        ])
    };
    std::iter::once(chosen(header)).chain(measured.iter().map(row)).collect()
}
