//! `brigand adapt RUN`: fine-tunes a talking head on the frames of one person, as a run of its own.

use std::path::PathBuf;

use brigand::training::{FineTuningPlan, Training};

use crate::failure::Failure;
use crate::hardware::Hardware;
use crate::train;

const EXAMPLES: &str = "\
Examples:
  brigand adapt runs/talking-head-1 --person people/anna                     a new run, fine-tuned on anna
  brigand adapt runs/talking-head-1 --person people/anna --steps 200 --out runs/anna
  brigand translate runs/anna --drive people/bob --out driven                anna in the poses of bob
  brigand train --resume runs/anna --steps 400                               more of it";

/// Fine-tune a talking head on one person: a new run, which is stopped and resumed as any other.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Folder of the run to start from
    run: PathBuf,
    /// Folder with frames of the person and their landmarks.csv
    #[arg(long, value_name = "DIR")]
    person: PathBuf,
    /// Steps of fine-tuning
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    steps: u64,
    /// Folder of the new run [default: the first free runs/SYSTEM-N]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Decides the order of the frames
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    hardware: Hardware,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let plan = FineTuningPlan {
        run: arguments.run.clone(),
        person: arguments.person.clone(),
        steps: arguments.steps,
        seed: arguments.seed,
    };
    let training = Training::fine_tune(&plan, arguments.out.as_deref(), &arguments.hardware.open()?)?;
    train::train(training, arguments.quiet)
}
