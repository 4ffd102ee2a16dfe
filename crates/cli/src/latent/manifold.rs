//! `brigand manifold RUN`: a plane through a run's latent space.

use brigand::latent_tools::manifold;

use super::Run;
use crate::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  brigand train gan --set latent.size=2 --out runs/plane
  brigand manifold runs/plane
  brigand manifold runs/gan-1 --axes 5,17 -n 12      two of many coordinates, the others as drawn for --seed";

/// Show the plane of two latent coordinates, at even steps of their distribution from 5 to 95 percent.
///
/// The first coordinate grows from left to right, the second from bottom to top.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    run: Run,
    /// The two coordinates, counted from 0; not needed where there are just two
    #[arg(long, value_name = "I,J", value_delimiter = ',', num_args = 1)]
    axes: Vec<usize>,
    /// Samples along each side
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(2..=256))]
    count: u16,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let axes = match *arguments.axes.as_slice() {
        [] => None,
        [across, up] => Some([across, up]),
        ref other => {
            let reason =
                format!("a plane has two axes, --axes names {}; give two, as in --axes 0,1", other.len());
            return Err(brigand::Error::Request(reason).into());
        }
    };
    let run = arguments.run.open("manifold")?;
    let grid = manifold(run.sampler()?, axes, arguments.count.into(), arguments.run.seed)?;
    run.show(&grid, &format!("step {}, plane of latents", run.step))
}
