//! `brigand arithmetic RUN`: sums and differences of what samples have in common.

use brigand::latent_tools::{Terms, arithmetic};

use super::Run;
use crate::failure::Failure;

const EXAMPLES: &str = "\
Samples are numbered row by row from 0, as `brigand sample RUN --seed S -n N` shows them for the same S and N.
Examples:
  brigand sample runs/gan-1 --seed 3                                    look, and choose three of each kind
  brigand arithmetic runs/gan-1 --seed 3 --start 4,17,30 --minus 8,9,21 --plus 1,40,63";

/// Add and subtract what samples have in common: start - minus + plus, each averaged over some samples' latents.
///
/// The picture's first row are the samples of the three averages; the nine below are the result in their middle, with
/// small noise around it.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    run: Run,
    /// Numbers of the samples to start from; best three or more
    #[arg(long, value_name = "I,J,K", required = true, value_delimiter = ',', num_args = 1)]
    start: Vec<usize>,
    /// Numbers of the samples to take away
    #[arg(long, value_name = "I,J,K", required = true, value_delimiter = ',', num_args = 1)]
    minus: Vec<usize>,
    /// Numbers of the samples to add
    #[arg(long, value_name = "I,J,K", required = true, value_delimiter = ',', num_args = 1)]
    plus: Vec<usize>,
    /// How many samples were numbered
    #[arg(short = 'n', long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let run = arguments.run.open("arithmetic")?;
    let Arguments { start, minus, plus, .. } = arguments;
    let terms = Terms { start, minus, plus };
    let grid = arithmetic(run.sampler()?, arguments.count as usize, arguments.run.seed, terms)?;
    run.show(&grid, &format!("step {}, start - minus + plus", run.step))
}
