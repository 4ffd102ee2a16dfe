//! Both sides in turn.

use std::path::Path;

use brigand::hardware;

use crate::measurement::{Measurement, median};
use crate::workload::Workload;
use crate::{Conditions, Failure, peer, product};

/// The two measurements of one round.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    /// Brigand's.
    pub(crate) ours: Measurement,
    /// PyTorch's.
    pub(crate) theirs: Measurement,
    /// What the machine multiplied just before, in GFLOP/s.
    pub(crate) product_rate: f64,
}

/// All rounds of one workload.
pub(crate) struct Row {
    /// The workload.
    pub(crate) workload: &'static Workload,
    /// Its rounds.
    pub(crate) pairs: Vec<Pair>,
}

impl Row {
    /// The median over the rounds of what `of` reads from a pair.
    pub(crate) fn median(&self, of: impl Fn(&Pair) -> f64) -> f64 {
        median(self.pairs.iter().map(of)).unwrap_or(f64::NAN)
    }
}

/// Measures `workloads`, `rounds` times each, ours and theirs in turn, each in a fresh process.
///
/// # Errors
/// If a process fails, or the two sides do not train the same networks.
pub(crate) fn run(
    python: &Path,
    rounds: usize,
    workloads: &[&'static Workload],
    conditions: Conditions,
) -> Result<Vec<Row>, Failure> {
    if rounds == 0 {
        return Err("0 rounds measure nothing; give --rounds at least 1".into());
    }
    hardware::set_threads(conditions.threads()?)?;
    let row = |&workload: &&'static Workload| {
        let pairs = (0..rounds)
            .map(|round| {
                let pair = measure_pair(python, workload, conditions)?;
                eprintln!(
                    "{} round {}: brigand {:.1} ms, pytorch {:.1} ms a step",
                    workload.name,
                    round + 1,
                    pair.ours.step_ms_median,
                    pair.theirs.step_ms_median
                );
                Ok(pair)
            })
            .collect::<Result<_, Failure>>()?;
        Ok(Row { workload, pairs })
    };
    workloads.iter().map(row).collect()
}

fn measure_pair(python: &Path, workload: &Workload, conditions: Conditions) -> Result<Pair, Failure> {
    let product_rate = product::rate()?;
    let ours = peer::measure_ours(workload, conditions)?;
    let theirs = peer::measure_theirs(python, workload, conditions)?;
    let check = |network: &str, ours: usize, theirs: usize, extra: usize| {
        if ours == theirs + extra {
            return Ok(());
        }
        Err(format!(
            "{}: our {network} has {ours} parameters, PyTorch's {theirs}, and {extra} more were expected; \
             the two do not train the same network",
            workload.name
        ))
    };
    check("generator", ours.generator_parameters, theirs.generator_parameters, 0)?;
    check(
        "discriminator",
        ours.discriminator_parameters,
        theirs.discriminator_parameters,
        workload.extra_parameters,
    )?;
    if ours.threads != theirs.threads {
        return Err(format!("we ran with {} threads, PyTorch with {}", ours.threads, theirs.threads).into());
    }
    Ok(Pair { ours, theirs, product_rate })
}
