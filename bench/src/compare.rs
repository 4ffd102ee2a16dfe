//! Both sides in turn.

use std::path::Path;

use brigand::hardware;

use crate::measurement::{Measurement, median};
use crate::peer::{self, Peer};
use crate::workload::Workload;
use crate::{Conditions, Failure, product};

/// The network whose biases may differ.
const DISCRIMINATOR: &str = "discriminator";

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

/// Measures `workloads` beside each of `peers`, `rounds` times, ours and theirs in turn, each in a fresh process.
///
/// # Errors
/// If a process fails, or the two sides do not train the same networks.
pub(crate) fn run(
    python: &Path,
    peers: &[Peer],
    rounds: usize,
    workloads: &[&'static Workload],
    conditions: Conditions,
) -> Result<Vec<Row>, Failure> {
    if rounds == 0 {
        return Err("0 rounds measure nothing; give --rounds at least 1".into());
    }
    hardware::set_threads(conditions.threads()?)?;
    let mut rows = Vec::new();
    for &workload in workloads {
        for &peer in peers {
            let pairs = (1..=rounds).map(|round| {
                let pair = measure_pair(python, peer, workload, conditions)?;
                eprintln!(
                    "{} round {round}: brigand {:.1} ms, {} {:.1} ms a step",
                    workload.name, pair.ours.step_ms_median, pair.theirs.peer, pair.theirs.step_ms_median
                );
                Ok(pair)
            });
            rows.push(Row { workload, pairs: pairs.collect::<Result<_, Failure>>()? });
        }
    }
    Ok(rows)
}

fn measure_pair(
    python: &Path,
    peer: Peer,
    workload: &Workload,
    conditions: Conditions,
) -> Result<Pair, Failure> {
    let product_rate = product::rate()?;
    let ours: Measurement = peer::measure_build(&std::env::current_exe()?, workload.name, conditions)?;
    let theirs = peer::measure_theirs(python, peer, workload, conditions)?;
    check(workload, &ours, &theirs)?;
    Ok(Pair { ours, theirs, product_rate })
}

/// Refuses two sides that did not do the same, as far as they report it: networks, losses that change, threads.
fn check(workload: &Workload, ours: &Measurement, theirs: &Measurement) -> Result<(), Failure> {
    let name = workload.name;
    let mut expected = theirs.parameters.clone();
    if let Some(count) = expected.get_mut(DISCRIMINATOR) {
        *count += workload.extra_parameters;
    }
    if ours.parameters != expected {
        return Err(format!(
            "{name}: our networks have {:?} parameters, {expected:?} were expected beside PyTorch's {:?}; the two do \
             not train the same networks",
            ours.parameters, theirs.parameters
        )
        .into());
    }
    if !ours.losses.keys().eq(theirs.losses.keys()) {
        return Err(format!(
            "{name}: we report the losses {:?}, PyTorch {:?}; the two do not train the same",
            ours.losses, theirs.losses
        )
        .into());
    }
    for side in [ours, theirs] {
        for (loss, [first, last]) in &side.losses {
            if !(first.is_finite() && last.is_finite() && first != last) {
                return Err(format!("{name}: {}'s {loss} went from {first} to {last}", side.peer).into());
            }
        }
    }
    if ours.threads != theirs.threads {
        return Err(format!("we ran with {} threads, PyTorch with {}", ours.threads, theirs.threads).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measurement(discriminator: usize, losses: [f64; 2]) -> Measurement {
        Measurement {
            workload: "dcgan-64-gp".into(),
            peer: "someone".into(),
            version: "1".into(),
            threads: 2,
            step_ms_median: 2.0,
            step_ms_min: 1.0,
            steps: 1,
            sample_images_per_s: 1.0,
            first_step_s: 1.0,
            peak_rss_mib: 1.0,
            parameters: [("generator".into(), 7), (DISCRIMINATOR.into(), discriminator)].into(),
            losses: [("generator_loss".into(), losses)].into(),
            step_gflop: None,
        }
    }

    #[test]
    fn only_two_sides_that_train_the_same_are_compared() {
        let workload = Workload::find("dcgan-64-gp").unwrap();
        let refusal = |ours: &Measurement, theirs: &Measurement| {
            check(workload, ours, theirs).map_err(|failure| failure.to_string())
        };
        let (ours, theirs) = (measurement(5 + 896, [1.0, 0.5]), measurement(5, [1.1, 0.7]));
        refusal(&ours, &theirs).unwrap();
        assert!(refusal(&theirs, &theirs).unwrap_err().contains("do not train the same networks"));
        let still = measurement(5, [0.7, 0.7]);
        assert!(refusal(&ours, &still).unwrap_err().contains("generator_loss went from 0.7 to 0.7"));
        let others = Measurement { losses: [("loss".into(), [1.0, 0.5])].into(), ..theirs.clone() };
        assert!(refusal(&ours, &others).unwrap_err().contains("report the losses"));
    }
}
