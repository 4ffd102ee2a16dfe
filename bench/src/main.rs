//! Runs Brigand's training steps and PyTorch's in turn and compares them.
#![allow(clippy::print_stdout, clippy::print_stderr)] // A program: its results go to standard output.

mod compare;
mod frechet;
mod measurement;
mod ours;
mod peer;
mod product;
mod table;
mod work;
mod workload;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::{Args, Parser, Subcommand};

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
        Command::Compare { python, rounds, out, workloads, conditions } => {
            let workloads = Workload::select(&workloads)?;
            let rows = compare::run(&python, rounds, &workloads, conditions)?;
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
