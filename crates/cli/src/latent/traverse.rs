//! `brigand traverse RUN`: one latent coordinate after another.

use brigand::latent_tools::traversal;

use super::Run;
use crate::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  brigand traverse runs/infogan-1                 each continuous code from -2 to 2
  brigand traverse runs/gan-1 --axes 0,7,12       each coordinate over three standard deviations to both sides";

/// Move one latent coordinate after another, a row each, the others as drawn for --seed.
///
/// Normal coordinates go three standard deviations to both sides, uniform ones through twice their range.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    run: Run,
    /// The coordinates, counted from 0 [default: the continuous codes, or else the first ten]
    #[arg(long, value_name = "I,J,...", value_delimiter = ',', num_args = 1)]
    axes: Vec<usize>,
    /// Samples in a row
    #[arg(long, value_name = "N", default_value_t = 11, value_parser = clap::value_parser!(u16).range(2..=256))]
    columns: u16,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let run = arguments.run.open("traversal")?;
    let grid = traversal(run.sampler()?, &arguments.axes, arguments.columns.into(), arguments.run.seed)?;
    run.show(&grid, &format!("step {}, one coordinate a row", run.step))
}
