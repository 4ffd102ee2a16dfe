//! How the named systems cover the modes of a mixture of Gaussians in the plane: the table in `docs/modes.md`.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use brigand::data::DatasetSource;
use brigand::evaluation::{Features, ModeCoverage};
use brigand::recipe::{Changes, Recipe, TrainingRecipe};
use brigand::session::{Session, Span};
use brigand::systems::two_player;
use brigand::training::load_data;
use brigand::{Place, hardware, registry};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::Failure;

/// Samples that are measured, as in the papers.
const SAMPLES: usize = 2500;

/// What is trained.
#[derive(Args)]
pub(crate) struct Request {
    /// The mixture: ring8 or grid25.
    #[arg(long, default_value = "ring8")]
    data: String,
    /// Seeds 0, 1, 2...
    #[arg(long, default_value_t = 3)]
    seeds: u64,
    /// Runs at a time, each on one thread.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Lines of JSON, one for each run; runs found there are not made again.
    #[arg(long)]
    results: PathBuf,
    /// A recipe's key and value, for every system.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    assignments: Vec<String>,
    /// Systems; all two-player systems if none is named.
    systems: Vec<String>,
}

/// One trained run.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Run {
    system: String,
    data: String,
    changes: Vec<String>,
    seed: u64,
    modes: usize,
    high_quality: f64,
    divergence: Option<f64>,
    seconds: f64,
}

/// Trains what is missing and returns a Markdown table.
///
/// # Errors
/// If a system is unknown, the data has no modes, or the results cannot be read or written.
pub(crate) fn table(request: &Request) -> Result<String, Failure> {
    hardware::set_threads(1)?;
    hardware::keep_freed_memory();
    let names: Vec<String> = match request.systems.as_slice() {
        [] => two_player::ROWS.into_iter().flatten().map(|row| row.name.to_owned()).collect(),
        named => named.to_vec(),
    };
    let wanted = |run: &Run| run.data == request.data && run.changes == request.assignments;
    let mut runs: Vec<Run> = read(&request.results)?.into_iter().filter(wanted).collect();
    let missing = names
        .iter()
        .flat_map(|name| (0..request.seeds).map(move |seed| (name.clone(), seed)))
        .filter(|(name, seed)| !runs.iter().any(|run| run.system == *name && run.seed == *seed));
    let queue = Mutex::new(missing.collect::<VecDeque<_>>());
    let made = Mutex::new(Vec::new());
    let failed = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..request.jobs.max(1) {
            scope.spawn(|| {
                while let Some((name, seed)) = next(&queue) {
                    match train(&name, seed, request).and_then(|run| keep(&run, request).map(|()| run)) {
                        Ok(run) => push(&made, run),
                        Err(error) => {
                            *failed.lock().unwrap_or_else(|held| held.into_inner()) = Some(error.to_string())
                        }
                    }
                }
            });
        }
    });
    if let Some(error) = failed.into_inner().unwrap_or_else(|held| held.into_inner()) {
        return Err(error.into());
    }
    runs.extend(made.into_inner().unwrap_or_else(|held| held.into_inner()));
    Ok(markdown(&names, &runs))
}

fn next<T>(queue: &Mutex<VecDeque<T>>) -> Option<T> {
    queue.lock().unwrap_or_else(|held| held.into_inner()).pop_front()
}

fn push<T>(list: &Mutex<Vec<T>>, item: T) {
    list.lock().unwrap_or_else(|held| held.into_inner()).push(item);
}

fn read(path: &PathBuf) -> Result<Vec<Run>, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect(),
        Err(reason) if reason.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(reason) => Err(format!("cannot read {}: {reason}", path.display()).into()),
    }
}

fn keep(run: &Run, request: &Request) -> Result<(), Failure> {
    let mut file = OpenOptions::new().create(true).append(true).open(&request.results)?;
    Ok(writeln!(file, "{}", serde_json::to_string(run)?)?)
}

/// Trains `name` for its recipe's length and measures samples of the last step.
fn train(name: &str, seed: u64, request: &Request) -> Result<Run, Failure> {
    let mut assignments = vec![format!("data.source={}", request.data), format!("training.seed={seed}")];
    assignments.extend(request.assignments.clone());
    let recipe = Recipe::resolve(registry::find(name)?, &Changes { file: None, assignments })?;
    let data = Arc::new(load_data(&recipe)?);
    let modes = data.modes().cloned().ok_or_else(|| format!("{} has no modes", request.data))?;
    let began = Instant::now();
    let TrainingRecipe { steps, batch, .. } = recipe.common.training;
    let span = Span { steps, batch, seed };
    let source = Box::new(DatasetSource(data));
    let mut session = Session::new(recipe.system.as_ref(), vec![source], span, &Place::cpu())?;
    while session.step() < steps {
        session.advance()?;
    }
    let seconds = began.elapsed().as_secs_f64();
    let samples = Features::new(session.system().sampler()?.sample(SAMPLES, 1)?.to_vec_f32()?, 2)?;
    let coverage = ModeCoverage::of(&samples, &modes)?;
    let run = Run {
        system: name.to_owned(),
        data: request.data.clone(),
        changes: request.assignments.clone(),
        seed,
        modes: coverage.covered(1),
        high_quality: coverage.high_quality.mean(),
        divergence: coverage.divergence_from_uniform(),
        seconds,
    };
    eprintln!("{name} seed {seed}: {} modes, {:.1}%", run.modes, 100.0 * run.high_quality);
    Ok(run)
}

/// A row for each system: the mean over seeds, and the worst seed's modes and quality.
fn markdown(names: &[String], runs: &[Run]) -> String {
    let mut text = String::from(
        "| system | seeds | modes (fewest) | high quality (lowest) | KL to uniform | seconds |\n|---|---|---|---|---|---|\n",
    );
    for name in names {
        let own: Vec<&Run> = runs.iter().filter(|run| run.system == *name).collect();
        let count = own.len().max(1) as f64;
        let mean = |value: fn(&Run) -> f64| own.iter().map(|run| value(run)).sum::<f64>() / count;
        let fewest = own.iter().map(|run| run.modes).min().unwrap_or(0);
        let lowest = own.iter().map(|run| run.high_quality).fold(f64::INFINITY, f64::min);
        let divergences: Vec<f64> = own.iter().filter_map(|run| run.divergence).collect();
        let divergence = match divergences.len() {
            0 => "none".to_owned(),
            count => format!("{:.2}", divergences.iter().sum::<f64>() / count as f64),
        };
        let (modes, quality) = (mean(|run| run.modes as f64), 100.0 * mean(|run| run.high_quality));
        let seconds = mean(|run| run.seconds);
        let _ = writeln!(
            text,
            "| {name} | {} | {modes:.1} ({fewest}) | {quality:.1} % ({:.1} %) | {divergence} | {seconds:.0} |",
            own.len(),
            100.0 * lowest
        );
    }
    text
}
