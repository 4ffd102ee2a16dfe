//! Runs Brigand's training steps in turn with PyTorch's, or with those of another build, and compares them.
#![allow(clippy::print_stdout, clippy::print_stderr)] // A program: its results go to standard output.

mod builds;
mod compare;
mod frechet;
mod inception;
mod measurement;
mod modes;
mod ours;
mod peer;
mod product;
mod recipe_file;
mod table;
mod two_player;
mod work;
mod workload;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use brigand::Place;
use brigand_kernels::element::Products;
use clap::{Args, Parser, Subcommand, ValueEnum};

use workload::Workload;

/// Any error, told on one line.
type Failure = Box<dyn std::error::Error>;

/// Brigand's training steps beside PyTorch's.
#[derive(Parser)]
#[command(name = "brigand-bench", max_term_width = 100)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure Brigand and PyTorch in turn and write a Markdown table.
    Compare {
        /// A Python with torch and numpy.
        #[arg(long)]
        python: PathBuf,
        /// How PyTorch computes, a row of the table for each.
        #[arg(long = "peer", value_delimiter = ',', default_value = "eager")]
        peers: Vec<peer::Peer>,
        /// Pairs of measurements for each workload.
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// Also write the table to this file.
        #[arg(long)]
        out: Option<PathBuf>,
        /// Workloads; all of them if none is named.
        workloads: Vec<String>,
        #[command(flatten)]
        conditions: Conditions,
    },
    /// Measure two builds of this program in turn and print a Markdown table.
    Builds(builds::Request),
    /// Train the named systems on a mixture in the plane and print a Markdown table of the modes they cover.
    Modes(modes::Request),
    /// Measure the Fréchet distance beside NumPy and SciPy and print a Markdown table.
    Frechet {
        /// A Python with numpy and scipy.
        #[arg(long)]
        python: PathBuf,
        /// Threads; by default one for each core.
        #[arg(long)]
        threads: Option<usize>,
        #[command(flatten)]
        sizes: frechet::Sizes,
    },
    /// Measure the feature extractor Inception-v3 of both in turn and print a Markdown table.
    Inception {
        /// A Python with torch and numpy.
        #[arg(long)]
        python: PathBuf,
        /// Pairs of measurements.
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// Images at once.
        #[arg(long, default_value_t = 32)]
        batch: usize,
        #[command(flatten)]
        conditions: Conditions,
    },
    /// Measure Brigand's Inception-v3 alone and print one line of JSON.
    RunInception {
        /// Images at once.
        #[arg(long, default_value_t = 32)]
        batch: usize,
        /// When the process was started, in seconds since 1970, to count loading in.
        #[arg(long)]
        started_at: Option<f64>,
        #[command(flatten)]
        conditions: Conditions,
    },
    /// Measure Brigand alone and print one line of JSON.
    Run {
        /// The workload.
        workload: String,
        /// When the process was started, in seconds since 1970, to count loading in.
        #[arg(long)]
        started_at: Option<f64>,
        #[command(flatten)]
        conditions: Conditions,
    },
}

/// What both sides are given.
#[derive(Args, Clone, Copy)]
struct Conditions {
    /// How long to repeat the step, in seconds.
    #[arg(long, default_value_t = 8.0)]
    seconds: f64,
    /// Threads; by default one for each core.
    #[arg(long)]
    threads: Option<usize>,
    /// How Brigand multiplies: f32, or bf16 as `training.precision=bf16` does.
    #[arg(long, value_enum, default_value = "f32")]
    precision: Precision,
}

/// How Brigand multiplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Precision {
    /// In single precision.
    F32,
    /// Numbers rounded to bfloat16.
    Bf16,
}

impl Precision {
    /// What a measurement with it is called.
    fn name(self) -> &'static str {
        match self {
            Self::F32 => "brigand",
            Self::Bf16 => "brigand bf16",
        }
    }

    /// The CPU with such products.
    fn place(self) -> Place {
        let products = match self {
            Self::F32 => Products::Full,
            Self::Bf16 => Products::Bfloat16,
        };
        Place { products, ..Place::cpu() }
    }
}

impl Conditions {
    /// The number of threads asked for, or of cores.
    fn threads(&self) -> Result<usize, Failure> {
        threads(self.threads)
    }
}

/// The number of threads asked for, or of cores.
fn threads(asked: Option<usize>) -> Result<usize, Failure> {
    Ok(match asked {
        Some(threads) => threads,
        None => std::thread::available_parallelism()?.get(),
    })
}

/// Seconds since 1970.
fn now() -> Result<f64, Failure> {
    Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs_f64())
}

fn main() -> ExitCode {
    let outcome = now().and_then(|start| run(Program::parse().command, start));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, start: f64) -> Result<(), Failure> {
    match command {
        Command::Run { workload, started_at, conditions } => {
            let workload = Workload::find(&workload)?;
            let measured = ours::measure(workload, conditions, started_at.unwrap_or(start))?;
            println!("{}", serde_json::to_string(&measured)?);
        }
        Command::Frechet { python, threads: asked, sizes } => {
            print!("{}", frechet::compare(&python, sizes, threads(asked)?)?);
        }
        Command::Builds(request) => print!("{}", builds::compare(&request)?),
        Command::Modes(request) => print!("{}", modes::table(&request)?),
        Command::RunInception { batch, started_at, conditions } => {
            let measured = inception::measure(batch, conditions, started_at.unwrap_or(start))?;
            println!("{}", serde_json::to_string(&measured)?);
        }
        Command::Inception { python, rounds, batch, conditions } => {
            print!("{}", inception::compare(&python, rounds, batch, conditions)?);
        }
        Command::Compare { python, peers, rounds, out, workloads, conditions } => {
            let workloads = Workload::select(&workloads)?;
            let rows = compare::run(&python, &peers, rounds, &workloads, conditions)?;
            let table = table::write(&rows, rounds);
            print!("{table}");
            if let Some(file) = out {
                std::fs::write(&file, table)
                    .map_err(|reason| format!("cannot write {}: {reason}", file.display()))?;
            }
        }
    }
    Ok(())
}
